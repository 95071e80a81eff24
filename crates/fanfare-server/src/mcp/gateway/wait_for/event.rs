//! `wait_for` without an `event_id`: waits until an event matches a filter.

use fanfare_core::notice::{ClosingReason, Notice};
use fanfare_core::{Position, Start};
use fanfare_mcp::Outcome;

use crate::mcp::call::Call;
use crate::mcp::gateway::answer::{count, explained, noted};
use crate::mcp::gateway::events::Batch;
use crate::mcp::gateway::filter;
use crate::mcp::gateway::wait_for::patience::Patience;
use crate::mcp::gateway::wait_for::{Arguments, EXAMPLE, StructuredContent};
use crate::mcp::gateway::{Gateway, arguments};
use fanfare_hub::item::Item;
use fanfare_hub::subscribe::Request;
use fanfare_hub::subscription::Subscription;
use fanfare_hub::values;

/// The outcome of a wait for events.
enum WaitEnd {
    /// No more events come, for this reason.
    Closing(ClosingReason),
    Events,
}

impl Gateway {
    pub(super) async fn wait_for_event(&self, call: &Call, given: Arguments) -> Result<Outcome, String> {
        let Arguments { filter: wanted, limit, wait, .. } = given;
        let filter = wanted.read(EXAMPLE)?;
        let start = match &given.cursor {
            None => Start::Live,
            Some(cursor) => Start::After(self.cursor(cursor)?),
        };
        let place = filter::place(&filter);
        let client = &call.caller.client;
        let by = &client.principal;
        let client = call.caller.subscriber();
        let request = Request { filter: Some(filter), start, conflate: false, shed: false, client };
        let mut subscription = self.hub.subscribe(by, request).await.map_err(explained)?;
        let overlooked = filter::overlooked(&subscription.overlooked());
        let mut batch = Batch::new(given.response_format, limit);
        let mut missed = 0;
        let patience = Patience::new(call, wait, format!("waiting for an event on {place}"));
        let came = patience.until(next(&mut subscription, &mut batch, &mut missed)).await;
        let cursor = batch.last().unwrap_or_else(|| subscription.settle());
        let (status, sentence) = match came.transpose().map_err(explained)? {
            Some(WaitEnd::Closing(ClosingReason::Disconnected)) => {
                return Err(format!(
                    "an operator of the gateway ended this wait; unless the person you work for asks for it, do not \
                     wait again. To miss nothing, call with \"cursor\": \"{cursor}\""
                ));
            }
            Some(WaitEnd::Closing(ClosingReason::Shutdown)) => {
                return Err(format!(
                    "the gateway is stopping; call again in a moment with \"cursor\": \"{cursor}\" to miss nothing"
                ));
            }
            Some(WaitEnd::Events) => (
                "event",
                format!(
                    "{} on {place}. To wait for later events, call again with \"cursor\": \"{cursor}\".",
                    count(batch.shown.len(), "event")
                ),
            ),
            None => (
                "timed_out",
                format!(
                    "No events on {place} {}. To keep waiting without missing any, call again with \"cursor\": \
                     \"{cursor}\".",
                    patience.lasted()
                ),
            ),
        };
        let missed = (missed > 0).then_some(missed);
        let lost = missed.map_or_else(String::new, |missed| {
            format!(
                " Up to {} could not be returned, because of retention, a purge or damage.",
                count(usize::try_from(missed).unwrap_or(usize::MAX), "earlier event")
            )
        });
        let structured = StructuredContent {
            status,
            events: &batch.shown,
            next_cursor: Some(cursor),
            missed,
            untrusted: true,
            ..StructuredContent::default()
        };
        let sentence = format!("{sentence}{lost}{overlooked}");
        Ok(noted(&batch.note(&sentence), batch.under(&sentence), &structured))
    }

    fn cursor(&self, text: &str) -> Result<Position, String> {
        let position = arguments::position(&self.hub, "cursor", text, EXAMPLE)?;
        let last = self.hub.last();
        if position.seq <= last.seq {
            return Ok(position);
        }
        Err(format!(
            "`cursor`: `{position}` is past the end of the log, which is `{last}`. Call again with that position, or \
             without `cursor` to wait for new events. Example: {EXAMPLE}"
        ))
    }
}

/// Waits for events and returns as many as fit. Dropping the future loses nothing: the subscription advances with the
/// batch.
async fn next(
    subscription: &mut Subscription,
    batch: &mut Batch,
    missed: &mut u64,
) -> Result<WaitEnd, values::Error> {
    let mut items = Vec::new();
    while subscription.ready(&mut items).await? {
        for item in &items {
            match item {
                Item::Notice(Notice::Closing { reason, .. }) => return Ok(WaitEnd::Closing(*reason)),
                Item::Notice(Notice::Gap { missed: some, .. }) => *missed += some,
                Item::Notice(
                    Notice::CaughtUp { .. } | Notice::ReaderFilter { .. } | Notice::Reset { .. },
                ) => {}
                Item::Events(_) => {
                    let taken = item.events().iter().take_while(|event| batch.add(event)).count();
                    subscription.advance(item, taken);
                    if taken < item.len() {
                        return Ok(WaitEnd::Events);
                    }
                    continue;
                }
            }
            subscription.advance(item, 0);
        }
        if batch.last().is_some() {
            return Ok(WaitEnd::Events);
        }
    }
    Ok(WaitEnd::Closing(ClosingReason::Shutdown))
}
