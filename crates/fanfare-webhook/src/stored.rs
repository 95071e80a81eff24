//! The stored form of a webhook's settings: the JSON that callers see, plus the secrets that they do not see.

use serde_json::{Map, Value};

use crate::auth::Auth;
use crate::options::Options;
use crate::patch::Patch;
use fanfare_core::invalid::Invalid;

impl Options {
    /// Returns the stored form: JSON that [`Options::from_stored`] parses, including passwords, tokens and header
    /// values.
    pub fn to_stored(&self) -> String {
        let mut members = match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => Map::new(),
        };
        let headers: Map<String, Value> =
            self.headers.reveal().map(|(name, value)| (name.to_owned(), value.into())).collect();
        members.insert("headers".to_owned(), Value::Object(headers));
        members.insert("auth".to_owned(), self.auth.as_ref().map_or(Value::Null, Auth::to_stored));
        Value::Object(members).to_string()
    }

    /// Parses a text that [`Options::to_stored`] returned.
    pub fn from_stored(text: &str) -> Result<Options, Invalid> {
        let mut options = Options::default();
        options.apply(Patch::parse(text.as_bytes())?)?;
        Ok(options)
    }
}
