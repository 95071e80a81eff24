//! Resources: what can be read by an address.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// A resource in a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its address.
    pub uri: String,
    /// The name for programs.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// What it says.
    pub description: String,
    /// Its format.
    pub mime_type: &'static str,
}

/// A family of resources (RFC 6570).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Their addresses, with names in braces.
    pub uri_template: &'static str,
    /// The name for programs.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// What they say.
    pub description: &'static str,
    /// Their format.
    pub mime_type: &'static str,
}

/// What a resource says.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// Its address.
    pub uri: String,
    /// Its format.
    pub mime_type: String,
    /// Text, when it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Base64, when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// More for programs.
    #[serde(rename = "_meta", skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
}

/// Names one resource: the parameters of `resources/read`, `resources/subscribe` and `resources/unsubscribe`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRequest {
    /// Its address.
    pub uri: String,
    /// Answers to what an earlier [`crate::outcome::InputRequired`] asked.
    pub input_responses: Option<Map<String, Value>>,
    /// What that gave to be given back.
    pub request_state: Option<String>,
}

/// Asks for a page of a list.
#[derive(Debug, Default, Deserialize)]
pub struct PageRequest {
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// Refuses a cursor, for a list that has one page: we never gave one. An empty one is as good as none.
    pub fn only_page(&self) -> Result<(), Error> {
        match self.cursor.as_deref() {
            None | Some("") => Ok(()),
            Some(_) => Err(Error::invalid_params("this list has one page; ask for it without a `cursor`")),
        }
    }
}
