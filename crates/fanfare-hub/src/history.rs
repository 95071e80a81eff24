//! The history: pages and single events.

use std::sync::Arc;

use fanfare_core::notice::GapReason;
use fanfare_core::start::Moment;
use fanfare_core::{Arrival, Caller, Event, HttpMessage, Position, Principal};

use fanfare_runtime::bulk;

use crate::Hub;
use fanfare_store as store;
use fanfare_store::{Order, Page, Read};

/// Maximum pages of the store that one read looks at before it returns what it has, which may be fewer events than
/// requested.
const READS_MAX: usize = 5;

/// A part of the history.
#[derive(Debug)]
pub struct Collected {
    /// The events, in the order of reading.
    pub events: Vec<Arc<Event>>,
    /// The seq to continue from, exclusive in the direction of reading; `None` at the end of the range.
    pub next: Option<u64>,
    /// Number of events that cannot be read, because their rows are damaged.
    pub damaged: u64,
    /// Number of events that were purged.
    pub purged: u64,
    /// The caller's place for bulk work. Hold it until the events are encoded: the next page can then be read.
    pub place: bulk::Place,
}

impl Hub {
    /// Reads a page of the history.
    pub async fn history(&self, _by: &Principal, read: Read) -> Result<Page, store::Error> {
        self.log().read(read).await
    }

    /// Reads until there are `read.limit` events, the range ends, or the limit on pages is reached. `caller` has few such
    /// reads at a time.
    pub async fn collect(
        &self,
        by: &Principal,
        caller: &Caller,
        mut read: Read,
    ) -> Result<Collected, store::Error> {
        let limit = read.limit;
        let place = self.bulk().place(caller).await;
        let mut collected = Collected { events: Vec::new(), next: None, damaged: 0, purged: 0, place };
        for _ in 0..READS_MAX {
            if read.after >= read.until {
                return Ok(collected);
            }
            let limit = limit - collected.events.len();
            let page = self.history(by, Read { limit, ..read.clone() }).await?;
            collected.events.extend(page.events);
            match page.gone {
                None => {}
                Some(gone) if gone.reason == GapReason::Purged => collected.purged += gone.count,
                Some(gone) => collected.damaged += gone.count,
            }
            match read.order {
                Order::Newest => read.until = page.scanned.saturating_sub(1),
                Order::Oldest => read.after = page.scanned,
            }
            if collected.events.len() >= read.limit {
                break;
            }
        }
        collected.next = (read.after < read.until).then_some(match read.order {
            Order::Newest => read.until + 1,
            Order::Oldest => read.after,
        });
        Ok(collected)
    }

    /// Returns one event, if it is in the log and has not expired. Fails if it is damaged or was purged.
    pub async fn event(
        &self,
        _by: &Principal,
        position: Position,
    ) -> Result<Option<Arc<Event>>, store::Error> {
        let extent = self.extent();
        if position.epoch != extent.epoch || !(extent.oldest..=extent.last).contains(&position.seq) {
            return Ok(None);
        }
        let read = Read {
            epoch: position.epoch,
            after: position.seq - 1,
            until: position.seq,
            filter: fanfare_core::Filter::all(),
            order: store::Order::Newest,
            limit: 1,
            told: 0,
        };
        match self.log().read(read).await {
            Ok(mut page) => match page.gone {
                None => Ok(page.events.pop()),
                Some(gone) if gone.reason == GapReason::Purged => Err(store::Error::Purged { position }),
                Some(_) => {
                    let problem = format!("the row of event `{position}` cannot be read");
                    Err(store::Error::Damaged { problem })
                }
            },
            // The log was replaced meanwhile.
            Err(store::Error::EpochChanged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the oldest event of the log, if it can be read.
    pub(crate) async fn oldest(&self) -> Result<Option<Arc<Event>>, store::Error> {
        let head = self.extent();
        let read = Read {
            epoch: head.epoch,
            after: head.before_oldest(),
            until: head.last,
            filter: fanfare_core::Filter::all(),
            order: Order::Oldest,
            limit: 1,
            told: head.removed(),
        };
        Ok(self.log().read(read).await?.events.pop())
    }

    /// Returns the request that brought an event, if the log has both.
    pub async fn original(
        &self,
        _by: &Principal,
        position: Position,
    ) -> Result<Option<HttpMessage>, store::Error> {
        self.log().original(position).await
    }

    /// Returns the last seq before the events that arrived at `moment` or later.
    pub async fn seq_before(&self, _by: &Principal, moment: Arrival) -> Result<u64, store::Error> {
        self.log().seq_before(moment).await
    }

    /// Returns the time on the clock of the log at `moment`.
    pub fn arrival(&self, moment: Moment) -> Arrival {
        match moment {
            Moment::Ago(duration) => self.log().now().before(duration),
            Moment::At(timestamp) => self.log().at(timestamp),
        }
    }

    /// Returns the current time on the clock of the log, by which events expire.
    pub fn log_time(&self) -> Arrival {
        self.log().now()
    }
}
