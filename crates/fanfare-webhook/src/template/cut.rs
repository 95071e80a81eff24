//! Texts that are cut to what services take: always between two characters, and with `…` where something is missing.

/// What stands at the place of a cut.
const CUT: char = '…';

/// Returns `text` with at most `max` units of UTF-16. Slack, Discord, Telegram and PagerDuty count characters; none of
/// them counts more than this does.
pub(super) fn to_units(text: &str, max: usize) -> String {
    cut(text, max, char::len_utf16, |c, out| out.push(c))
}

/// Returns `text` with at most `max` bytes.
pub(super) fn to_bytes(text: &str, max: usize) -> String {
    cut(text, max, char::len_utf8, |c, out| out.push(c))
}

/// Returns `text` with at most `max` bytes when it is written as JSON, without the quotes.
pub(super) fn to_json_bytes(text: &str, max: usize) -> String {
    cut(text, max, json_len, |c, out| out.push(c))
}

/// Returns `text` as Slack takes it, with at most `max` units: `&`, `<` and `>` are escaped, so that no text can be a
/// mention, a link or a command such as `<!channel>`. No escape is cut in two.
/// <https://docs.slack.dev/messaging/formatting-message-text/>
pub(super) fn for_slack(text: &str, max: usize) -> String {
    let escape = |c: char| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    };
    cut(
        text,
        max,
        |c| escape(c).map_or(c.len_utf16(), str::len),
        |c, out| match escape(c) {
            Some(escaped) => out.push_str(escaped),
            None => out.push(c),
        },
    )
}

/// Cuts a text whose characters have lengths, and writes each character that stays.
fn cut(text: &str, max: usize, len: impl Fn(char) -> usize, push: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    let (mut used, mut fits_with_cut) = (0, 0);
    for c in text.chars() {
        let with = used + len(c);
        if with > max {
            out.truncate(fits_with_cut);
            if len(CUT) <= max {
                out.push(CUT);
            }
            return out;
        }
        push(c, &mut out);
        used = with;
        if used + len(CUT) <= max {
            fits_with_cut = out.len();
        }
    }
    out
}

/// Returns the length of a character within a text in JSON: as the engine and `line_ends` write it, or longer.
fn json_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        '<' | '>' | '&' | '\'' | '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => 6,
        _ => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{for_slack, to_bytes, to_json_bytes, to_units};

    #[test]
    fn cuts_are_between_characters() {
        for (max, units, bytes) in [
            (0, "", ""),
            (1, "…", ""),
            (2, "a…", ""),
            (3, "a…", "…"),
            (4, "a🎉…", "a…"),
            (5, "a🎉é", "a…"),
            (7, "a🎉é", "a🎉é"),
        ] {
            assert_eq!(
                (&*to_units("a🎉é", max), &*to_bytes("a🎉é", max)),
                (if max == 4 { "a🎉é" } else { units }, bytes),
                "{max}"
            );
        }
        assert_eq!(for_slack("a <!channel> & b", 100), "a &lt;!channel&gt; &amp; b");
        assert_eq!((&*for_slack("<<<", 8), &*for_slack("<<<", 9)), ("&lt;…", "&lt;&lt;…"));
    }

    proptest! {
        #[test]
        fn no_cut_exceeds_its_bound(text in ".{0,40}|[<>&\u{0}-\u{9f}\u{2028}🎉]{0,40}", max in 0_usize..60) {
            prop_assert!(to_units(&text, max).encode_utf16().count() <= max);
            prop_assert!(to_bytes(&text, max).len() <= max);
            let slack = for_slack(&text, max);
            prop_assert!(slack.encode_utf16().count() <= max && !slack.contains(['<', '>']));
            let mut json = serde_json::to_vec(&to_json_bytes(&text, max)).expect("a text");
            fanfare_core::line_ends::escape(&mut json, 0);
            prop_assert!(json.len() <= max + 2);
            prop_assert_eq!(to_units(&text, 1_000), text);
        }
    }
}
