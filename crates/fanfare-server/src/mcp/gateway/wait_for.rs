//! `wait_for`: the next event, or an acknowledgement, as soon as it is there.
//!
//! A wait is a subscription for as long as the call lasts: nothing is polled, and dropping the call ends it. There are
//! at most 64 calls in a session (`mcp/session.rs`); without a session a wait needs a request of its own, of which there
//! are as many as connections and, over HTTP/2, 256 for each (`http/limits.rs`).

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use fanfare_core::notice::Notice;
use fanfare_core::{Position, Start};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Tool;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::mcp::call::Call;
use crate::mcp::gateway::answer::{count, said, unreadable};
use crate::mcp::gateway::delivery_status::ReceiptRow;
use crate::mcp::gateway::events::{self, Batch, Format, Shown};
use crate::mcp::gateway::filter::{self, Wanted};
use crate::mcp::gateway::{Described, Gateway, LOOKS, arguments};
use crate::mcp::toolset::Toolset;
use fanfare_hub::client::{NewClient, Transport};
use fanfare_hub::item::Item;
use fanfare_hub::subscribe::Request;
use fanfare_hub::subscription::Subscription;
use fanfare_hub::values;

/// The name of the tool.
pub(super) const NAME: &str = "wait_for";

const EXAMPLE: &str = r#"{"channel": "deploys.>", "types": ["success", "error"], "timeout_seconds": 45}"#;

/// Hosts give up on a call after a minute.
const TIMEOUT_MAX: u64 = 50;
/// How long to wait when the caller says nothing.
const TIMEOUT_DEFAULT: u64 = 30;
/// How often somebody who wants to hear of progress does.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "channel": filter::channel(),
            "types": filter::types(),
            "min_priority": filter::min_priority(),
            "text": filter::text(),
            "cursor": {
                "type": "string",
                "description": "Continue where an earlier answer of `wait_for` stopped, or after an event's id: what came \
                                meanwhile is given at once. Left out, only what comes from now on",
            },
            "event_id": {
                "type": "string",
                "description": "Wait until a durable reader acknowledges this event instead; not together with the \
                                arguments above",
            },
            "reader": {
                "type": "string",
                "description": "With `event_id`: this reader must acknowledge it; left out, any one",
            },
            "timeout_seconds": {
                "type": "integer",
                "minimum": 1,
                "maximum": TIMEOUT_MAX,
                "description": "Give up after so long",
                "default": TIMEOUT_DEFAULT,
            },
            "limit": events::limit(),
            "response_format": events::format(),
        },
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let reader = json!({
        "type": "object",
        "properties": {
            "reader": { "type": "string" },
            "acknowledged": { "type": "boolean" },
            "position": { "type": "string", "description": "It has acknowledged everything up to here" },
        },
        "required": ["reader", "acknowledged", "position"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {
            "status": { "type": "string", "enum": ["event", "acknowledged", "timed_out"] },
            "events": { "type": "array", "items": events::schema(), "description": "The oldest first" },
            "cursor": { "type": "string", "description": "Where the next call goes on without a gap" },
            "missed": { "type": "integer", "description": "So many events at most were removed by retention before they could be given" },
            "readers": { "type": "array", "items": reader, "description": "With `event_id`: the durable readers that it is for" },
            "untrusted": events::untrusted(),
        },
        "required": ["status", "events", "untrusted"],
        "additionalProperties": false,
    })
});

/// Describes the tool.
pub(super) fn described() -> Described {
    let tool = Tool {
        name: NAME,
        title: "Wait for an event or an acknowledgement",
        description: "Wait until something is pushed to a channel, or until a durable reader acknowledges an event, and \
                      return at once when it is. Use when you need to know how something ends that reports here: a \
                      build, a deploy, another agent, a person. It returns after timeout_seconds at the latest (at most \
                      50); call again with the `cursor` of the answer to go on without missing anything. Not for what is \
                      in the past: that is `read_history`. It changes nothing; while it waits you count as a live \
                      listener. Example: {\"channel\": \"deploys.>\", \"types\": [\"success\", \"error\"], \
                      \"timeout_seconds\": 45}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: LOOKS,
    };
    Described { tool, toolset: Toolset::ReadOnly }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    channel: Option<String>,
    #[serde(default)]
    types: Vec<String>,
    min_priority: Option<String>,
    text: Option<String>,
    cursor: Option<String>,
    event_id: Option<String>,
    reader: Option<String>,
    timeout_seconds: Option<u64>,
    limit: Option<u64>,
    #[serde(default)]
    response_format: Format,
}

#[derive(Default, Serialize)]
pub(super) struct Structured<'a> {
    pub(super) status: &'static str,
    pub(super) events: &'a [Shown],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) readers: Option<&'a [ReceiptRow]>,
    pub(super) untrusted: bool,
}

/// How long to wait, and who hears of it meanwhile.
pub(super) struct Patience<'a> {
    call: &'a Call,
    begun: Instant,
    pub(super) seconds: u64,
    /// What is waited for, in words.
    what: String,
}

impl<'a> Patience<'a> {
    pub(super) fn new(call: &'a Call, seconds: u64, what: String) -> Patience<'a> {
        Patience { call, begun: Instant::now(), seconds, what }
    }

    /// Waits for `wanted`; nothing, when that takes too long.
    pub(super) async fn until<T>(&self, wanted: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            got = wanted => Some(got),
            () = tokio::time::sleep_until(self.begun + Duration::from_secs(self.seconds)) => None,
            never = self.tell() => match never {},
        }
    }

    /// Tells how long it has been. A client that does not take that holds up nothing else.
    async fn tell(&self) -> Infallible {
        if self.call.wants_progress() {
            let mut ticks = tokio::time::interval_at(self.begun + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
            loop {
                ticks.tick().await;
                let waited = self.begun.elapsed().as_secs_f64().round();
                let told = self.call.progress(waited, Some(self.seconds as f64), &self.what).await;
                if told.is_err() {
                    // Nobody hears it; the answer may still be taken.
                    break;
                }
            }
        }
        std::future::pending().await
    }
}

/// What a wait for events came to.
enum Came {
    Events,
    Stopping,
}

impl Gateway {
    /// Waits; the error is for the model. Can be dropped at any time.
    pub(super) async fn wait_for(&self, call: &Call, given: &str) -> Result<Outcome, String> {
        let mut given: Arguments = arguments::read(given, &INPUT, EXAMPLE)?;
        let range = 1..=TIMEOUT_MAX;
        let seconds =
            arguments::within("timeout_seconds", given.timeout_seconds, range, TIMEOUT_DEFAULT, EXAMPLE)?;
        let Some(event_id) = given.event_id.take() else {
            if given.reader.is_some() {
                return Err(format!(
                    "`reader` says who must acknowledge an event, and there is no `event_id`. Example: {}",
                    super::acknowledgement::EXAMPLE
                ));
            }
            return self.wait_for_event(call, given, seconds).await;
        };
        let others = [
            given.channel.is_some(),
            !given.types.is_empty(),
            given.min_priority.is_some(),
            given.text.is_some(),
            given.cursor.is_some(),
        ];
        if others.contains(&true) {
            return Err(format!(
                "`event_id` waits for an acknowledgement, the other arguments for an event; give one of both. Example: {}",
                super::acknowledgement::EXAMPLE
            ));
        }
        self.wait_for_acknowledgement(call, &event_id, given.reader.as_deref(), seconds).await
    }

    async fn wait_for_event(&self, call: &Call, given: Arguments, seconds: u64) -> Result<Outcome, String> {
        let (limit, default) = (1..=events::LIMIT_MAX, events::LIMIT_DEFAULT);
        let limit = arguments::within("limit", given.limit, limit, default, EXAMPLE)? as usize;
        let wanted = Wanted {
            channel: given.channel,
            types: given.types,
            min_priority: given.min_priority,
            text: given.text,
        };
        let filter = wanted.read(EXAMPLE)?;
        let start = match &given.cursor {
            None => Start::Live,
            Some(cursor) => Start::After(self.cursor(cursor)?),
        };
        let place = filter::place(&filter);
        let client = &call.caller.client;
        let client = NewClient {
            principal: client.principal.clone(),
            transport: Transport::Mcp,
            address: client.address,
            reader: None,
        };
        let request = Request { filter, start, conflate: false, client };
        let mut subscription = self.hub.subscribe(request).await.map_err(|error| unreadable(&error))?;
        let mut batch = Batch::new(given.response_format, limit);
        let mut missed = 0;
        let patience = Patience::new(call, seconds, format!("waiting for an event on {place}"));
        let came = patience.until(next(&mut subscription, &mut batch, &mut missed)).await;
        let cursor = batch.last().unwrap_or_else(|| subscription.settle());
        let (status, sentence) = match came.transpose().map_err(|error| unreadable(&error))? {
            Some(Came::Stopping) => {
                return Err(format!(
                    "the gateway is stopping; call again in a moment with \"cursor\": \"{cursor}\" to miss nothing"
                ));
            }
            Some(Came::Events) => (
                "event",
                format!(
                    "{} on {place}. To wait for what comes after, call again with \"cursor\": \"{cursor}\".",
                    count(batch.shown.len(), "event")
                ),
            ),
            None => (
                "timed_out",
                format!(
                    "Nothing came on {place} within {seconds} s. To go on waiting without missing anything, call again \
                     with \"cursor\": \"{cursor}\"."
                ),
            ),
        };
        let missed = (missed > 0).then_some(missed);
        let lost = missed.map_or_else(String::new, |missed| {
            format!(" Up to {missed} earlier events were removed by retention before they could be given.")
        });
        let structured = Structured {
            status,
            events: &batch.shown,
            cursor: Some(cursor),
            missed,
            untrusted: true,
            ..Structured::default()
        };
        Ok(said(batch.under(&format!("{sentence}{lost}")), &structured))
    }

    fn cursor(&self, text: &str) -> Result<Position, String> {
        let position = arguments::position(&self.hub, "cursor", text, EXAMPLE)?;
        let last = self.hub.last();
        if position.seq <= last.seq {
            return Ok(position);
        }
        Err(format!(
            "`cursor`: `{position}` is past the end of the log, which is `{last}`. Call again with that, or without a \
             cursor to wait for what comes from now on. Example: {EXAMPLE}"
        ))
    }
}

/// Waits for events and takes as many as fit. Dropping it loses nothing: the subscription moves with the batch.
async fn next(
    subscription: &mut Subscription,
    batch: &mut Batch,
    missed: &mut u64,
) -> Result<Came, values::Error> {
    let mut items = Vec::new();
    while subscription.ready(&mut items).await? {
        for item in &items {
            match item {
                Item::Notice(Notice::Closing { .. }) => return Ok(Came::Stopping),
                Item::Notice(Notice::Gap { after, next }) => {
                    *missed += next.seq.saturating_sub(after.seq + 1);
                }
                Item::Notice(Notice::CaughtUp { .. } | Notice::Reset { .. }) => {}
                Item::Events(_) => {
                    let taken = item.events().iter().take_while(|event| batch.add(event)).count();
                    subscription.advance(item, taken);
                    if taken < item.len() {
                        return Ok(Came::Events);
                    }
                    continue;
                }
            }
            subscription.advance(item, 0);
        }
        if batch.last().is_some() {
            return Ok(Came::Events);
        }
    }
    Ok(Came::Stopping)
}
