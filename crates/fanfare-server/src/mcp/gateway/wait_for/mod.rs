//! `wait_for`: returns the next event, or an acknowledgement, as soon as it arrives.
//!
//! A wait is a subscription that lasts as long as the call: nothing is polled, and dropping the call ends it. A session
//! has at most 64 calls (`mcp/limits.rs`). Over HTTP, a wait also counts as a lasting connection; `net/connections.rs`
//! limits their number.

mod acknowledgement;
mod event;
pub(super) mod patience;

use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use fanfare_core::duration::WAIT_MAX;
use fanfare_core::members::Members;
use fanfare_core::{Invalid, Position, ReaderName};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Tool;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::call::Call;
use crate::mcp::gateway::answer::{integer, list, output, text, truth};
use crate::mcp::gateway::delivery_status::ReceiptRow;
use crate::mcp::gateway::events::{self, EventView, Format};
use crate::mcp::gateway::filter::FilterArguments;
use crate::mcp::gateway::{Gateway, LOOKS, ToolEntry, arguments, filter};
use crate::mcp::toolset::Toolset;

/// The name of the tool.
pub(super) const NAME: &str = "wait_for";

const EXAMPLE: &str = r#"{"channels": ["deploys.>"], "types": ["success", "error"], "wait": "45s"}"#;

/// The bounds of a wait: with less, a wait would end before what is already there was read.
pub(super) const WAIT: RangeInclusive<Duration> = Duration::from_secs(1)..=WAIT_MAX;
/// The default wait.
pub(super) const WAIT_DEFAULT: Duration = Duration::from_secs(30);

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "channels": filter::channels(),
            "types": filter::types(),
            "min_priority": filter::min_priority(),
            "text": filter::text(),
            "cursor": { "type": "string", "description": "`next_cursor` of the call before, or an event id" },
            "event_id": { "type": "string", "description": "Instead: wait for its acknowledgement" },
            "reader": { "type": "string", "description": "By this reader; default any" },
            "wait": arguments::time("`1s` to `55s`; default `30s`"),
            "limit": events::limit(),
            "response_format": events::format(),
        },
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let properties = json!({
        "status": text(),
        // As in `read_history`, which describes them.
        "events": list(json!({ "type": "object" })),
        "next_cursor": text(),
        "missed": integer(),
        "readers": list(ReceiptRow::schema()),
        "untrusted": truth(),
    });
    output(properties)
});

/// Describes the tool.
pub(super) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME.into(),
        title: "Wait for an event or an acknowledgement".into(),
        description: "Wait for an event on a channel, or for a durable reader to acknowledge one. Use when you need \
                      the outcome of something that reports here: a build, a deploy, another agent, a person. Not \
                      for past events; use `read_history`. Returns after `wait` even if nothing came; call again \
                      with its `next_cursor` as `cursor` to miss nothing. Example: {\"channels\": [\"deploys.>\"], \
                      \"types\": [\"success\", \"error\"], \"wait\": \"45s\"}".into(),
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: LOOKS,
    };
    ToolEntry { tool, toolset: Toolset::ReadOnly }
}

struct Arguments {
    filter: FilterArguments,
    cursor: Option<String>,
    event_id: Option<String>,
    reader: Option<ReaderName>,
    wait: Duration,
    limit: usize,
    response_format: Format,
}

impl Arguments {
    fn take(members: &mut Members<'_>) -> Result<Arguments, Invalid> {
        let wait = members.duration("wait", &WAIT)?.flatten();
        Ok(Arguments {
            filter: FilterArguments::take(members)?,
            cursor: members.text("cursor")?.flatten(),
            event_id: members.text("event_id")?.flatten(),
            reader: members.parsed("reader", str::parse)?.flatten(),
            wait: wait.unwrap_or(WAIT_DEFAULT),
            limit: events::take_limit(members)?,
            response_format: Format::take(members)?,
        })
    }
}

#[derive(Default, Serialize)]
struct StructuredContent<'a> {
    status: &'static str,
    events: &'a [EventView],
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    readers: Option<&'a [ReceiptRow]>,
    untrusted: bool,
}

impl Gateway {
    /// Waits; the error is for the model. Can be cancelled at any time.
    pub(super) async fn wait_for(&self, call: &Call, given: &str) -> Result<Outcome, String> {
        let mut given = arguments::take(given, EXAMPLE, Arguments::take)?;
        let Some(event_id) = given.event_id.take() else {
            if given.reader.is_some() {
                return Err(format!(
                    "`reader` requires `event_id`, the event that it must acknowledge. Example: {}",
                    acknowledgement::EXAMPLE
                ));
            }
            return self.wait_for_event(call, given).await;
        };
        if !given.filter.is_empty() || given.cursor.is_some() {
            return Err(format!(
                "`event_id` waits for an acknowledgement, the other arguments wait for an event; use one or the other. Example: {}",
                acknowledgement::EXAMPLE
            ));
        }
        self.wait_for_acknowledgement(call, &event_id, given.reader, given.wait).await
    }
}
