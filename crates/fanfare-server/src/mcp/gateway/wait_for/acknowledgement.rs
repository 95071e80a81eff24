//! `wait_for` with an `event_id`: waits until a durable reader has the event.

use std::time::Duration;

use fanfare_core::{Event, Principal, ReaderName};
use fanfare_mcp::Outcome;
use tokio::sync::broadcast::error::RecvError;

use crate::mcp::call::Call;
use crate::mcp::gateway::Gateway;
use crate::mcp::gateway::answer::{count, said};
use crate::mcp::gateway::delivery_status::ReceiptRow;
use crate::mcp::gateway::untrusted::neutral;
use crate::mcp::gateway::wait_for::StructuredContent;
use crate::mcp::gateway::wait_for::patience::Patience;
use fanfare_hub::readers::AckSignal;

/// An example call that waits for an acknowledgement.
pub(super) const EXAMPLE: &str = r#"{"event_id": "k3f9x2ab-1042", "wait": "45s"}"#;

/// Maximum readers in one answer.
const READERS_MAX: usize = 100;

/// The outcome of a wait.
enum WaitEnd {
    Acknowledged(Vec<ReceiptRow>),
    Stopping,
}

impl Gateway {
    pub(super) async fn wait_for_acknowledgement(
        &self,
        call: &Call,
        event_id: &str,
        reader: Option<ReaderName>,
        wait: Duration,
    ) -> Result<Outcome, String> {
        let by = &call.caller.client.principal;
        let event = self.find(by, event_id, EXAMPLE).await?;
        let who =
            reader.as_ref().map_or("a durable reader".to_owned(), |reader| format!("reader `{reader}`"));
        let what = format!("waiting until {who} acknowledges {}", event.position);
        let patience = Patience::new(call, wait, what);
        let came = patience.until(self.acknowledged(by, &event, reader.as_ref())).await;
        let (status, mut readers) = match came.transpose()? {
            Some(WaitEnd::Acknowledged(readers)) => ("acknowledged", readers),
            Some(WaitEnd::Stopping) => {
                return Err("the gateway is stopping; call again in a moment".to_owned());
            }
            None => ("timed_out", self.receipts(by, &event).await?),
        };
        let (have, total) = (readers.iter().filter(|row| row.acknowledged).count(), readers.len());
        readers.sort_by_key(|row| !row.acknowledged);
        readers.truncate(READERS_MAX);
        let names = |acknowledged: bool| {
            let rows = readers.iter().filter(|row| row.acknowledged == acknowledged);
            rows.map(|row| format!("`{}`", neutral(row.reader.as_str()))).collect::<Vec<_>>().join(", ")
        };
        let text = if status == "acknowledged" {
            format!(
                "{} acknowledged {}: {}. `delivery_status` shows its other recipients.",
                count(have, "durable reader"),
                event.position,
                names(true)
            )
        } else if total == 0 {
            format!(
                "No durable reader matches `{}`, so no one can acknowledge {}; live subscribers do not acknowledge. \
                 `delivery_status` shows who received it.",
                event.channel, event.position
            )
        } else {
            format!(
                "Not acknowledged by {who} {}; still missing: {}. Call again to keep waiting.",
                patience.lasted(),
                names(false)
            )
        };
        let structured = StructuredContent {
            status,
            readers: Some(&readers),
            untrusted: true,
            ..StructuredContent::default()
        };
        Ok(said(text, &structured))
    }

    /// Waits until `reader`, or any reader if it is `None`, has acknowledged `event`.
    async fn acknowledged(
        &self,
        by: &Principal,
        event: &Event,
        reader: Option<&ReaderName>,
    ) -> Result<WaitEnd, String> {
        // An acknowledgement between the check and the wait must not be missed.
        let mut told = self.hub.acknowledgements(by);
        loop {
            if self.hub.is_closing() {
                return Ok(WaitEnd::Stopping);
            }
            let rows = self.receipts(by, event).await?;
            let is_wanted = |name: &ReaderName| reader.is_none_or(|reader| reader == name);
            if rows.iter().any(|row| row.acknowledged && is_wanted(&row.reader)) {
                return Ok(WaitEnd::Acknowledged(rows));
            }
            loop {
                match told.recv().await {
                    Ok(AckSignal::Acknowledged(row)) => {
                        let has_it = row.has(event.position);
                        if has_it && is_wanted(&row.key.name) && row.filter.matches(event) {
                            break;
                        }
                    }
                    // The acknowledgement may be among the messages that this receiver was too slow for.
                    Err(RecvError::Lagged(_)) => break,
                    Ok(AckSignal::Closing) | Err(RecvError::Closed) => return Ok(WaitEnd::Stopping),
                }
            }
        }
    }
}
