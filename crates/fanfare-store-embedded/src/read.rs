//! Reading a page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fanfare_core::{Arrival, Channel, Epoch, Event, Filter, Priority};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::channels::Channels;
use crate::row::{self, COLUMNS, Decoder};
use crate::state::Shared;
use fanfare_store::page::{Collector, Range};
use fanfare_store::{Order, Page, Read};

/// Number of consecutive seqs that share an entry per channel in `channel_blocks`. With fewer, a busy channel needs
/// more entries; with more, a sparse one reads more events in vain.
pub(super) const BLOCK_LEN: u64 = 64;

/// Maximum channels whose blocks are looked up; with more of them, all events of the range are read.
const MERGE_LEN_MAX: usize = 64;

/// Reads a page in one snapshot.
pub(super) fn page(shared: &Shared, conn: &mut Connection, read: &Read) -> rusqlite::Result<Page> {
    // Before the snapshot starts: then the snapshot has all events up to `last`, and `shared` has their channels.
    let last = shared.head().last;
    let snapshot = conn.transaction()?;
    let first = first(&snapshot)?;
    let range = Range::new(read, first, last);
    let wanted = shared.channels().wanted(&read.filter, range.low.saturating_sub(1));
    let mut reading = Reading {
        conn: &snapshot,
        read,
        range,
        page: Collector::new(read, range),
        wanted: wanted.as_ref().map(|ids| flags(ids)),
        names: Names::new(shared),
        decoder: Decoder::new(shared.epoch),
        now: shared.clock.now(),
    };
    let is_done = match wanted {
        _ if range.is_empty() => true,
        Some(ids) if ids.len() <= MERGE_LEN_MAX => reading.blocks(&ids)?,
        Some(_) | None => reading.seqs(range.low, range.high)?,
    };
    let page = reading.page;
    Ok(if is_done { page.finish(first) } else { page.stop(first) })
}

/// Returns the last seq before the first event that arrived at `moment` or later.
pub(super) fn seq_before(shared: &Shared, conn: &mut Connection, moment: Arrival) -> rusqlite::Result<u64> {
    let last = shared.head().last;
    let snapshot = conn.transaction()?;
    let first = first(&snapshot)?;
    let end = last.max(first - 1) + 1;
    Ok(partition(&snapshot, first, end, |arrival, _| arrival < moment.as_micros())? - 1)
}

/// Returns the oldest seq that is kept; the one that comes next when no event is.
pub(super) fn first(conn: &Connection) -> rusqlite::Result<u64> {
    conn.prepare_cached("SELECT coalesce((SELECT min(seq) FROM events), (SELECT last_seq + 1 FROM log))")?
        .query_row((), |row| row.get::<_, i64>(0).map(|seq| seq as u64))
}

/// Returns the first of the seqs `low..high` for which `is_before(arrival, bytes_before)` does not hold, or
/// `high`; every one of them must be kept, and `is_before` must hold up to somewhere and not from there on.
pub(super) fn partition(
    conn: &Connection,
    mut low: u64,
    mut high: u64,
    is_before: impl Fn(i64, i64) -> bool,
) -> rusqlite::Result<u64> {
    let mut statement =
        conn.prepare_cached("SELECT coalesce(arrival, timestamp), bytes_before FROM events WHERE seq = ?1")?;
    while low < high {
        let middle = low + (high - low) / 2;
        let holds = statement.query_row([middle as i64], |row| Ok(is_before(row.get(0)?, row.get(1)?)))?;
        if holds {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Returns one event; nothing when it is not kept.
pub(super) fn event_at(
    conn: &Connection,
    epoch: Epoch,
    channels: &Channels,
    seq: u64,
) -> rusqlite::Result<Option<Event>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE seq = ?1"))?
        .query_row([seq as i64], |row| {
            let id = row::channel(row)?;
            let channel = channels.row(id).ok_or_else(|| unknown_channel(id))?.channel.clone();
            Decoder::new(epoch).event(row, channel)
        })
        .optional()
}

/// A page under way.
struct Reading<'a> {
    conn: &'a Connection,
    read: &'a Read,
    range: Range,
    page: Collector,
    /// By the id of a channel: whether it is wanted. Nothing when all are.
    wanted: Option<Vec<bool>>,
    names: Names<'a>,
    decoder: Decoder,
    /// Events that expired before this time are left out.
    now: Arrival,
}

impl Reading<'_> {
    /// Reads all of `low..=high`. Returns whether it reached the end.
    fn seqs(&mut self, low: u64, high: u64) -> rusqlite::Result<bool> {
        let direction = match self.read.order {
            Order::Newest => "DESC",
            Order::Oldest => "ASC",
        };
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq {direction}"
        ))?;
        let mut rows = statement.query((low as i64, high as i64))?;
        while let Some(row) = rows.next()? {
            if !self.page.look() {
                return Ok(false);
            }
            let seq = row::seq(row)?;
            match self.event(row)? {
                Some(event) => {
                    if !self.page.take(event.into()) {
                        return Ok(false);
                    }
                }
                None => self.page.pass(seq),
            }
        }
        Ok(true)
    }

    /// Reads the blocks in which the channels `ids` have events. Returns whether it reached the end.
    fn blocks(&mut self, ids: &[usize]) -> rusqlite::Result<bool> {
        match self.read.order {
            Order::Oldest => self.blocks_from(ids, self.range.low / BLOCK_LEN, Reverse),
            Order::Newest => self.blocks_from(ids, self.range.high / BLOCK_LEN, |block| block),
        }
    }

    /// Merges the blocks of the channels; `key` makes the heap return the next one first.
    fn blocks_from<K: Ord + Copy + Block>(
        &mut self,
        ids: &[usize],
        start: u64,
        key: impl Fn(u64) -> K,
    ) -> rusqlite::Result<bool> {
        let mut heap = BinaryHeap::new();
        for id in ids {
            heap.extend(self.next_block(*id, start)?.map(|block| (key(block), *id)));
        }
        while let Some((block, _)) = heap.peek().copied() {
            let block = block.number();
            let (low, high) = (block * BLOCK_LEN, block * BLOCK_LEN + (BLOCK_LEN - 1));
            if low > self.range.high || high < self.range.low {
                return Ok(true);
            }
            if !self.seqs(low.max(self.range.low), high.min(self.range.high))? {
                return Ok(false);
            }
            let following = match self.read.order {
                Order::Oldest => Some(block + 1),
                Order::Newest => block.checked_sub(1),
            };
            while let Some((next, id)) = heap.peek().copied()
                && next.number() == block
            {
                heap.pop();
                if let Some(following) = following {
                    heap.extend(self.next_block(id, following)?.map(|block| (key(block), id)));
                }
                if !self.page.look() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Returns the first block from `start` on, in reading order, in which a channel has events.
    fn next_block(&self, id: usize, start: u64) -> rusqlite::Result<Option<u64>> {
        let sql = match self.read.order {
            Order::Oldest => "SELECT min(block) FROM channel_blocks WHERE channel = ?1 AND block >= ?2",
            Order::Newest => "SELECT max(block) FROM channel_blocks WHERE channel = ?1 AND block <= ?2",
        };
        self.conn.prepare_cached(sql)?.query_row((id as i64, start as i64), |row| {
            Ok(row.get::<_, Option<i64>>(0)?.map(|block| block as u64))
        })
    }

    /// Creates the event of a row, if it matches. The most selective tests come first.
    fn event(&mut self, row: &Row<'_>) -> rusqlite::Result<Option<Event>> {
        let filter: &Filter = &self.read.filter;
        let id = row::channel(row)?;
        if self.wanted.as_ref().is_some_and(|wanted| !wanted.get(id).is_some_and(|wanted| *wanted)) {
            return Ok(None);
        }
        if filter.min_priority() > Priority::Min && row::priority(row)? < filter.min_priority() {
            return Ok(None);
        }
        if !filter.types().is_empty() && !filter.types().contains(&row::event_type(row)?) {
            return Ok(None);
        }
        let channel = self.names.name(id)?;
        let event = self.decoder.event(row, channel)?;
        let is_wanted = !event.is_expired(self.now) && (filter.text().is_none() || filter.matches(&event));
        Ok(is_wanted.then_some(event))
    }
}

/// The number of a block, in a heap of either order.
trait Block {
    fn number(self) -> u64;
}

impl Block for u64 {
    fn number(self) -> u64 {
        self
    }
}

impl Block for Reverse<u64> {
    fn number(self) -> u64 {
        self.0
    }
}

/// The names of the channels in a page, looked up once each.
pub(super) struct Names<'a> {
    shared: &'a Shared,
    found: Vec<Option<Channel>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(shared: &'a Shared) -> Names<'a> {
        Names { shared, found: Vec::new() }
    }

    pub(super) fn name(&mut self, id: usize) -> rusqlite::Result<Channel> {
        if let Some(Some(channel)) = self.found.get(id) {
            return Ok(channel.clone());
        }
        let channel = self.shared.channels().row(id).ok_or_else(|| unknown_channel(id))?.channel.clone();
        if self.found.len() <= id {
            self.found.resize(id + 1, None);
        }
        self.found[id] = Some(channel.clone());
        Ok(channel)
    }
}

fn flags(ids: &[usize]) -> Vec<bool> {
    let mut flags = vec![false; ids.iter().max().map_or(0, |id| id + 1)];
    for id in ids {
        flags[*id] = true;
    }
    flags
}

fn unknown_channel(id: usize) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(1, id as i64)
}
