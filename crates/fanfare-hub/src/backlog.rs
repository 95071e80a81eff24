//! The backlog: the part of the log that a subscriber behind its feed's ring reads from the store.

use std::sync::Arc;

use fanfare_core::{Event, Filter, Position, conflate};

use crate::Hub;
use crate::item::Block;
use fanfare_runtime::budget::{Account, Cache};
use fanfare_store as store;
use fanfare_store::read::PAGE_BYTES_MAX;
use fanfare_store::{Order, Page, Read};

/// Maximum events in a page that is read back for one subscriber.
const PAGE_LEN: usize = 2_048;
/// Bytes of events that a page should have while its caller has too many: about what a socket takes at once. The rest of a
/// longer page would be read in vain.
const SHORT_PAGE_BYTES: u64 = 64 * 1024;

/// The page that a subscriber behind the ring is working through.
#[derive(Debug)]
pub(super) struct Backlog {
    /// Where the page counts.
    account: Account,
    /// A page from the store, the index of its next event, and the seq up to which it covers the log.
    pub(super) page: Option<(Arc<Block>, usize, u64)>,
    /// How many of the events that come next are a short page, once a page was dropped.
    short_len: Option<usize>,
}

impl Backlog {
    /// Creates a backlog without a page, whose pages count on `account`.
    pub(super) fn new(account: Account) -> Box<Backlog> {
        Box::new(Backlog { account, page: None, short_len: None })
    }

    /// Takes the events of a page that covers the log up to `covered`; there is at least one.
    pub(super) fn put(&mut self, events: Vec<Arc<Event>>, covered: u64) {
        let block = Block::new(events, Cache::Page(self.account.clone()));
        self.page = Some((Arc::new(block), 0, covered));
    }

    /// Returns whether the caller's subscribers have read so much that one that waits should keep nothing of it.
    pub(super) fn has_too_many_pages(&self) -> bool {
        self.account.has_too_many_pages()
    }

    /// Drops the page: it is read again.
    pub(super) fn forget_page(&mut self) {
        let Some((block, next, _)) = self.page.take() else { return };
        let mut bytes = 0;
        let is_within = |event: &&Arc<Event>| {
            bytes += event.stored_len();
            bytes <= SHORT_PAGE_BYTES
        };
        self.short_len = Some(block.events()[next..].iter().take_while(is_within).count().max(1));
    }

    /// Returns the maximum events of the next page.
    pub(super) fn page_len_max(&self) -> usize {
        self.short_len.filter(|_| self.has_too_many_pages()).unwrap_or(PAGE_LEN)
    }
}

/// Reads the page after `after`, up to the feeds' head, for a subscriber that was told of the first `told` events that
/// retention removed: at most `len_max` events. For a subscriber that conflates, reads until a page of the kept events is
/// full.
pub(super) async fn read_page(
    hub: &Hub,
    filter: &Filter,
    after: Position,
    told: u64,
    len_max: usize,
    conflates: bool,
) -> Result<Page, store::Error> {
    let Position { epoch, seq: until } = hub.head();
    if epoch != after.epoch {
        return Err(store::Error::EpochChanged { position: after, epoch });
    }
    let read = Read {
        epoch,
        after: after.seq,
        until,
        filter: filter.clone(),
        order: Order::Oldest,
        limit: len_max,
        told,
    };
    let mut page = hub.log().read(read.clone()).await?;
    if !conflates || page.gone.is_some() {
        return Ok(page);
    }
    keep_newest(&mut page);
    while page.scanned < until
        && page.events.len() < len_max
        && page.events.iter().map(|event| event.stored_len()).sum::<u64>() < PAGE_BYTES_MAX
    {
        let next = hub.log().read(Read { after: page.scanned, told: page.told, ..read.clone() }).await?;
        if next.removed.is_some() || next.gone.is_some() {
            // A gap: the next page starts with it.
            break;
        }
        page.events.extend(next.events);
        page.scanned = next.scanned;
        keep_newest(&mut page);
    }
    Ok(page)
}

/// Drops the events that a later event replaces.
fn keep_newest(page: &mut Page) {
    let mut kept = conflate::keep(page.events.iter().map(|event| &**event)).into_iter();
    page.events.retain(|_| kept.next().unwrap_or(true));
}
