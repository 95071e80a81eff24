//! A tool as the operator writes it, and what is checked of it before anyone sees it.

use std::time::Duration;

use fanfare_core::{Channel, EventType, Priority, duration};
use fanfare_mcp::portable;
use fanfare_mcp::tools::{Annotations, Tool};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::mcp::gateway::answer::{output, text, truth};
use crate::mcp::gateway::declared::template::Template;
use crate::mcp::gateway::wait_for::{WAIT, WAIT_DEFAULT};

/// A tool as it is written in `[[tool]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// The name that models call.
    pub name: String,
    /// The name for people; by default the other one.
    pub title: Option<String>,
    /// When to use it, and what it does.
    pub description: String,
    /// The JSON Schema of its arguments; by default it has none.
    #[serde(default)]
    pub input: Map<String, Value>,
    /// What a call pushes.
    pub push: PushDeclaration,
    /// The reply that a call waits for, if any.
    pub wait: Option<WaitDeclaration>,
}

/// What a call pushes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushDeclaration {
    /// The channel, which can contain arguments.
    pub channel: String,
    /// The type of the event.
    #[serde(rename = "type")]
    pub event_type: Option<String>,
    /// Its priority.
    pub priority: Option<String>,
    /// The text, which can contain arguments.
    pub message: String,
}

/// The reply that a call waits for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitDeclaration {
    /// The channel of the reply, which can contain arguments.
    pub channel: String,
    /// The maximum time to wait.
    pub timeout: Option<String>,
}

/// A tool that was checked.
#[derive(Debug, Clone)]
pub(in crate::mcp::gateway) struct DeclaredTool {
    pub(super) tool: Tool,
    pub(super) channel: Template,
    pub(super) event_type: EventType,
    pub(super) priority: Priority,
    pub(super) message: Template,
    pub(super) wait: Option<Wait>,
}

/// A wait for a reply.
#[derive(Debug, Clone)]
pub(super) struct Wait {
    pub(super) channel: Template,
    pub(super) timeout: Duration,
}

impl Declaration {
    /// Checks the tool: its words and schema as every host accepts them, and its templates. The error says what is wrong
    /// where.
    pub(super) fn check(&self) -> Result<DeclaredTool, String> {
        let input = self.schema();
        let problems =
            [portable::check_words(&self.name, &self.description), portable::check_input(&input)].concat();
        if let Some(problem) = problems.first() {
            let at = problem.at.trim_start_matches('/');
            let at = if matches!(at, "name" | "description") { at.to_owned() } else { format!("input/{at}") };
            let at = at.trim_end_matches('/');
            return Err(format!("`{at}` {}; some hosts refuse that: {}", problem.what, problem.hosts));
        }
        let known = input["properties"].as_object().cloned().unwrap_or_default();
        let template = |at: &str, text: &str| {
            Template::parse(text, &known).map_err(|problem| format!("`{at}` {problem}"))
        };
        let channel = |at: &str, text: &str| {
            // A template with sound gaps must make a channel.
            let sample = known.keys().map(|name| (name.clone(), Value::from("x"))).collect();
            let template = template(at, text)?;
            let made: Result<Channel, _> = Channel::of_push(&template.render(&sample));
            made.map(|_| template).map_err(|invalid| format!("`{at}`: {}; {}", invalid.what, invalid.fix))
        };
        let wait = match &self.wait {
            None => None,
            Some(wait) => Some(Wait {
                channel: channel("wait.channel", &wait.channel)?,
                timeout: match &wait.timeout {
                    None => WAIT_DEFAULT,
                    Some(text) => duration::within(text, &WAIT)
                        .map_err(|invalid| format!("`wait.timeout`: {}; {}", invalid.what, invalid.fix))?,
                },
            }),
        };
        let event_type = self.push.event_type.as_deref().map(EventType::of_push).transpose();
        let event_type =
            event_type.map_err(|invalid| format!("`push.type`: {}; {}", invalid.what, invalid.fix))?;
        let priority = self.push.priority.as_deref().map(str::parse).transpose();
        let priority: Option<Priority> = priority.map_err(|invalid: fanfare_core::Invalid| {
            format!("`push.priority`: {}; {}", invalid.what, invalid.fix)
        })?;
        Ok(DeclaredTool {
            channel: channel("push.channel", &self.push.channel)?,
            event_type: event_type.unwrap_or_default(),
            priority: priority.unwrap_or_default(),
            message: template("push.message", &self.push.message)?,
            wait,
            tool: self.tool(input),
        })
    }

    /// Returns the schema of the arguments, with what goes without saying.
    fn schema(&self) -> Value {
        let mut input =
            Map::from_iter([("type".to_owned(), json!("object")), ("properties".to_owned(), json!({}))]);
        input.extend(self.input.clone());
        input.entry("additionalProperties").or_insert(json!(false));
        Value::Object(input)
    }

    fn tool(&self, input_schema: Value) -> Tool {
        let output_schema = output(json!({
            "id": text(),
            "channel": text(),
            "status": text(),
            "reply": { "type": "object" },
            "next_cursor": text(),
            "untrusted": truth(),
        }));
        Tool {
            name: self.name.clone().into(),
            title: self.title.clone().unwrap_or_else(|| self.name.clone()).into(),
            description: self.description.clone().into(),
            input_schema,
            output_schema: Some(output_schema),
            // Webhooks can forward what it pushes.
            annotations: Annotations {
                read_only_hint: false,
                destructive_hint: false,
                idempotent_hint: false,
                open_world_hint: true,
            },
        }
    }
}
