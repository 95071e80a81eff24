//! Tools: their definitions, calls and answers.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::json_rpc::{self, Id, Incoming, Message, Request};
use crate::method::Method;
use crate::params::Params;

/// A tool as clients and models see it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// The name: letters, digits, `_` and `-`.
    pub name: Cow<'static, str>,
    /// The name for people.
    pub title: Cow<'static, str>,
    /// The description: when to use the tool, when not, and its side effects.
    pub description: Cow<'static, str>,
    /// JSON Schema 2020-12 of the arguments; an object.
    pub input_schema: Value,
    /// The JSON Schema of `structuredContent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// The hints that a client can show the user before a call.
    pub annotations: Annotations,
}

/// The possible effects of a call, in the terms of the protocol.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Whether the tool changes nothing.
    pub read_only_hint: bool,
    /// Whether the tool can undo something.
    pub destructive_hint: bool,
    /// Whether a repeated call changes nothing more.
    pub idempotent_hint: bool,
    /// Whether the tool reaches beyond this machine.
    pub open_world_hint: bool,
}

/// The parameters of `tools/call`.
#[derive(Debug)]
pub struct Call<'a> {
    /// The name of the tool.
    pub name: String,
    /// The arguments: an object; `None` counts as an empty one.
    pub arguments: Option<&'a RawValue>,
    /// The answers to an earlier [`crate::outcome::InputRequired`], by its keys; modern only.
    pub input_responses: Option<serde_json::Map<String, Value>>,
    /// The state that it sent to be sent back.
    pub request_state: Option<String>,
}

impl<'a> Call<'a> {
    /// Parses the parameters of `tools/call`.
    pub fn read(params: &'a Params) -> Result<Call<'a>, Error> {
        let arguments = params.member("arguments")?;
        if arguments.is_some_and(|raw| !raw.get().starts_with('{')) {
            return Err(Error::invalid_params("`arguments` is not an object"));
        }
        let name = params.read_member("name")?;
        Ok(Call {
            name: name.ok_or_else(|| Error::invalid_params("the parameters have no `name`"))?,
            arguments,
            input_responses: params.read_member("inputResponses")?,
            request_state: params.read_member("requestState")?,
        })
    }

    /// Returns the arguments as a JSON object.
    pub fn arguments(&self) -> &'a str {
        self.arguments.map_or("{}", RawValue::get)
    }
}

/// Returns the name of the tool that `request` calls, if it calls one.
pub fn called(request: &Request) -> Option<String> {
    if &*request.method != Method::ToolsCall.as_str() {
        return None;
    }
    request.params.read_member("name").ok().flatten()
}

/// Returns the request that calls the tool `name`, for callers that do not use JSON-RPC. `arguments` is an object.
pub fn request(id: &str, name: &str, arguments: Option<&RawValue>) -> Result<Request, Error> {
    #[derive(Serialize)]
    struct Arguments<'a> {
        name: &'a str,
        arguments: Option<&'a RawValue>,
    }
    let id: Id = serde_json::from_value(id.into()).map_err(Error::parse)?;
    let written = json_rpc::write_request(&id, Method::ToolsCall.as_str(), &Arguments { name, arguments });
    match json_rpc::parse(&written).map_err(|refused| refused.error)? {
        Incoming::One(Message::Request(request)) => Ok(request),
        Incoming::One(_) | Incoming::Batch(_) => Err(Error::internal("a call is a request")),
    }
}

/// The answer of a tool.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The content for the model and for people.
    pub content: Vec<Content>,
    /// The content for programs; matches the tool's output schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// Whether the tool failed; `content` then says why and how to fix it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}

impl Answer {
    /// Creates an answer from `text`, and the same for programs.
    pub fn new(text: impl Into<String>, structured: Value) -> Answer {
        Answer { content: vec![Content::text(text)], structured_content: Some(structured), is_error: false }
    }

    /// Creates an answer that says why the tool failed and how to fix it.
    pub fn error(text: impl Into<String>) -> Answer {
        Answer { content: vec![Content::text(text)], structured_content: None, is_error: true }
    }
}

/// A piece of content in a tool's answer or a prompt.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Content {
    /// Sound.
    Audio {
        /// The data in base64.
        data: String,
        /// The format.
        mime_type: String,
    },
    /// A picture.
    Image {
        /// The data in base64.
        data: String,
        /// The format.
        mime_type: String,
    },
    /// A resource with its contents.
    Resource {
        /// The contents.
        resource: crate::resources::Contents,
    },
    /// A link to a resource.
    ResourceLink {
        /// The URI.
        uri: String,
        /// The name.
        name: String,
        /// The format.
        #[serde(skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
    },
    /// Text.
    Text {
        /// The text.
        text: String,
    },
}

impl Content {
    /// Creates a text.
    pub fn text(text: impl Into<String>) -> Content {
        Content::Text { text: text.into() }
    }
}
