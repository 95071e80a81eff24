//! An event as a line for people.

use std::fmt;

use jiff::ZonedDateTime;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::cli::output::style::{BOLD, CHANNEL, DIM, ERROR, SUCCESS, WARNING};
use crate::cli::text::{harmless, shortened};
use fanfare_api::event::Event;
use fanfare_core::Timestamp;

/// Maximum characters of `data` in a line. `-o json` has all of it.
const DATA_CHARS_MAX: usize = 160;

/// Maximum width of the channel column. A longer channel moves the rest of its line to the right.
const CHANNEL_WIDTH_MAX: usize = 24;

/// The parts of an event that a line shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) channel: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) priority: &'a str,
    pub(crate) message: &'a str,
    /// The data, as JSON.
    pub(crate) data: Option<&'a str>,
    pub(crate) timestamp: Option<Timestamp>,
}

impl<'a> From<&'a Event> for Line<'a> {
    fn from(event: &'a Event) -> Line<'a> {
        Line {
            channel: event.channel.as_str(),
            event_type: event.event_type.as_str(),
            priority: event.priority.as_str(),
            message: &event.message,
            data: event.data.as_deref().map(|data| data.get()),
            timestamp: Some(event.timestamp),
        }
    }
}

/// Formats events as aligned lines. The channel column grows with the channels so far.
#[derive(Debug)]
pub(crate) struct EventLines {
    channel_width: usize,
}

impl EventLines {
    pub(crate) fn new() -> EventLines {
        EventLines { channel_width: 12 }
    }

    /// Formats an event: `12:04:31 ✓ builds.web  deployed  sha=ab12`. Further lines of the message are indented.
    pub(crate) fn write<'a>(&mut self, event: impl Into<Line<'a>>, now: &ZonedDateTime) -> String {
        let event: Line<'_> = event.into();
        let channel = harmless(event.channel);
        let channel_len = channel.chars().count();
        self.channel_width = self.channel_width.max(channel_len.min(CHANNEL_WIDTH_MAX));
        let (symbol, symbol_style) = match event.event_type {
            "error" => ("✗", ERROR),
            "success" => ("✓", SUCCESS),
            "warning" => ("!", WARNING),
            _ => ("·", DIM),
        };
        let time = event.timestamp.map(|timestamp| time(timestamp, now)).unwrap_or_default();
        let padding = " ".repeat(self.channel_width.saturating_sub(channel_len));
        let kind = match event.event_type {
            "info" | "error" | "success" | "warning" => String::new(),
            other => format!("{DIM}{}{DIM:#} ", harmless(other)),
        };
        let message = harmless(event.message);
        let indent = " ".repeat(time.chars().count() + 3 + self.channel_width.max(channel_len) + 2);
        let message = message.trim_end_matches('\n').replace('\n', &format!("\n{indent}"));
        let message = match event.priority {
            "high" | "max" => format!("{BOLD}{message}{BOLD:#}"),
            _ => message,
        };
        let urgent = if event.priority == "max" { format!("{ERROR}‼{ERROR:#} ") } else { String::new() };
        let data = event.data.map(data_text).unwrap_or_default();
        let data = if data.is_empty() { data } else { format!("  {DIM}{data}{DIM:#}") };
        format!(
            "{DIM}{time}{DIM:#} {symbol_style}{symbol}{symbol_style:#} {CHANNEL}{channel}{CHANNEL:#}{padding}  \
             {urgent}{kind}{message}{data}"
        )
    }
}

/// Formats the local time of day, with the date if it is not today.
pub(crate) fn time(timestamp: Timestamp, now: &ZonedDateTime) -> String {
    let Ok(moment) = jiff::Timestamp::from_microsecond(timestamp.as_micros()) else {
        return timestamp.to_string();
    };
    let local = moment.to_zoned_datetime(now.time_zone().clone());
    if local.date() == now.date() {
        local.strftime("%H:%M:%S").to_string()
    } else {
        local.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

/// Formats an object as `k=v k=v`, with nested values shortened to `[…]` or `{…}`, and anything else as JSON.
fn data_text(json: &str) -> String {
    let text =
        serde_json::from_str(json).map_or_else(|_| json.to_owned(), |members: Members| members.to_string());
    shortened(&harmless(&text), DATA_CHARS_MAX).into_owned()
}

/// The members of an object, in their original order.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for (name, value) in &self.0 {
            match value {
                Value::Null => continue,
                Value::String(text) if !text.contains([' ', '\n', '\t']) => write!(f, "{gap}{name}={text}")?,
                Value::Array(_) => write!(f, "{gap}{name}=[…]")?,
                Value::Object(_) => write!(f, "{gap}{name}={{…}}")?,
                Value::Bool(_) | Value::Number(_) | Value::String(_) => write!(f, "{gap}{name}={value}")?,
            }
            gap = " ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::EventLines;
    use fanfare_api::event::Event;

    fn shown(json: &str) -> String {
        let event: Event = serde_json::from_str(json).expect("an event");
        let now = "2026-11-21T12:00:00+00:00[UTC]".parse().expect("a time");
        anstream::adapter::strip_str(&EventLines::new().write(&event, &now)).to_string()
    }

    fn event(members: &str) -> String {
        shown(&format!(
            r#"{{"id":"k3f9x2ab-1","priority":"default","source":{{"principal":"local","door":"http"}},{members}}}"#
        ))
    }

    #[test]
    fn an_event_fits_a_line() {
        assert_eq!(
            event(
                r#""channel":"builds","type":"success","message":"done","timestamp":"2026-11-21T08:00:00+00:00",
                "data":{"sha":"ab12","ms":8123,"by":"A B","log":["x"],"none":null}"#
            ),
            "08:00:00 ✓ builds        done  sha=ab12 ms=8123 by=\"A B\" log=[…]"
        );
        assert_eq!(
            event(
                r#""channel":"a","type":"deploy","message":"one\ntwo","timestamp":"2026-11-20T08:00:00+00:00",
                "data":[1,{"x":2}]"#
            ),
            "2026-11-20 08:00:00 · a             deploy one\n                                    two  [1,{\"x\":2}]"
        );
    }

    #[test]
    fn an_event_cannot_draw_on_the_terminal() {
        let line = event(
            r#""channel":"a","type":"info","message":"\u001b[2Jx","timestamp":"2026-11-21T08:00:00+00:00","data":{"a":"\u001b[1m"}"#,
        );
        assert!(!line.contains('\x1b'), "{line:?}");
    }
}
