//! The backlog: the part of the log that a subscriber behind its feed's ring reads from the store.

use std::sync::Arc;

use fanfare_core::{Filter, Position, conflate};

use crate::Hub;
use crate::item::Block;
use fanfare_store as store;
use fanfare_store::read::PAGE_BYTES_MAX;
use fanfare_store::{Order, Page, Read};

/// Maximum events in a page that is read back for one subscriber.
const PAGE_LEN: usize = 2_048;

/// The page that a subscriber behind the ring is working through.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// A page from the store, the index of its next event, and the seq up to which it covers the log.
    pub(super) page: Option<(Arc<Block>, usize, u64)>,
}

/// Reads the page after `after`, up to the feeds' head, for a subscriber that was told of the first `told` events that
/// retention removed. For a subscriber that conflates, reads until a page of the kept
/// events is full.
pub(super) async fn read_page(
    hub: &Hub,
    filter: &Filter,
    after: Position,
    told: u64,
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
        limit: PAGE_LEN,
        told,
    };
    let mut page = hub.log().read(read.clone()).await?;
    if !conflates || page.gone.is_some() {
        return Ok(page);
    }
    keep_newest(&mut page);
    while page.scanned < until
        && page.events.len() < PAGE_LEN
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
