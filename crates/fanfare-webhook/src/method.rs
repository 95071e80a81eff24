//! The method of a webhook's requests, and the type of their content.

use std::fmt;
use std::str::FromStr;

use crate::limits::CONTENT_TYPE_LEN_MAX;
use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};

/// The method of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// `PATCH`.
    Patch,
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
}

impl Method {
    /// Returns the method as in the request line, in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Patch => "PATCH",
            Method::Post => "POST",
            Method::Put => "PUT",
        }
    }
}

impl FromStr for Method {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Method, Invalid> {
        [Method::Patch, Method::Post, Method::Put]
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| {
                let what = format!("`{}` is not a method for webhooks", shown(text));
                Invalid::new(Code::InvalidWebhook, what, "use `POST`, `PUT` or `PATCH`")
            })
    }
}

/// A media type, RFC 9110 section 8.3.1, with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContentType(
    /// `type/subtype`, each a token, and parameters in printable ASCII.
    Box<str>,
);

impl ContentType {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContentType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<ContentType, Invalid> {
        let is_token = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
        };
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let is_type =
            essence.trim_end().split_once('/').is_some_and(|(one, two)| is_token(one) && is_token(two));
        let is_printable = parameters.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if !is_type || !is_printable || text.len() > CONTENT_TYPE_LEN_MAX || text.trim() != text {
            let what = format!("`{}` is not a content type", shown(text));
            return Err(Invalid::new(
                Code::InvalidWebhook,
                what,
                "write it like `application/json`, at most 128 bytes",
            ));
        }
        Ok(ContentType(text.into()))
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{ContentType, Method};

    #[test]
    fn methods_and_content_types_are_read_as_they_are_sent() {
        for text in ["POST", "PUT", "PATCH"] {
            assert_eq!(text.parse::<Method>().expect(text).as_str(), text);
        }
        for text in ["", "post", "GET", "DELETE", "CONNECT"] {
            assert!(text.parse::<Method>().is_err(), "{text}");
        }
        for text in ["text/plain", "application/vnd.x+json", "text/plain; charset=utf-8", "a/b;c=\"d\""] {
            assert_eq!(text.parse::<ContentType>().expect(text).as_str(), text);
        }
        let long = format!("a/{}", "b".repeat(200));
        for text in ["", "text", "text/", "/plain", "text/plain\r\nX: y", " a/b", "a/b c", "a/b; é", &long] {
            assert!(text.parse::<ContentType>().is_err(), "{text}");
        }
    }
}
