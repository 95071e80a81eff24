//! Reading JSON of any size into a value of bounded size, from which sentences and summaries are made.
//!
//! A value takes many times the memory of its text: each `0,` of a list takes sixteen times its two bytes. So the number
//! of values is limited. Lists keep their length, because sentences count (`pushed 2048 commits`).

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use fanfare_core::limits::BATCH_LEN_MAX;

/// Maximum values that are read: 2,048 commits, the most in one push to GitHub, have 50,000.
const VALUES_MAX: usize = 200_000;
/// Maximum length of a text that is read, in bytes: far longer than any part of a sentence.
const TEXT_LEN_MAX: usize = 64 * 1024;
/// Maximum bytes of all texts and names that are read.
const TEXTS_LEN_MAX: usize = 8 * 1024 * 1024;
/// Maximum length of a list that is kept when there are too many values: it shows that a batch is too long.
const LIST_LEN_KEPT: usize = BATCH_LEN_MAX + 1;

/// Reads JSON. Of what exceeds the limits, texts are cut, members are left out, and elements become `null`.
pub(super) fn read(json: &[u8]) -> Result<Value, serde_json::Error> {
    let room = Room { values: Cell::new(VALUES_MAX), bytes: Cell::new(TEXTS_LEN_MAX) };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = room.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// What is left of the limits.
struct Room {
    values: Cell<usize>,
    bytes: Cell<usize>,
}

impl Room {
    fn has_values(&self) -> bool {
        self.values.get() > 0
    }

    /// Returns the start of `text` that there is room for.
    fn cut<'a>(&self, text: &'a str) -> &'a str {
        let end = text.floor_char_boundary(TEXT_LEN_MAX.min(self.bytes.get()));
        self.bytes.set(self.bytes.get() - end);
        &text[..end]
    }
}

impl<'de> DeserializeSeed<'de> for &Room {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.values.set(self.values.get().saturating_sub(1));
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Room {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(self.cut(text).to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        // A list takes at most half of what is left, so that what follows it is read as well.
        let left = self.values.get();
        let room = Room { values: Cell::new(left.div_ceil(2)), bytes: Cell::new(self.bytes.get()) };
        let mut list = Vec::new();
        while room.has_values() {
            match elements.next_element_seed(&room)? {
                Some(element) => list.push(element),
                None => break,
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {
            if list.len() < LIST_LEN_KEPT {
                list.push(Value::Null);
            }
        }
        let taken = left.div_ceil(2) - room.values.get();
        self.values.set(left.saturating_sub(taken));
        self.bytes.set(room.bytes.get());
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if !self.has_values() {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            let name = self.cut(&name).to_owned();
            let value = members.next_value_seed(self)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{LIST_LEN_KEPT, TEXT_LEN_MAX, VALUES_MAX, read};

    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Array(list) => list.iter().map(count).sum(),
            Value::Object(members) => members.values().map(count).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }

    #[test]
    fn a_body_of_many_values_stays_small_and_keeps_what_follows() {
        let many = format!("{{\"list\":[{}0],\"after\":\"x\"}}", "[0,1],".repeat(1_000_000));
        let value = read(many.as_bytes()).expect("JSON");
        assert!(count(&value) <= VALUES_MAX + LIST_LEN_KEPT, "{}", count(&value));
        assert_eq!(value["after"], "x");
        let commits = json!({"commits": vec![json!({"id": "0f", "added": ["a", "b"]}); 2_048]});
        assert_eq!(read(commits.to_string().as_bytes()).expect("JSON"), commits);
        let long = json!({"image": "é".repeat(TEXT_LEN_MAX), "after": 1.5});
        let value = read(long.to_string().as_bytes()).expect("JSON");
        assert_eq!(
            (value["image"].as_str().map(str::len), &value["after"]),
            (Some(TEXT_LEN_MAX), &json!(1.5))
        );
        let texts = json!(vec!["y".repeat(TEXT_LEN_MAX); 200]);
        assert!(read(texts.to_string().as_bytes()).expect("JSON").to_string().len() < 9 * 1024 * 1024);
    }

    proptest! {
        #[test]
        fn json_within_the_limits_is_read_as_it_is(text in "[a-c\"\\\\é\\n]{0,8}", number: i64, float in -1e9..1e9_f64) {
            let json = json!({text.clone(): [text, number, float, null, true, {"x": []}], "b": {}}).to_string();
            prop_assert_eq!(read(json.as_bytes()).expect("JSON"), serde_json::from_str::<Value>(&json).expect("JSON"));
        }

        #[test]
        fn what_is_not_json_is_refused_as_elsewhere(text in "[\\[\\]{}:,\"0-9a ]{0,20}") {
            prop_assert_eq!(
                read(text.as_bytes()).is_ok(),
                serde_json::from_str::<Value>(&text).is_ok()
            );
        }
    }
}
