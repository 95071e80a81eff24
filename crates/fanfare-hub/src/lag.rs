//! How many events a cursor still has to get.

use fanfare_core::{Event, Filter, Position, Principal};

use crate::Hub;
use fanfare_store as store;
use fanfare_store::{Order, Read};

/// Maximum lag that is counted.
pub const LAG_MAX: u64 = 10_000;

/// Maximum pages that one listing reads, for all cursors together: about two seconds of work. For the cursors that come
/// after it, the lag is not exact.
const PAGES_MAX: usize = 100;
/// Maximum pages of those for cursors that look for text, because each event in them is searched.
const TEXT_PAGES_MAX: usize = 10;
/// Maximum pages for one cursor: a page ends early if it reaches its limit of bytes or of events looked at.
const PAGES_EACH_MAX: usize = 4;
/// Maximum pages for a measurement, which is taken every few seconds.
const PAGES_MEASURED_MAX: usize = 10;

/// The pages of the log that may still be read to count lags.
#[derive(Debug)]
pub struct LagPages {
    plain: usize,
    /// Of cursors that look for text.
    text: usize,
}

impl LagPages {
    /// Allows the pages of one listing.
    pub fn of_list() -> LagPages {
        LagPages { plain: PAGES_MAX, text: TEXT_PAGES_MAX }
    }

    /// Allows the pages of one cursor.
    pub fn of_one() -> LagPages {
        LagPages { plain: PAGES_EACH_MAX, text: PAGES_EACH_MAX }
    }

    /// Allows the pages of one measurement of all cursors.
    pub fn of_measurement() -> LagPages {
        LagPages { plain: PAGES_MEASURED_MAX, text: PAGES_EACH_MAX }
    }

    /// Allows none: the log is not read.
    pub fn none() -> LagPages {
        LagPages { plain: 0, text: 0 }
    }
}

impl Hub {
    /// Counts the events that a webhook at `position` with `filter` still has to get: those that `wants` takes, which is
    /// asked in the order of the log. Returns the count, and whether it is exact: if there are more than [`LAG_MAX`], or
    /// `pages` are used up, all events after `position` count.
    pub async fn webhook_lag(
        &self,
        _by: &Principal,
        position: Position,
        filter: &Filter,
        wants: impl FnMut(&Event) -> bool,
        pages: &mut LagPages,
    ) -> Result<(u64, bool), store::Error> {
        self.count_after(position, filter, wants, pages).await
    }

    /// Counts as [`Hub::webhook_lag`] does, for a reader.
    pub(super) async fn reader_lag(
        &self,
        position: Position,
        filter: &Filter,
        pages: &mut LagPages,
    ) -> Result<(u64, bool), store::Error> {
        self.count_after(position, filter, |_| true, pages).await
    }

    async fn count_after(
        &self,
        position: Position,
        filter: &Filter,
        mut is_for: impl FnMut(&Event) -> bool,
        pages: &mut LagPages,
    ) -> Result<(u64, bool), store::Error> {
        let pages = if filter.text().is_some() { &mut pages.text } else { &mut pages.plain };
        let head = self.extent();
        let seq = head.resume(position);
        let read = Read {
            epoch: head.epoch,
            after: seq,
            until: head.last,
            filter: filter.clone(),
            order: Order::Oldest,
            limit: LAG_MAX as usize,
            told: 0,
        };
        let mut after = seq;
        let mut count = 0;
        for _ in 0..PAGES_EACH_MAX {
            if after >= read.until || *pages == 0 {
                break;
            }
            *pages -= 1;
            let page = self.log().read(Read { after, ..read.clone() }).await?;
            count += page.events.iter().filter(|event| is_for(event)).count() as u64;
            after = page.scanned;
            if count >= LAG_MAX {
                break;
            }
        }
        match after >= read.until && count <= LAG_MAX {
            true => Ok((count, true)),
            false => Ok((head.last - seq, false)),
        }
    }
}
