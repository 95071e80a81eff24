//! The events and gaps that a reader sees, in order.

use fanfare_core::notice::GapReason;
use fanfare_store::{Order, Read};

use crate::harness::Log;

/// Something that a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// An event.
    Event(u64),
    /// A run of events without content.
    Gone(GapReason, u64),
    /// What retention removed.
    Removed { up_to: u64, count: u64 },
}

/// Reads page after page until the range is done.
pub async fn seen(log: &Log, mut read: Read) -> Vec<Seen> {
    let mut all = Vec::new();
    let last = read.until.min(log.store.head().last);
    loop {
        let page = log.page(read.clone()).await;
        let (events, run) = (page.events.len(), page.gone.is_some());
        assert!(events == 0 || !run, "a run of events without content is a page of its own");
        all.extend(page.removed.map(|removed| Seen::Removed { up_to: removed.up_to, count: removed.count }));
        all.extend(page.gone.map(|gone| Seen::Gone(gone.reason, gone.count)));
        all.extend(page.events.iter().map(|event| Seen::Event(event.position.seq)));
        read.told = page.told;
        match read.order {
            Order::Oldest if page.scanned >= last => return all,
            Order::Newest if page.scanned <= read.after + 1 => return all,
            Order::Oldest => read.after = page.scanned,
            Order::Newest => read.until = page.scanned - 1,
        }
    }
}
