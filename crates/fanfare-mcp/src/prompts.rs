//! Prompts, which a user starts by name, and the completion of their arguments.

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
    /// The effect of the prompt.
    pub description: &'static str,
    /// The arguments.
    pub arguments: Vec<Argument>,
}

/// An argument of a prompt.
#[derive(Debug, Clone, Serialize)]
pub struct Argument {
    /// The name.
    pub name: &'static str,
    /// The meaning of the argument.
    pub description: &'static str,
    /// Whether it must be given.
    pub required: bool,
}

/// The parameters of `prompts/get`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Get {
    /// The name of the prompt.
    pub name: String,
    /// The texts by argument.
    #[serde(default)]
    pub arguments: Option<Map<String, Value>>,
    /// The answers to an earlier [`crate::outcome::InputRequired`].
    pub input_responses: Option<Map<String, Value>>,
    /// The state that it sent to be sent back.
    pub request_state: Option<String>,
}

/// The content of a prompt.
#[derive(Debug, Clone, Serialize)]
pub struct PromptAnswer {
    /// The effect of the prompt.
    pub description: String,
    /// The messages to put into the conversation.
    pub messages: Vec<Line>,
}

/// A message of a prompt.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// `user` or `assistant`.
    pub role: &'static str,
    /// The text of the message.
    pub content: Content,
}

/// The parameters of `completion/complete`.
#[derive(Debug, Deserialize)]
pub struct Complete {
    /// The object that the argument belongs to.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// The argument, as far as it is typed.
    pub argument: Written,
}

/// The object that an argument belongs to.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub enum Reference {
    /// A prompt, by name.
    #[serde(rename = "ref/prompt")]
    Prompt {
        /// The name.
        name: String,
    },
    /// A template of resources, by its URI with names in braces.
    #[serde(rename = "ref/resource")]
    Resource {
        /// The URI.
        uri: String,
    },
}

/// An argument that is being typed.
#[derive(Debug, Deserialize)]
pub struct Written {
    /// The name.
    pub name: String,
    /// The text so far.
    pub value: String,
}

/// Maximum values of one response (completion, "CompleteResult").
pub const COMPLETIONS_MAX: usize = 100;

/// Returns the response to `completion/complete` with `values`, which are all there are.
pub fn completed(values: &[String]) -> Outcome {
    let shown = &values[..values.len().min(COMPLETIONS_MAX)];
    Outcome::complete(&json!({
        "completion": { "values": shown, "total": values.len(), "hasMore": shown.len() < values.len() },
    }))
}
