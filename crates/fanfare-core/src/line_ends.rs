//! U+2028, U+2029 and U+0085: JSON allows them inside a string, but some programs end a line there. Python clients, for
//! example, split an event stream into lines with `str.splitlines`. All JSON that leaves the gateway has escapes instead,
//! which mean the same.

use serde::Serialize;

/// Returns `value`, which has text for keys and finite numbers, as JSON without these characters.
pub fn written(value: &impl Serialize) -> Vec<u8> {
    let mut json = serde_json::to_vec(value).expect("text for keys and finite numbers");
    escape(&mut json, 0);
    json
}

/// Escapes these characters in JSON from the byte `from` on. Valid JSON has them inside strings only.
pub fn escape(json: &mut Vec<u8>, from: usize) {
    if first(&json[from..]).is_none() {
        return;
    }
    let raw = json.split_off(from);
    let mut rest = &raw[..];
    while let Some((at, len, escape)) = first(rest) {
        json.extend_from_slice(&rest[..at]);
        json.extend_from_slice(escape.as_bytes());
        rest = &rest[at + len..];
    }
    json.extend_from_slice(rest);
}

/// Returns whether JSON has any of these characters.
pub fn are_in(json: &[u8]) -> bool {
    first(json).is_some()
}

/// Returns the place of the first one, its length, and its escape.
fn first(json: &[u8]) -> Option<(usize, usize, &'static str)> {
    // The first bytes of the characters in UTF-8.
    memchr::memchr2_iter(0xc2, 0xe2, json).find_map(|at| match &json[at..] {
        [0xc2, 0x85, ..] => Some((at, 2, "\\u0085")),
        [0xe2, 0x80, 0xa8, ..] => Some((at, 3, "\\u2028")),
        [0xe2, 0x80, 0xa9, ..] => Some((at, 3, "\\u2029")),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{are_in, escape};

    proptest! {
        #[test]
        fn the_value_stays_and_the_characters_go(text in "[a\u{85}\u{2027}-\u{202a}\u{2014}\u{a0}\"\\\\é]{0,12}", from in 0_usize..3) {
            let mut json = b"///"[..from].to_vec();
            json.extend(serde_json::to_vec(&text).expect("JSON"));
            escape(&mut json, from);
            prop_assert!(!are_in(&json));
            prop_assert_eq!(serde_json::from_slice::<String>(&json[from..]).expect("JSON"), text);
        }
    }
}
