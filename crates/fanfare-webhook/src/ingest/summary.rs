//! The summary of a body that is too long for an event: the start of each long text and list.

use serde_json::{Map, Value, json};

use fanfare_core::json::Json;
use fanfare_core::limits::DATA_LEN_MAX;

/// The member of a summary that says how much of the body is missing, in bytes.
const OMITTED: &str = "omitted_bytes";
/// Bytes that `omitted_bytes` and the braces around a list take.
const OMITTED_LEN: usize = 64;
/// How much is kept of each text, in bytes, and of each list and object, in elements; the first that fits counts.
const KEPT: [(usize, usize); 6] = [(16_384, 1_000), (4_096, 256), (1_024, 64), (256, 32), (128, 16), (32, 8)];

/// Returns a summary of `value`, whose text is `len` bytes long: an object with the member `omitted_bytes`. Lists and
/// values without members are in `items` and `start`.
pub(super) fn summary(value: &Value, len: usize) -> Json {
    for (text_len, count) in KEPT {
        let kept = cut(value, text_len, count);
        let kept_len = kept.to_string().len();
        if kept_len + OMITTED_LEN > DATA_LEN_MAX {
            continue;
        }
        let omitted = len.saturating_sub(kept_len);
        let mut members = match kept {
            Value::Object(members) => members,
            Value::Array(items) => Map::from_iter([("items".to_owned(), Value::Array(items))]),
            other => Map::from_iter([("start".to_owned(), other)]),
        };
        members.insert(OMITTED.to_owned(), omitted.into());
        if let Ok(json) = Json::parse(Value::Object(members).to_string()) {
            return json;
        }
    }
    Json::parse(json!({ OMITTED: len }).to_string()).expect("an object with a number")
}

/// Returns the start of each text, list and object. A text that is cut ends with `…`; an element that is left out was
/// at the end.
fn cut(value: &Value, text_len: usize, count: usize) -> Value {
    match value {
        Value::String(text) if text.len() > text_len => {
            Value::String(format!("{}…", &text[..text.floor_char_boundary(text_len)]))
        }
        Value::Array(items) => items.iter().take(count).map(|item| cut(item, text_len, count)).collect(),
        Value::Object(members) => {
            let kept = members.iter().take(count);
            Value::Object(kept.map(|(name, value)| (name.clone(), cut(value, text_len, count))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::summary;
    use fanfare_core::limits::DATA_LEN_MAX;

    fn read(value: &Value) -> Value {
        let json = summary(value, value.to_string().len());
        assert!(json.as_str().len() <= DATA_LEN_MAX);
        serde_json::from_str(json.as_str()).expect("JSON")
    }

    #[test]
    fn a_summary_keeps_what_is_short_and_the_start_of_what_is_long() {
        let push = json!({
            "ref": "refs/heads/main", "repository": {"full_name": "octo/web"},
            "commits": vec![json!({"id": "0f3c", "message": "m".repeat(300)}); 2_048],
        });
        let kept = read(&push);
        assert_eq!((&kept["ref"], &kept["repository"]), (&push["ref"], &push["repository"]));
        let commits = kept["commits"].as_array().expect("a list");
        assert!(commits.len() > 50 && commits[0]["id"] == "0f3c", "{}", commits.len());
        assert!(kept["omitted_bytes"].as_u64().is_some_and(|omitted| omitted > 300_000), "{kept}");

        let image = json!({"tool_name": "Screenshot", "tool_response": {"data": "A".repeat(900_000)}});
        let kept = read(&image);
        assert_eq!(kept["tool_name"], "Screenshot");
        assert!(kept["tool_response"]["data"].as_str().is_some_and(|text| text.ends_with("A…")), "{kept}");

        assert_eq!(
            read(&json!(vec!["x".repeat(2_000); 1_000]))["items"][0].as_str().map(str::len),
            Some(1_027)
        );
        assert!(read(&json!("x".repeat(DATA_LEN_MAX)))["start"].is_string());
        let wide: serde_json::Map<String, Value> =
            (0..400).map(|n| (format!("{n}{}", "n".repeat(40_000)), Value::Null)).collect();
        assert_eq!(read(&Value::Object(wide)).as_object().map(serde_json::Map::len), Some(1));
    }
}
