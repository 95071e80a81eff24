//! JSON that is valid by its grammar, and yet not to every parser: half a surrogate pair (`"\ud83d"`), which JavaScript
//! writes when it cuts a text within an emoji, and numbers that no float can hold (`1e999`). RFC 8259, sections 6 and
//! 8.2, allows both. `data` keeps them; what is read for the sentence has a replacement of the same length.

use std::borrow::Cow;

/// Length of `\ud83d`.
const ESCAPE_LEN: usize = 6;

/// Replaces each half of a surrogate pair with U+FFFD, and each number that is too large with `null`.
pub(super) fn mended(json: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(json);
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        at = match byte {
            b'"' => text(json, at + 1, &mut mended),
            b'-' | b'0'..=b'9' => number(json, at, &mut mended),
            _ => at + 1,
        };
    }
    mended
}

/// Walks through a text from behind its quote; returns the place behind its end.
fn text(json: &[u8], mut at: usize, mended: &mut Cow<'_, [u8]>) -> usize {
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => match escaped(json, at) {
                Some(0xd800..=0xdbff) if matches!(escaped(json, at + ESCAPE_LEN), Some(0xdc00..=0xdfff)) => {
                    at += 2 * ESCAPE_LEN;
                }
                Some(0xd800..=0xdfff) => {
                    mended.to_mut()[at..at + ESCAPE_LEN].copy_from_slice(b"\\ufffd");
                    at += ESCAPE_LEN;
                }
                _ => at += 2,
            },
            _ => at += 1,
        }
    }
    at
}

/// Returns the UTF-16 code unit that the escape at `at`, `\uXXXX`, stands for; `None` if there is no such escape.
fn escaped(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE_LEN)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Walks through a number; returns the place behind its end.
fn number(json: &[u8], at: usize, mended: &mut Cow<'_, [u8]>) -> usize {
    let is_part = |byte: &&u8| matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E' | b'0'..=b'9');
    let end = at + json[at..].iter().take_while(is_part).count();
    let digits = std::str::from_utf8(&json[at..end]).unwrap_or_default();
    if digits.parse::<f64>().is_ok_and(f64::is_infinite) {
        // The shortest of them, `1e309`, is longer than `null`.
        let place = &mut mended.to_mut()[at..end];
        place.fill(b' ');
        place[..4].copy_from_slice(b"null");
    }
    end
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::mended;

    #[test]
    fn what_parsers_refuse_is_replaced_and_nothing_else() {
        for (json, wanted) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (
                r#"["\ud83d\ude00","\ude00x","\ud83d\n","\\ud83d","\uD83D\u0041"]"#,
                r#"["\ud83d\ude00","\ufffdx","\ufffd\n","\\ud83d","\ufffd\u0041"]"#,
            ),
            ("[1e999,-1E+400,1e-999,1e308]", "[null ,null   ,1e-999,1e308]"),
            (r#"{"1e999":"1e999"}"#, r#"{"1e999":"1e999"}"#),
            (r#""\ud8"#, r#""\ud8"#),
        ] {
            let mended = mended(json.as_bytes());
            assert_eq!(std::str::from_utf8(&mended).expect("text"), wanted);
            assert_eq!(matches!(mended, Cow::Borrowed(_)), json == wanted, "{json}");
        }
    }

    proptest! {
        #[test]
        fn valid_json_stays_as_it_is(text in ".{0,12}", number: f64) {
            let json = serde_json::json!([text.clone(), number, {text: 1}]).to_string();
            prop_assert!(matches!(mended(json.as_bytes()), Cow::Borrowed(_)));
        }

        #[test]
        fn nothing_makes_it_panic(text in r#"(\\|u|d8|"|[0-9a-f]|1e999|-|.){0,30}"#) {
            let mended = mended(text.as_bytes());
            prop_assert_eq!(mended.len(), text.len());
            let _ = serde_json::from_slice::<Value>(&mended);
        }
    }
}
