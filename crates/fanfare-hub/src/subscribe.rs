//! Subscribing: a position becomes a cursor.

use std::time::Duration;

use fanfare_core::duration;
use fanfare_core::notice::{Notice, ResetReason};
use fanfare_core::refusal::Refusal;
use fanfare_core::{Caller, Code, Filter, Position, Principal, Start};

use crate::Hub;
use crate::client::NewClient;
use crate::own;
use crate::subscription::Subscription;
use crate::texts::TEXTS_MAX;
use fanfare_runtime::shares::Over;
use fanfare_store as store;
use fanfare_store::Head;

/// A request to subscribe.
#[derive(Debug)]
pub struct Request {
    /// The filter that the events must pass; `None` is every event. A durable reader that already exists keeps its own
    /// filter; if that is not the one asked for, the subscription says so.
    pub filter: Option<Filter>,
    /// The position to start from. A durable reader that already exists continues after its acknowledged position
    /// instead.
    pub start: Start,
    /// Whether to send only the newest event of each key while the subscriber is behind.
    pub conflate: bool,
    /// Whether to skip events of `low` and `min` while the subscriber is behind the ring; a notice says how many.
    pub shed: bool,
    /// The client that subscribes.
    pub client: NewClient,
}

/// The place in a log at which a subscription starts.
enum Beginning {
    /// At live events.
    Live,
    /// After this seq.
    Replay(u64),
    /// At live events, after a notice that states the reason.
    Reset(ResetReason),
    /// After this seq, which is what is left of a position in the log before; a notice says so.
    Resume(u64),
}

/// The reason why a subscription was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubscribeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// An operator disconnected this client, and it may return after this time.
    #[error("an operator disconnected this client")]
    Denied(Duration),
    /// Too many different texts are looked for.
    #[error("too many different texts are looked for")]
    TooManyTexts(Over),
}

impl From<Over> for SubscribeError {
    fn from(over: Over) -> SubscribeError {
        SubscribeError::TooManyTexts(over)
    }
}

impl From<SubscribeError> for Refusal {
    fn from(error: SubscribeError) -> Refusal {
        let what = match error {
            SubscribeError::Store(error) => return error.into(),
            SubscribeError::Denied(left) => return denied(left),
            SubscribeError::TooManyTexts(Over::InAll) => {
                format!("live subscribers already look for {TEXTS_MAX} different texts, the maximum")
            }
            SubscribeError::TooManyTexts(Over::Share) => {
                "your subscriptions already look for the maximum of different texts".to_owned()
            }
        };
        let fix = "look for the same text as another subscription, or without `text` and search what you get";
        Refusal::new(Code::RateLimited, what, fix).over("texts", Duration::from_secs(60))
    }
}

/// Returns the refusal of a client that may return after `left`.
pub fn denied(left: Duration) -> Refusal {
    let left = Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0));
    let what = format!("an operator disconnected this client, and it may return in {}", duration::show(left));
    Refusal::new(Code::ClientDenied, what, "return then, or ask the operator of the gateway")
        .over("denial", left)
}

impl Hub {
    /// Opens a subscription. A position that this log does not have is not an error: the stream itself reports it,
    /// because a browser would stop retrying after an error.
    pub async fn subscribe(&self, by: &Principal, request: Request) -> Result<Subscription, SubscribeError> {
        let transport = request.client.transport;
        let live = transport.is_live().then(|| Caller::new(by, request.client.address));
        let asked = request.filter.clone();
        let face = self.face(by, &request);
        if live.is_some()
            && let Some(left) = self.denied(face)
        {
            return Err(SubscribeError::Denied(left));
        }
        if let (Some(filter), Some(live)) = (&asked, &live) {
            // Before a durable reader is created for it.
            self.feeds().admits(filter, live)?;
        }
        let (beginning, filter, client, mut subscription) = loop {
            let head = self.caught_up().await?;
            // A client that asks for what is there does not miss what was gone before.
            let told = match (&request.start, &request.client.reader) {
                (Start::Earliest | Start::Since(_), None) => head.removed(),
                _ => 0,
            };
            let (beginning, filter) = match self.beginning(head, by, &request).await {
                Err(store::Error::EpochChanged { .. }) => continue,
                beginning => beginning?,
            };
            let mut feeds = self.feeds();
            // Read under the lock, because a push counts the subscribers that joined before its event.
            let end = self.extent();
            if end.epoch != head.epoch || feeds.head().epoch != head.epoch {
                // The log was replaced meanwhile.
                continue;
            }
            let feed = feeds.join(&filter, end.position(), live.as_ref())?;
            let after = match beginning {
                Beginning::Replay(seq) | Beginning::Resume(seq) => seq,
                Beginning::Live | Beginning::Reset(_) => end.last,
            };
            let client = self.shared.clients.add(by, request.client, face, feed, after, end.position());
            self.counts().subscribers(transport).inc();
            break (
                beginning,
                filter,
                client.clone(),
                Subscription::new(self.clone(), client, told, request.conflate, request.shed),
            );
        };
        // The rings may be a moment behind the store. A cursor beyond their head would receive events again that it has.
        self.caught_up().await?;
        tracing::debug!(client = client.id, transport = transport.as_str(), "subscribed");
        if asked.is_some_and(|asked| asked != filter) {
            subscription.tell(Notice::ReaderFilter { filter });
        }
        match beginning {
            Beginning::Live => subscription.go_live(),
            Beginning::Replay(_) => subscription.replay(),
            Beginning::Reset(reason) => {
                self.counts().resets.inc();
                subscription.reset(reason);
            }
            Beginning::Resume(_) => {
                self.counts().resets.inc();
                subscription.reset_and_replay(ResetReason::AnotherEpoch);
            }
        }
        Ok(subscription)
    }

    /// Finds the place in the log that has this head, and the filter. Fails if the log no longer has this epoch.
    async fn beginning(
        &self,
        head: Head,
        by: &Principal,
        request: &Request,
    ) -> Result<(Beginning, Filter), store::Error> {
        let filter = request.filter.clone().unwrap_or_else(Filter::all);
        let beginning = match request.start {
            Start::After(position) => after(head, position),
            Start::Earliest => Beginning::Replay(head.before_oldest()),
            Start::Live => Beginning::Live,
            Start::Since(moment) => {
                let seq = self.seq_before(by, self.arrival(moment)).await?;
                Beginning::Replay(seq.max(head.before_oldest()))
            }
            Start::Unreadable => Beginning::Reset(ResetReason::Unreadable),
        };
        let Some(reader) = &request.client.reader else { return Ok((beginning, filter)) };
        let start = match beginning {
            Beginning::Replay(seq) | Beginning::Resume(seq) => Position { seq, ..head.position() },
            Beginning::Live | Beginning::Reset(_) => head.position(),
        };
        let row = self.ledger().open_reader(&own::reader(by, reader), &filter, start).await?;
        let seq = head.resume(row.acknowledged);
        let beginning = match row.acknowledged.epoch == head.epoch {
            true => Beginning::Replay(seq),
            false => Beginning::Resume(seq),
        };
        Ok((beginning, row.filter))
    }
}

/// Returns the place after `position` in the log that has this head.
fn after(head: Head, position: Position) -> Beginning {
    let is_known = head.fork.is_some_and(|fork| fork.from == position.epoch);
    if position.epoch != head.epoch {
        // Of a position in a log that nobody knows, nobody can tell what it has in common with this one.
        match is_known {
            true => Beginning::Resume(head.resume(position)),
            false => Beginning::Reset(ResetReason::AnotherEpoch),
        }
    } else if position.seq > head.last {
        Beginning::Reset(ResetReason::AheadOfLog)
    } else {
        Beginning::Replay(position.seq)
    }
}
