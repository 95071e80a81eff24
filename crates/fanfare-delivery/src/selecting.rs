//! Selecting the deliveries to replay, from the members that a door receives.

use std::collections::HashSet;
use std::sync::Arc;

use fanfare_core::WebhookId;
use fanfare_core::refusal::Refusal;
use fanfare_core::start::Moment;
use fanfare_core::{Code, Event, Invalid, Pattern, Position, Principal};

use crate::replaying::{Range, Selection};
use crate::service::{WebhookError, Webhooks};
use fanfare_store as store;
use fanfare_store::webhooks::ReadDeliveries;

/// Maximum events that are named one by one: each needs its own look-up.
pub const IDS_MAX: usize = 1_000;

/// The members that a door receives.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// Only deliveries of these events.
    pub event_ids: Option<Vec<String>>,
    /// Only deliveries in this state: `failed`.
    pub state: Option<String>,
    /// Only events since this time.
    pub since: Option<Moment>,
    /// Only events before this time.
    pub until: Option<Moment>,
    /// Only channels that match one of these.
    pub channels: Vec<Pattern>,
    /// Only events after this position.
    pub after: Option<String>,
    /// The place where the previous call stopped.
    pub cursor: Option<String>,
}

/// The reason why nothing is selected.
#[derive(Debug)]
pub struct SelectionError {
    /// The place of the mistake as a JSON pointer, if the reason does not name it.
    pub at: Option<String>,
    /// The reason.
    pub refused: WebhookError,
}

impl From<SelectionError> for Refusal {
    fn from(SelectionError { at, refused }: SelectionError) -> Refusal {
        let refusal = Refusal::from(refused);
        match at {
            Some(at) => refusal.at(at),
            None => refusal,
        }
    }
}

impl<E: Into<WebhookError>> From<E> for SelectionError {
    fn from(error: E) -> SelectionError {
        SelectionError { at: None, refused: error.into() }
    }
}

impl Webhooks {
    /// Parses the selection of a webhook's deliveries; nothing is replayed yet.
    pub async fn select(
        &self,
        by: &Principal,
        id: &WebhookId,
        words: Words,
    ) -> Result<Selection, SelectionError> {
        self.find(by, id)?;
        let is_range = words.since.is_some()
            || words.until.is_some()
            || !words.channels.is_empty()
            || words.after.is_some()
            || words.cursor.is_some();
        if let Some(ids) = words.event_ids {
            if is_range || words.state.is_some() {
                return Err(
                    wrong("`event_ids` names the events one by one", "remove the other members").into()
                );
            }
            let mark = self.hub().purges().mark();
            return self.named(by, id, ids).await.map(|events| Selection::Events(mark, events));
        }
        if !is_range && words.state.is_none() {
            let fix = "give `event_ids`, `state`, `since`, `until`, `channels` or `after`";
            return Err(wrong("the request does not say what to replay", fix).into());
        }
        let is_failed = match words.state.as_deref() {
            None => false,
            Some("failed") => true,
            Some(other) => {
                let what = format!("`{other}` is not a state that can be replayed");
                return Err(wrong(what, "write `failed`").at("/state").into());
            }
        };
        let mut after = None;
        for (text, place) in [(words.after, "/after"), (words.cursor, "/cursor")] {
            let Some(text) = text else { continue };
            let position: Position = text.parse().map_err(|error: Invalid| error.at(place))?;
            if is_failed {
                self.check_place(id, position, place).await?;
            } else {
                position.check_log(self.hub().epoch()).map_err(|error| error.at(place))?;
            }
            after = after.max(Some(position));
        }
        let range = Range {
            after,
            since: words.since.map(|moment| self.hub().arrival(moment)),
            until: words.until.map(|moment| self.hub().arrival(moment)),
            patterns: words.channels,
        };
        Ok(if is_failed { Selection::Failed(range) } else { Selection::Log(range) })
    }

    /// Checks that `position` is in this log, or in an earlier one that deliveries can be of. `at` is where it was
    /// given.
    pub async fn check_place(
        &self,
        id: &WebhookId,
        position: Position,
        at: &str,
    ) -> Result<(), WebhookError> {
        if position.epoch == self.hub().epoch() {
            return Ok(());
        }
        let read = ReadDeliveries { webhook: id.clone(), failed: None, after: Some(position), limit: 1 };
        match self.parts.ledger.deliveries(read).await {
            Err(store::Error::EpochChanged { .. }) => {
                position.check_log(self.hub().epoch()).map_err(|error| error.at(at).into())
            }
            read => Ok(read.map(|_| ())?),
        }
    }

    /// Finds the named events; a missing one is an error.
    async fn named(
        &self,
        by: &Principal,
        id: &WebhookId,
        ids: Vec<String>,
    ) -> Result<Vec<Arc<Event>>, SelectionError> {
        if !(1..=IDS_MAX).contains(&ids.len()) {
            let what = format!("`event_ids` has {} entries", ids.len());
            return Err(wrong(what, format!("name 1 to {IDS_MAX} events")).at("/event_ids").into());
        }
        let mut positions = HashSet::new();
        let mut events = Vec::with_capacity(ids.len());
        for (index, text) in ids.into_iter().enumerate() {
            let place = format!("/event_ids/{index}");
            let position: Position = text.parse().map_err(|error: Invalid| error.at(place.clone()))?;
            self.check_place(id, position, &place).await?;
            let event = self.event(by, id, position).await;
            let event = event.map_err(|refused| SelectionError { at: Some(place), refused })?;
            if positions.insert(position) {
                events.push(event);
            }
        }
        Ok(events)
    }
}

fn wrong(what: impl Into<String>, fix: impl Into<std::borrow::Cow<'static, str>>) -> Invalid {
    Invalid::new(Code::InvalidWebhook, what, fix)
}
