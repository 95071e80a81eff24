//! Resources: content that can be read by URI.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// A resource in a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// The URI.
    pub uri: String,
    /// The name for programs.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The content of the resource.
    pub description: String,
    /// The format.
    pub mime_type: &'static str,
}

/// A family of resources (RFC 6570).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// The URIs, with names in braces.
    pub uri_template: &'static str,
    /// The name for programs.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// The content of the resources.
    pub description: &'static str,
    /// The format.
    pub mime_type: &'static str,
}

/// The contents of a resource.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// The URI.
    pub uri: String,
    /// The format.
    pub mime_type: String,
    /// The text, if the contents are text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The contents in base64, if they are not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// Further data for programs.
    #[serde(rename = "_meta", skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
}

/// The name of one resource: the parameters of `resources/read`, `resources/subscribe` and `resources/unsubscribe`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRequest {
    /// The URI.
    pub uri: String,
    /// The answers to an earlier [`crate::outcome::InputRequired`].
    pub input_responses: Option<Map<String, Value>>,
    /// The state that it sent to be sent back.
    pub request_state: Option<String>,
}

/// The parameters that ask for a page of a list.
#[derive(Debug, Default, Deserialize)]
pub struct PageRequest {
    /// The end of the page before.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// Refuses a cursor, for a list that has one page: we never return one. An empty cursor counts as none.
    pub fn only_page(&self) -> Result<(), Error> {
        match self.cursor.as_deref() {
            None | Some("") => Ok(()),
            Some(_) => Err(Error::invalid_params("this list has one page; ask for it without a `cursor`")),
        }
    }
}
