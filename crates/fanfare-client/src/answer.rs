//! What a gateway answers. Members that a later version adds are passed over.

use fanfare_api::event::Event;
use serde::de::DeserializeOwned;

/// An answer: what we read in it, and its text, for those who want it as it came.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What we read in it.
    pub value: T,
    /// The JSON, on one line.
    pub json: Box<str>,
}

/// An event as it came.
pub type Received = Answer<Event>;

impl<T: DeserializeOwned> Answer<T> {
    /// Reads JSON.
    pub fn read(json: &str) -> Result<Answer<T>, serde_json::Error> {
        let json = json.trim();
        Ok(Answer { value: serde_json::from_str(json)?, json: json.into() })
    }
}
