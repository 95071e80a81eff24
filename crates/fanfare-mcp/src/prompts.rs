//! Prompts: what a user starts by name. And completion, which helps to fill in their arguments.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::outcome::Outcome;
use crate::tools::Content;

/// A prompt in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Prompt {
    /// The name for programs; hosts make a slash command of it.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// What it leads to.
    pub description: &'static str,
    /// What it wants to know.
    pub arguments: Vec<Argument>,
}

/// An argument of a prompt.
#[derive(Debug, Clone, Serialize)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub description: &'static str,
    /// Whether it must be given.
    pub required: bool,
}

/// What `prompts/get` asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Get {
    /// Which prompt.
    pub name: String,
    /// Text by argument.
    #[serde(default)]
    pub arguments: Option<Map<String, Value>>,
    /// Answers to what an earlier [`crate::outcome::InputRequired`] asked.
    pub input_responses: Option<Map<String, Value>>,
    /// What that gave to be given back.
    pub request_state: Option<String>,
}

/// What a prompt says.
#[derive(Debug, Clone, Serialize)]
pub struct PromptAnswer {
    /// What it leads to.
    pub description: String,
    /// What is put into the conversation.
    pub messages: Vec<Line>,
}

/// A message of a prompt.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// `user` or `assistant`.
    pub role: &'static str,
    /// What is said.
    pub content: Content,
}

/// What `completion/complete` asks for.
#[derive(Debug, Deserialize)]
pub struct Complete {
    /// What the argument belongs to.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// The argument, with what is written of it.
    pub argument: Written,
}

/// What an argument belongs to.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub enum Reference {
    /// A prompt, by name.
    #[serde(rename = "ref/prompt")]
    Prompt {
        /// The name.
        name: String,
    },
    /// A template of resources, by its address with names in braces.
    #[serde(rename = "ref/resource")]
    Resource {
        /// The address.
        uri: String,
    },
}

/// An argument that is being written.
#[derive(Debug, Deserialize)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// What is written so far.
    pub value: String,
}

/// Most values of one answer (completion, "CompleteResult").
pub const COMPLETIONS_MAX: usize = 100;

/// Answers `completion/complete` with `values`, all there are.
pub fn completed(values: &[String]) -> Outcome {
    let shown = &values[..values.len().min(COMPLETIONS_MAX)];
    Outcome::complete(&json!({
        "completion": { "values": shown, "total": values.len(), "hasMore": shown.len() < values.len() },
    }))
}
