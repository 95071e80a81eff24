//! The format of a body, which decides how values are written into it.

use crate::method::ContentType;

/// How `{{ … }}` writes a value, so that no message can leave its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `application/x-www-form-urlencoded`: text, percent-encoded.
    Form,
    /// JSON: a text has its quotes.
    Json,
    /// Any other type: text as it is.
    Text,
}

impl Format {
    /// Returns the format of a content type.
    pub fn of(content_type: &ContentType) -> Format {
        let essence = content_type.as_str().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" | "text/json" => Format::Json,
            "application/x-www-form-urlencoded" => Format::Form,
            other if other.ends_with("+json") => Format::Json,
            _ => Format::Text,
        }
    }
}
