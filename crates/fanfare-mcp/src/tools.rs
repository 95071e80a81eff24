//! Tools: what they are called with, and what they answer.

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
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// When to use it, when not, and what it does besides answering.
    pub description: &'static str,
    /// JSON Schema 2020-12 of the arguments; an object.
    pub input_schema: Value,
    /// JSON Schema of `structuredContent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What a client may tell the user before it calls.
    pub annotations: Annotations,
}

/// What a call may do, in the words of the protocol.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// It changes nothing.
    pub read_only_hint: bool,
    /// It may undo something.
    pub destructive_hint: bool,
    /// To call it again changes nothing more.
    pub idempotent_hint: bool,
    /// It reaches beyond this machine.
    pub open_world_hint: bool,
}

/// What `tools/call` asks for.
#[derive(Debug)]
pub struct Call<'a> {
    /// Which tool.
    pub name: String,
    /// An object; nothing is an empty one.
    pub arguments: Option<&'a RawValue>,
    /// Answers to what an earlier [`crate::outcome::InputRequired`] asked, by its keys; modern only.
    pub input_responses: Option<serde_json::Map<String, Value>>,
    /// What that gave to be given back.
    pub request_state: Option<String>,
}

impl<'a> Call<'a> {
    /// Reads the parameters of `tools/call`.
    pub fn read(params: &'a Params) -> Result<Call<'a>, Error> {
        let arguments = params.member("arguments")?;
        if arguments.is_some_and(|raw| !raw.get().starts_with('{')) {
            return Err(Error::invalid_params("`arguments` is no object"));
        }
        let name = params.read_member("name")?;
        Ok(Call {
            name: name.ok_or_else(|| Error::invalid_params("the parameters name nothing"))?,
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

/// Returns the request that calls the tool `name`, for those who say it without JSON-RPC. `arguments` is an object.
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

/// What a tool answers.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// For the model, and for people.
    pub content: Vec<Content>,
    /// For programs; fits the tool's output schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// The tool could not do it, and `content` says why and what to do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}

impl Answer {
    /// Says `text`, and the same for programs.
    pub fn new(text: impl Into<String>, structured: Value) -> Answer {
        Answer { content: vec![Content::text(text)], structured_content: Some(structured), is_error: false }
    }

    /// Says why it could not be done, and what to do.
    pub fn error(text: impl Into<String>) -> Answer {
        Answer { content: vec![Content::text(text)], structured_content: None, is_error: true }
    }
}

/// A piece of what a tool or a prompt says.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Content {
    /// Sound.
    Audio {
        /// In base64.
        data: String,
        /// Its format.
        mime_type: String,
    },
    /// A picture.
    Image {
        /// In base64.
        data: String,
        /// Its format.
        mime_type: String,
    },
    /// A resource, whole.
    Resource {
        /// What it says.
        resource: crate::resources::Contents,
    },
    /// Where a resource is.
    ResourceLink {
        /// Its address.
        uri: String,
        /// Its name.
        name: String,
        /// Its format.
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
    /// Makes text.
    pub fn text(text: impl Into<String>) -> Content {
        Content::Text { text: text.into() }
    }
}
