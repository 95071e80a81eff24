//! Events as tools show them: short enough to read, and marked as written by others.

use std::sync::Arc;

use fanfare_core::members::Members;
use fanfare_core::{
    Channel, Event, EventType, Invalid, Json, Position, Principal, Priority, Source, Timestamp,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{explained, integer, object, text};
use crate::mcp::gateway::untrusted::{MARK, fenced, neutral};
use crate::mcp::gateway::{Gateway, arguments};

/// Maximum bytes of the events in one answer, text and JSON together: about 20,000 tokens with the text around them,
/// where hosts truncate at 25,000.
const BYTES_MAX: usize = 64 * 1024;
/// Maximum bytes of a message in the concise format.
const SHORT_MESSAGE_LEN_MAX: usize = 600;
/// Maximum bytes of a message, and of data, in the detailed format.
const DETAIL_LEN_MAX: usize = 8 * 1024;
/// Maximum number of events in one answer.
pub(super) const LIMIT_MAX: u32 = 100;
/// Default number of events in one answer.
pub(super) const LIMIT_DEFAULT: u32 = 20;

/// The level of detail for each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Concise,
    Detailed,
}

impl Format {
    /// Takes `response_format`.
    pub(super) fn take(members: &mut Members<'_>) -> Result<Format, Invalid> {
        let choices = [("concise", Format::Concise), ("detailed", Format::Detailed)];
        Ok(members.choice("response_format", &choices)?.flatten().unwrap_or(Format::Concise))
    }
}

/// Takes `limit`.
pub(super) fn take_limit(members: &mut Members<'_>) -> Result<usize, Invalid> {
    Ok(members.number("limit", 1, LIMIT_MAX)?.flatten().unwrap_or(LIMIT_DEFAULT) as usize)
}

/// An event as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct EventView {
    id: Position,
    channel: Channel,
    #[serde(rename = "type")]
    event_type: EventType,
    message: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_bytes: Option<usize>,
    priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Box<str>>,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl EventView {
    /// Creates the view of `event` in `format`.
    pub(super) fn new(event: &Event, format: Format) -> EventView {
        let is_detailed = format == Format::Detailed;
        let len_max = if is_detailed { DETAIL_LEN_MAX } else { SHORT_MESSAGE_LEN_MAX };
        let is_cut = event.message.len() > len_max;
        let message = &event.message[..event.message.floor_char_boundary(len_max)];
        let shows_data = |data: &&Json| is_detailed && data.as_str().len() <= DETAIL_LEN_MAX;
        let data = event.data.as_ref();
        EventView {
            id: event.position,
            channel: event.channel.clone(),
            event_type: event.event_type.clone(),
            message: message.into(),
            message_bytes: is_cut.then_some(event.message.len()),
            data: data.filter(shows_data).cloned(),
            data_bytes: data.filter(|data| !shows_data(data)).map(|data| data.as_str().len()),
            priority: event.priority,
            key: event.key.as_ref().filter(|_| is_detailed).map(|key| key.as_str().into()),
            timestamp: event.timestamp,
            source: is_detailed.then(|| event.source.clone()),
            expires_at: event.expires.filter(|_| is_detailed),
        }
    }

    /// Renders the view for a model; text that others wrote is [`neutral`].
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("- {} {} `{}` {}", self.id, self.timestamp, self.channel, self.event_type);
        if self.priority != Priority::Default {
            text.push_str(&format!(", priority {}", self.priority));
        }
        text.push_str(&format!(": {}", neutral(&self.message)));
        if let Some(bytes) = self.message_bytes {
            text.push_str(&format!(" [truncated; {bytes} bytes in total]"));
        }
        if let Some(data) = &self.data {
            text.push_str(&format!("\n    data: {}", neutral(data.as_str())));
        }
        if let Some(bytes) = self.data_bytes {
            text.push_str(&format!("\n    data: {bytes} bytes, not shown"));
        }
        if let Some(key) = &self.key {
            text.push_str(&format!("\n    key: {}", neutral(key)));
        }
        if let Some(source) = &self.source {
            text.push_str(&format!("\n    from: {} through {}", neutral(&source.principal), source.door));
            if let Some(agent) = &source.agent {
                text.push_str(&format!(", by what calls itself `{}`", neutral(agent.as_str())));
            }
        }
        text
    }
}

/// The events of one answer, as many as fit.
#[derive(Debug)]
pub(super) struct Batch {
    format: Format,
    limit: usize,
    bytes: usize,
    pub(super) shown: Vec<EventView>,
    text: String,
}

impl Batch {
    /// Creates an empty batch for at most `limit` events.
    pub(super) fn new(format: Format, limit: usize) -> Batch {
        Batch { format, limit, bytes: 0, shown: Vec::new(), text: String::new() }
    }

    /// Adds an event; returns `false` if it does not fit.
    pub(super) fn add(&mut self, event: &Event) -> bool {
        if self.shown.len() >= self.limit {
            return false;
        }
        let shown = EventView::new(event, self.format);
        let text = shown.to_text();
        let json = serde_json::to_vec(&shown).expect("an event has text for keys and finite numbers");
        let bytes = self.bytes + text.len() + json.len();
        // The first event always fits: an empty answer would not let the caller continue.
        if !self.shown.is_empty() && bytes > BYTES_MAX {
            return false;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.bytes = bytes;
        self.text.push_str(&text);
        self.shown.push(shown);
        true
    }

    /// Returns the position of the event that was added last.
    pub(super) fn last(&self) -> Option<Position> {
        self.shown.last().map(|shown| shown.id)
    }

    /// Returns `sentence`, with the mark of what others wrote if there is any.
    pub(super) fn note(&self, sentence: &str) -> String {
        if self.shown.is_empty() { sentence.to_owned() } else { format!("{sentence} {MARK}") }
    }

    /// Renders the events below `sentence`, which is trusted text.
    pub(super) fn under(&self, sentence: &str) -> String {
        if self.shown.is_empty() {
            sentence.to_owned()
        } else {
            format!("{sentence}\n\n{}", fenced(&self.text))
        }
    }
}

/// Describes an event in the form of [`EventView`].
pub(super) fn schema() -> Value {
    let source = object(json!({ "principal": text(), "door": text(), "agent": text() }));
    let properties = json!({
        "id": text(),
        "channel": text(),
        "type": text(),
        "message": text(),
        "message_bytes": integer(),
        // Any JSON except null: an event whose data would be null has none. `portable` says why it is written so.
        "data": { "not": { "type": "null" } },
        "data_bytes": integer(),
        "priority": text(),
        "key": text(),
        "timestamp": text(),
        "source": source,
        "expires_at": text(),
    });
    object(properties)
}

/// Describes `response_format`.
pub(super) fn format() -> Value {
    json!({
        "type": "string",
        "enum": ["concise", "detailed"],
        "description": "`detailed` adds data and long messages; default `concise`",
    })
}

/// Describes `limit`.
pub(super) fn limit() -> Value {
    json!({ "type": "integer", "description": format!("1 to {LIMIT_MAX}, default {LIMIT_DEFAULT}") })
}

impl Gateway {
    /// Finds the event that `id` names.
    pub(super) async fn find(&self, by: &Principal, id: &str, example: &str) -> Result<Arc<Event>, String> {
        let position = arguments::position(&self.hub, "event_id", id, example)?;
        if let Some(event) = self.hub.event(by, position).await.map_err(explained)? {
            return Ok(event);
        }
        let extent = self.hub.extent();
        let why = if position.seq > extent.last || position.seq == 0 {
            format!("no event has this id; the last one is `{}`", self.hub.last())
        } else if position.seq < extent.first {
            format!(
                "it was removed by retention; the oldest event kept is `{}`",
                self.hub.position(extent.oldest)
            )
        } else {
            "it has expired".to_owned()
        };
        Err(format!(
            "`event_id`: no event `{position}`: {why}. `read_history` lists events with their ids. Example: {example}"
        ))
    }
}
