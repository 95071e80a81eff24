//! Texts for the terminal: untrusted text made safe, counts, numbers and durations.

use std::borrow::Cow;

/// Returns whether a character changes the direction of the text around it and is itself not shown (Unicode Standard
/// Annex #9, section 2).
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Makes control characters visible, except newlines and tabs, so that an event cannot move the cursor, rename the
/// window or hide earlier output. Bidirectional controls are replaced too.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_bidirectional(c);
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| match c {
        '\0'..='\x1f' if harmful(c) => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '␡',
        c if harmful(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(text.replace("\r\n", "\n").chars().map(shown).collect())
}

/// Escapes in JSON what a terminal could take for a command, and what it does not show: DEL, the controls of C1 and the
/// bidirectional ones. They occur in texts only, so the value stays the same; JSON itself escapes the other controls.
pub(crate) fn harmless_json(json: &str) -> Cow<'_, str> {
    let harmful = |c: char| matches!(c, '\u{7f}'..='\u{9f}') || is_bidirectional(c);
    if !json.contains(harmful) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match harmful(c) {
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Shortens `text` to `chars_max` characters, with `…` in the place of the rest.
pub(crate) fn shortened(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
            Cow::Owned(format!("{kept}…"))
        }
    }
}

/// Formats a number with its noun: `1 event`, `2,000 events`. The noun must have a regular plural.
pub(crate) fn count(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Formats a number with commas between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number of bytes: `512 B`, `4.0 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut shown = (bytes as f64, "B");
    for unit in UNITS {
        if shown.0 < 1_024.0 {
            break;
        }
        shown = (shown.0 / 1_024.0, unit);
    }
    match shown {
        (_, "B") => format!("{bytes} B"),
        (number, unit) => format!("{number:.1} {unit}"),
    }
}

/// Formats a duration in at most two units: `56 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`.
pub(crate) fn duration(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() < 1000 => format!("{} ms", duration.as_millis()),
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{count, duration, grouped, harmless, harmless_json, shortened, size};

    #[test]
    fn an_event_cannot_command_the_terminal() {
        assert_eq!(harmless("plain\ttext\nlines"), "plain\ttext\nlines");
        assert_eq!(harmless("\x1b[2J\x1b]0;x\x07"), "␛[2J␛]0;x␇");
        assert_eq!(harmless("a\rb\r\nc\u{9b}m\u{202e}"), "a␍b\nc\u{fffd}m\u{fffd}");
        assert_eq!(harmless("\x7f"), "␡");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({ "m\u{9b}": "\u{1b}[2J \u{7f}\u{85}\u{9f}\u{a0} \u{202e}é\u{2066}\u{200f} \\u0041" });
        let text = value.to_string();
        let harmless = harmless_json(&text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&harmless).expect("JSON"), value);
        assert!(harmless.chars().all(|c| !c.is_control()), "{harmless}");
        assert!(harmless.contains("\\u202eé\\u2066\\u200f"), "{harmless}");
        assert!(matches!(harmless_json("{\"é\":1}"), std::borrow::Cow::Borrowed(_)));
    }

    #[test]
    fn numbers_and_times_are_short() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(
            (size(1_023), size(1_536), size(5 << 30)),
            ("1023 B".into(), "1.5 KiB".into(), "5.0 GiB".into())
        );
        assert_eq!(count(1, "event"), "1 event");
        assert_eq!(count(2_000, "event"), "2,000 events");
        assert_eq!(duration(Duration::from_millis(320)), "320 ms");
        assert_eq!(duration(Duration::from_millis(3_210)), "3.2 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(duration(Duration::from_secs(90_000)), "1 d 1 h");
        assert_eq!(shortened("abcdef", 4), "abc…");
        assert_eq!(shortened("abcd", 4), "abcd");
    }
}
