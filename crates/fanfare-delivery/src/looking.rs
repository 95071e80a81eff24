//! Looking at webhooks: their attempts, their waiting deliveries, and the state of each event.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::WebhookId;
use fanfare_core::{Audience, Event, Position, Principal};
use serde_json::{Map, Value};

use crate::attempt::Attempt;
use crate::attempt_id::AttemptId;
use crate::missing::Missing;
use crate::registry::{Entry, RECENT_MAX};
use crate::service::{WebhookError, Webhooks};
use fanfare_store as store;
use fanfare_store::webhooks::{
    AttemptFilter, AttemptRow, DeliveryCounts, DeliveryRow, ReadAttempts, ReadDeliveries,
};
use fanfare_webhook::policy::Mode;
use fanfare_webhook::url::WebhookUrl;

/// Maximum time that a look waits for pending writes: longer than a commit takes on a busy machine.
const CAUGHT_UP_MAX: Duration = Duration::from_secs(1);
/// Maximum pages of the store that are read for one page of attempts: one may end early on bytes.
const READS_MAX: usize = 8;
/// Maximum attempts at one event that are searched for one of them: more than any schedule makes.
const TRIED_MAX: usize = 200;

/// The member of an attempt's details that says whether the answer came from a public address.
const PUBLIC: &str = "public";

/// The members of an attempt's details that earlier versions stored under another name.
const EARLIER_NAMES: [(&str, &str); 2] = [("category", "outcome"), ("status", "status_code")];

/// An attempt as shown to people.
#[derive(Debug, Clone)]
pub struct AttemptRecord {
    /// The id of the attempt.
    pub id: AttemptId,
    /// The event of the attempt; for a batch, the first.
    pub position: Position,
    /// Whether the response status was 2xx.
    pub is_delivered: bool,
    /// The further details, as in [`Attempt::detail`].
    pub detail: Map<String, Value>,
}

/// The attempts of one webhook to return, newest first.
#[derive(Debug, Clone)]
pub struct AttemptQuery {
    /// Only attempts at this event.
    pub event: Option<Position>,
    /// Which of these.
    pub filter: AttemptFilter,
    /// Only attempts before this one.
    pub before: Option<AttemptId>,
    /// Maximum attempts to return.
    pub limit: usize,
}

/// The state of the delivery of an event to one webhook.
#[derive(Debug, Clone)]
pub enum Fate {
    /// The delivery failed.
    Failed(DeliveryRow),
    /// The event was delivered.
    Delivered,
    /// The event was not sent yet, or is in flight.
    Pending,
    /// The delivery waits for its next attempt.
    Waiting(DeliveryRow),
}

impl Fate {
    /// Returns the name on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Fate::Failed(_) => "failed",
            Fate::Delivered => "delivered",
            Fate::Pending => "pending",
            Fate::Waiting(_) => "waiting",
        }
    }
}

impl From<&Attempt> for AttemptRecord {
    fn from(attempt: &Attempt) -> AttemptRecord {
        let mut detail = members(attempt.detail());
        // The store keeps no bodies: there may be 100,000 attempts, and the events contain them.
        if let Some(Value::Object(request)) = detail.get_mut("request") {
            let (body, is_cut) = attempt.body();
            request.insert("body".to_owned(), String::from_utf8_lossy(body).into());
            request.insert("is_cut".to_owned(), is_cut.into());
        }
        AttemptRecord {
            id: attempt.into(),
            position: attempt.sent.position,
            is_delivered: attempt.is_delivered(),
            detail,
        }
    }
}

impl From<&AttemptRow> for AttemptRecord {
    fn from(row: &AttemptRow) -> AttemptRecord {
        let mut detail = members(serde_json::from_str(&row.detail).unwrap_or_default());
        for (earlier, name) in EARLIER_NAMES {
            if let Some(value) = detail.remove(earlier) {
                detail.insert(name.to_owned(), value);
            }
        }
        if let Some(Value::String(url)) = detail.get_mut("request").and_then(|request| request.get_mut("url"))
            && let Ok(parsed) = url.parse::<WebhookUrl>()
        {
            // Earlier versions stored it whole.
            *url = parsed.shown().into_owned();
        }
        AttemptRecord { id: row.into(), position: row.position, is_delivered: row.is_delivered, detail }
    }
}

fn members(detail: Value) -> Map<String, Value> {
    match detail {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

impl Webhooks {
    /// Returns a page of the attempts at one webhook, and the value of `before` for the next page: first the latest
    /// attempts of this process, then the failed ones that the store keeps.
    pub async fn attempts(
        &self,
        by: &Principal,
        id: &WebhookId,
        wanted: AttemptQuery,
    ) -> Result<(Vec<AttemptRecord>, Option<AttemptId>), WebhookError> {
        let entry = self.find(by, id)?;
        // A recent failure is in memory; after the flush it is also in the store, and is found there once it has left
        // the memory.
        self.caught_up().await;
        let recent = entry.recent();
        let in_memory: HashSet<AttemptId> =
            recent.iter().map(|attempt| AttemptId::from(&**attempt)).collect();
        let is_at = |position: Position| wanted.event.is_none_or(|event| position == event);
        let is_wanted =
            |attempt: &&Arc<Attempt>| is_at(attempt.sent.position) && wanted.filter.takes(attempt.facts());
        let is_in_memory = wanted.before.as_ref().is_none_or(|before| in_memory.contains(before));
        let mut page: Vec<AttemptRecord> = Vec::new();
        if is_in_memory {
            let newer = |attempt: &&Arc<Attempt>| {
                wanted.before.as_ref().is_some_and(|before| *before != AttemptId::from(&***attempt))
            };
            let behind = recent.iter().skip_while(newer).skip(usize::from(wanted.before.is_some()));
            page.extend(behind.filter(is_wanted).map(|attempt| AttemptRecord::from(&**attempt)));
        }
        let stored = match &wanted.before {
            Some(before) if !is_in_memory => Some((before, self.stored(before).await?.map(|row| row.id))),
            _ => None,
        };
        let mut before = stored.and_then(|(_, row)| row);
        // The attempt has left the memory since, and the store never had it: every attempt that started before it comes
        // after it in the list.
        let earlier = stored.filter(|(_, row)| row.is_none()).map(|(id, _)| id.at);
        let mut is_end = false;
        for _ in 0..READS_MAX {
            if page.len() > wanted.limit || is_end {
                break;
            }
            let read = ReadAttempts {
                webhook: Some(id.clone()),
                seq: wanted.event.map(|event| event.seq),
                filter: wanted.filter.clone(),
                before,
                limit: wanted.limit + 1 + RECENT_MAX,
            };
            let rows = self.parts.ledger.attempts(read).await?;
            match rows.last() {
                Some(last) => before = Some(last.id),
                None => is_end = true,
            }
            let tried = rows.iter().map(AttemptRecord::from);
            let behind =
                tried.filter(|tried| is_at(tried.position) && earlier.is_none_or(|at| tried.id.at < at));
            page.extend(behind.filter(|tried| !in_memory.contains(&tried.id)));
        }
        let next = page.len() > wanted.limit || !is_end;
        page.truncate(wanted.limit);
        let next = page.last().filter(|_| next).map(|tried| tried.id.clone());
        Ok((page, next))
    }

    /// Returns one attempt. In locked mode, or for a caller elsewhere, leaves out the answer of a private
    /// target: it would let others read from the machines of this network.
    pub async fn tried(
        &self,
        by: &Principal,
        mode: Mode,
        id: &AttemptId,
    ) -> Result<AttemptRecord, WebhookError> {
        let mut tried = self.any_tried(by, id).await?;
        // Earlier versions did not record whether the address was public.
        let is_public = tried.detail.remove(PUBLIC).is_some_and(|is_public| is_public == true);
        if self.rules.mode(mode) == Mode::Locked
            && !is_public
            && tried.detail.remove("answer").is_some_and(|answer| !answer.is_null())
        {
            tried.detail.insert("answer_is_hidden".to_owned(), true.into());
        }
        Ok(tried)
    }

    async fn any_tried(&self, by: &Principal, id: &AttemptId) -> Result<AttemptRecord, WebhookError> {
        let unknown = || WebhookError::NotFound(Missing::Attempt(id.clone()));
        let entry = self.find(by, &id.webhook).map_err(|_| unknown())?;
        if let Some(attempt) = entry.recent().iter().find(|attempt| AttemptId::from(&***attempt) == *id) {
            return Ok(AttemptRecord::from(&**attempt));
        }
        self.stored(id).await?.map(|row| AttemptRecord::from(&row)).ok_or_else(unknown)
    }

    async fn stored(&self, id: &AttemptId) -> Result<Option<AttemptRow>, store::Error> {
        let read = ReadAttempts {
            webhook: Some(id.webhook.clone()),
            seq: Some(id.seq),
            filter: AttemptFilter::default(),
            before: None,
            limit: TRIED_MAX,
        };
        Ok(self.parts.ledger.attempts(read).await?.into_iter().find(|row| AttemptId::from(row) == *id))
    }

    /// Returns an event from the log, or from a delivery that waits or failed and has outlived the log.
    pub async fn event(
        &self,
        by: &Principal,
        id: &WebhookId,
        position: Position,
    ) -> Result<Arc<Event>, WebhookError> {
        self.find(by, id)?;
        if let Some(event) = self.hub().event(by, position).await? {
            return Ok(event);
        }
        let row = self.parts.ledger.delivery(id, position).await?;
        let unknown = || WebhookError::NotFound(Missing::Event(position));
        row.map(|row| row.event).ok_or_else(unknown)
    }

    /// Returns a page of the deliveries that wait or failed, and the position after which the next page starts.
    pub async fn deliveries(
        &self,
        by: &Principal,
        id: &WebhookId,
        failed: Option<bool>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<DeliveryRow>, Option<Position>), WebhookError> {
        self.find(by, id)?;
        self.caught_up().await;
        let read = |after, limit| ReadDeliveries { webhook: id.clone(), failed, after, limit };
        let page = self.parts.ledger.deliveries(read(after, limit)).await?;
        let Some(last) = page.last().map(|row| row.event.position) else { return Ok((page, None)) };
        let has_more = !self.parts.ledger.deliveries(read(Some(last), 1)).await?.is_empty();
        Ok((page, has_more.then_some(last)))
    }

    /// Waits until pending changes are recorded, so that a caller finds the effect of its last request. The wait is
    /// short: with a full disk, the caller sees the state from before.
    async fn caught_up(&self) {
        // A change that is not recorded by then is seen later.
        let _ = tokio::time::timeout(CAUGHT_UP_MAX, self.parts.recorder.flushed()).await;
    }

    /// Returns the number of waiting and of given-up deliveries of each webhook of `by`.
    pub async fn delivery_counts(
        &self,
        by: &Principal,
    ) -> Result<HashMap<WebhookId, DeliveryCounts>, store::Error> {
        self.caught_up().await;
        let mut counts = self.parts.ledger.delivery_counts().await?;
        counts.retain(|counts| self.find(by, &counts.webhook).is_ok());
        Ok(counts.into_iter().map(|counts| (counts.webhook.clone(), counts)).collect())
    }

    /// Returns the state of an event for each webhook of `by` that it is for, as far as the present settings of each
    /// webhook can tell.
    pub async fn fates(
        &self,
        by: &Principal,
        event: &Event,
    ) -> Result<Vec<(Arc<Entry>, Fate)>, store::Error> {
        if event.audience != Audience::All || self.count() == 0 {
            return Ok(Vec::new());
        }
        let counts = self.delivery_counts(by).await?;
        let mut fates = Vec::new();
        for entry in self.list(by) {
            let id = &entry.webhook().id;
            let has_rows = counts.get(id).is_some_and(|counts| counts.waiting > 0 || counts.failed > 0);
            let row = match has_rows {
                true => self.parts.ledger.delivery(id, event.position).await?,
                false => None,
            };
            if let Some(fate) = fate(&entry, event, row) {
                fates.push((entry, fate));
            }
        }
        Ok(fates)
    }

    /// Returns the state of an event for one webhook and the body to send, or `None` if the event is not for this
    /// webhook.
    pub async fn delivery(
        &self,
        by: &Principal,
        id: &WebhookId,
        event: &Event,
    ) -> Result<(Option<Fate>, Vec<u8>), WebhookError> {
        let entry = self.find(by, id)?;
        self.caught_up().await;
        let row = self.parts.ledger.delivery(id, event.position).await?;
        let webhook = entry.webhook();
        let body = self.body_as_json(&webhook.options, &webhook.url, event).await;
        Ok((fate(&entry, event, row), body))
    }
}

/// Returns the state of an event for a webhook whose row in the store is `row`.
fn fate(entry: &Entry, event: &Event, row: Option<DeliveryRow>) -> Option<Fate> {
    let webhook = entry.webhook();
    let is_after = |place: Position| event.position.epoch != place.epoch || event.position.seq > place.seq;
    match row {
        Some(row) if row.status.is_failed() => Some(Fate::Failed(row)),
        Some(row) => Some(Fate::Waiting(row)),
        None if !is_after(webhook.begins_after) || !entry.wants(event) => None,
        None if is_after(entry.cursor.get()) => {
            match entry.health().has_early(event, webhook.options.payload) {
                true => Some(Fate::Delivered),
                false => Some(Fate::Pending),
            }
        }
        None => Some(Fate::Delivered),
    }
}
