//! The answers of a gateway. Members that a later version adds are skipped.

use fanfare_api::event::Event;
use serde::de::DeserializeOwned;

/// An answer: its parsed value, and its original text.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The parsed value.
    pub value: T,
    /// The JSON, on one line.
    pub json: Box<str>,
}

/// An event as it came.
pub type Received = Answer<Event>;

impl<T: DeserializeOwned> Answer<T> {
    /// Reads JSON.
    pub fn read(json: &str) -> Result<Answer<T>, serde_json::Error> {
        const BREAKS: [char; 2] = ['\n', '\r'];
        let json = json.trim();
        // In valid JSON, a line break is never part of a text. Parts of the value can be JSON, too.
        let json: Box<str> = match json.contains(BREAKS) {
            true => json.replace(BREAKS, " ").into(),
            false => json.into(),
        };
        Ok(Answer { value: serde_json::from_str(&json)?, json })
    }
}
