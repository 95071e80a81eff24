//! JSON that is passed on as it is.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::code::Code;
use crate::invalid::Invalid;
use crate::limits::{DATA_DEPTH_MAX, DATA_LEN_MAX};

/// Any JSON value, as its text on one line. Numbers keep their digits and objects their order: the value is never
/// parsed and written again between pusher and subscriber.
#[derive(Debug, Clone)]
pub struct Json(
    /// Valid JSON without line breaks outside strings (inside, JSON cannot have any).
    Box<RawValue>,
);

impl Json {
    /// Creates a value from `raw`; fails if it is longer than 256 KiB, or nested deeper than 128 levels.
    pub fn new(raw: Box<RawValue>) -> Result<Json, Invalid> {
        if raw.get().len() > DATA_LEN_MAX {
            return Err(Invalid::new(
                Code::InvalidData,
                format!("`data` is {} bytes long", raw.get().len()),
                "use at most 262144 bytes of JSON; for anything larger, push a link to it",
            ));
        }
        check_depth(raw.get(), "`data`")?;
        if !raw.get().contains(['\n', '\r']) {
            return Ok(Json(raw));
        }
        let line = without_whitespace(raw.get());
        Ok(Json(RawValue::from_string(line).expect("JSON stays JSON without whitespace between tokens")))
    }

    /// Parses JSON text.
    pub fn parse(text: String) -> Result<Json, Invalid> {
        let raw = RawValue::from_string(text).map_err(|error| {
            Invalid::new(
                Code::InvalidData,
                format!("`data` is not valid JSON: {error}"),
                "give any JSON value",
            )
        })?;
        Json::new(raw)
    }

    /// Creates a value from text that [`Json::as_str`] returned earlier, read from the store; `None` if it is not valid
    /// JSON.
    pub fn from_stored(text: String) -> Option<Json> {
        RawValue::from_string(text).ok().map(Json)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Returns JSON without the byte order mark that editors and shells on Windows put before it. RFC 8259, section 8.1, lets a
/// parser ignore it, but serde_json refuses it.
pub fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json)
}

/// Refuses JSON whose arrays and objects are nested deeper than `data` may be; `what` names it. Parsers that recurse have
/// limits of their own, which differ, so this does not recurse and does not depend on them.
pub fn check_depth(json: &str, what: &str) -> Result<(), Invalid> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DATA_DEPTH_MAX {
            return Err(Invalid::new(
                Code::InvalidData,
                format!("{what} is nested deeper than {DATA_DEPTH_MAX} levels"),
                "use fewer levels of arrays and objects, or send the JSON as text",
            ));
        }
    }
    Ok(())
}

/// Removes whitespace between tokens.
fn without_whitespace(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in json.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_string = c == '"';
        }
        line.push(c);
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Json;

    #[test]
    fn json_is_kept_on_one_line_and_to_the_digit() {
        let json = Json::parse("{ \"b\":\n 1.50,\r\n \"a\\\" \\\\\": \"x y\" }".to_owned()).expect("JSON");
        assert_eq!(json.as_str(), "{\"b\":1.50,\"a\\\" \\\\\":\"x y\"}");
    }

    #[test]
    fn brackets_count_as_levels_only_outside_of_text() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Json::parse(nested(128)).is_ok());
        assert!(Json::parse(nested(129)).is_err());
        assert!(Json::parse(format!("[{}]", [nested(127), nested(127)].join(","))).is_ok());
        assert!(Json::parse(format!("\"\\\"{}\"", "{[".repeat(1_000))).is_ok());
    }

    proptest! {
        #[test]
        fn losing_whitespace_keeps_the_value(text in "[ \\n\"\\\\a-c]{0,12}", number: i32) {
            let value = serde_json::json!({ "a": [text.clone(), { text: number }], "b": null });
            let pretty = serde_json::to_string_pretty(&value).expect("serialises");
            let json = Json::parse(pretty).expect("JSON");
            prop_assert!(!json.as_str().contains('\n'));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(json.as_str()).expect("JSON"), value);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = Json::parse(text);
        }
    }
}
