//! Finds the id of a message that is too long to be kept: its sender still learns which request was refused.

use serde_json::value::RawValue;

use crate::json_rpc::{ID_LEN_MAX, Id};

/// Reads a message piece by piece and remembers only its id, wherever it stands; it may be the last member.
#[derive(Debug, Default)]
pub struct IdFinder {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Whether a value comes next at the top level, not a name.
    at_value: bool,
    /// Whether the value at the top level belongs to `id`.
    is_id: bool,
    /// The name or value at the top level, as far as it can be one of interest.
    token: Vec<u8>,
    found: Option<Id>,
    /// Whether the rest can change nothing.
    is_done: bool,
}

impl IdFinder {
    /// Reads the next piece.
    pub fn read(&mut self, piece: &[u8]) {
        for &byte in piece {
            if self.is_done {
                return;
            }
            self.step(byte);
        }
    }

    /// Returns the id, if it was found.
    pub fn found(&self) -> Option<&Id> {
        self.found.as_ref()
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.keep(byte);
            }
            b'{' | b'[' => {
                // A batch has no id of its own.
                self.is_done = self.depth == 0 && byte == b'[';
                self.keep(byte);
                self.depth += 1;
            }
            b'}' | b']' => {
                if self.depth <= 1 {
                    self.end_member();
                    self.is_done = true;
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 => {
                self.is_id = !self.at_value && self.token == b"\"id\"";
                self.at_value = true;
                self.token.clear();
            }
            b',' if self.depth == 1 => self.end_member(),
            byte if byte.is_ascii_whitespace() => {}
            byte => self.keep(byte),
        }
    }

    /// Keeps a byte of a name or a value at the top level. One more than an id can have shows that it is none.
    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.token.len() <= ID_LEN_MAX {
            self.token.push(byte);
        }
    }

    fn end_member(&mut self) {
        if self.is_id {
            let text = String::from_utf8(std::mem::take(&mut self.token)).ok();
            let raw = text.and_then(|text| RawValue::from_string(text).ok());
            self.found = raw.and_then(|raw| Id::read(&raw));
            self.is_done = true;
        }
        (self.at_value, self.is_id) = (false, false);
        self.token.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::IdFinder;

    fn found(text: &str, piece: usize) -> Option<String> {
        let mut finder = IdFinder::default();
        for piece in text.as_bytes().chunks(piece) {
            finder.read(piece);
        }
        finder.found().map(ToString::to_string)
    }

    #[test]
    fn an_id_is_found_wherever_it_stands_and_no_other() {
        let long = "x".repeat(2_000);
        for (text, id) in [
            (r#"{"jsonrpc":"2.0","id":7,"method":"x"}"#, Some("7")),
            (
                r#"{"method":"x","params":{"id":1,"a":["id",{"id":2}]},"jsonrpc":"2.0","id":"a\"}b"}"#,
                Some(r#""a\"}b""#),
            ),
            ("{ \"id\" : -1 \t}", Some("-1")),
            (r#"{"id":3,"params":{"te"#, Some("3")),
            (r#"{"params":{"id":1}}"#, None),
            (r#"{"a":"id","b":"\"id\":1"}"#, None),
            (r#"{"id":null}"#, None),
            (r#"{"id":{"id":5}}"#, None),
            (r#"{"id":[5]}"#, None),
            (r#"{"id":1.5}"#, None),
            (r#"[{"id":1}]"#, None),
            (r#"{"id":4"#, None),
            ("xxxx", None),
            (&format!(r#"{{"id":"{long}"}}"#), None),
            (&format!(r#"{{"{long}":1,"id":6}}"#), Some("6")),
        ] {
            for piece in [1, 7, usize::MAX] {
                assert_eq!(found(text, piece).as_deref(), id, "{text} in pieces of {piece}");
            }
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(|n| json!(n)),
            ".{0,8}".prop_map(|s| json!(s))
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("id|[a-z\\\\\"{},:]{0,4}", inner, 0..4)
                    .prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_finds_what_a_parser_finds(
            members in prop::collection::btree_map("[a-z\\\\\"{},:]{0,4}", value(), 0..5),
            id in prop_oneof![any::<i64>().prop_map(|n| json!(n)), "[^\u{0}]{0,8}".prop_map(|s| json!(s))],
            piece in 1..20_usize,
        ) {
            let mut message = json!(members);
            message["id"] = id.clone();
            prop_assert_eq!(found(&message.to_string(), piece), Some(id.to_string()));
        }
    }
}
