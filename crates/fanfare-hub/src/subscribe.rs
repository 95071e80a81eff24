//! Subscribing: a position becomes a cursor.

use fanfare_core::notice::ResetReason;
use fanfare_core::{Filter, Position, Principal, Start};

use crate::Hub;
use crate::client::NewClient;
use crate::own;
use crate::subscription::Subscription;
use fanfare_runtime::clock;
use fanfare_store as store;

/// A request to subscribe.
#[derive(Debug)]
pub struct Request {
    /// The filter that the events must pass.
    pub filter: Filter,
    /// The position to start from. A durable reader that already exists continues after its acknowledged position
    /// instead.
    pub start: Start,
    /// Whether to send only the newest event of each key while the subscriber is behind.
    pub conflate: bool,
    /// The client that subscribes.
    pub client: NewClient,
}

/// The place at which a subscription starts.
enum Beginning {
    /// At live events.
    Live,
    /// After this seq.
    Replay(u64),
    /// At live events, after a notice that states the reason.
    Reset(ResetReason),
}

impl Hub {
    /// Opens a subscription. A position that this log does not have is not an error: the stream itself reports it,
    /// because a browser would stop retrying after an error.
    pub async fn subscribe(&self, by: &Principal, request: Request) -> Result<Subscription, store::Error> {
        let beginning = self.beginning(by, &request).await?;
        // The rings may be a moment behind the store. A cursor beyond their head would receive events again that it
        // has.
        let last = self.extent().last;
        let mut head = self.shared.head.subscribe();
        if head.wait_for(|head| *head >= last).await.is_err() {
            return Err(store::Error::Closed);
        }
        let transport = request.client.transport;
        let (client, mut subscription) = {
            let mut feeds = self.feeds();
            let feed = feeds.join(&request.filter, transport.is_live());
            let seq = match beginning {
                Beginning::Replay(seq) => seq,
                Beginning::Live | Beginning::Reset(_) => feeds.head(),
            };
            let client = self.shared.clients.add(by, request.client, feed, seq, clock::now());
            (client.clone(), Subscription::new(self.clone(), client, request.conflate))
        };
        self.counts().subscribers(transport).inc();
        tracing::debug!(client = client.id, transport = transport.as_str(), "subscribed");
        match beginning {
            Beginning::Live => subscription.go_live(),
            Beginning::Replay(_) => subscription.replay(),
            Beginning::Reset(reason) => {
                self.counts().resets.inc();
                subscription.reset(reason);
            }
        }
        Ok(subscription)
    }

    async fn beginning(&self, by: &Principal, request: &Request) -> Result<Beginning, store::Error> {
        let beginning = match request.start {
            Start::After(position) => self.after(position),
            Start::Earliest => Beginning::Replay(self.extent().first.saturating_sub(1)),
            Start::Live => Beginning::Live,
            Start::Since(moment) => {
                let seq = self.seq_before(by, moment.resolve(clock::now())).await?;
                Beginning::Replay(seq.max(self.extent().first.saturating_sub(1)))
            }
            Start::Unreadable => Beginning::Reset(ResetReason::Unreadable),
        };
        let Some(reader) = &request.client.reader else { return Ok(beginning) };
        let head = self.extent();
        let start = match beginning {
            Beginning::Replay(seq) => Position { seq, ..head.position() },
            Beginning::Live | Beginning::Reset(_) => head.position(),
        };
        let row = self.ledger().open_reader(&own::reader(by, reader), &request.filter, start).await?;
        Ok(Beginning::Replay(self.extent().resume(row.acknowledged)))
    }

    fn after(&self, position: Position) -> Beginning {
        if position.epoch != self.epoch() {
            Beginning::Reset(ResetReason::AnotherEpoch)
        } else if position.seq > self.extent().last {
            Beginning::Reset(ResetReason::AheadOfLog)
        } else {
            Beginning::Replay(position.seq)
        }
    }
}
