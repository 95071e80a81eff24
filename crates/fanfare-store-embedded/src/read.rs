//! Reading a page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fanfare_core::notice::GapReason;
use fanfare_core::{Arrival, Event, Filter, Position, Priority};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::channels::Channels;
use crate::columns::COLUMNS;
use crate::failure;
use crate::names::{Names, unknown_channel};
use crate::places::{BLOCK_LEN, Start, first_since, start};
use crate::row::{self, Decoder};
use crate::state::Shared;
use crate::{spared, traces};
use fanfare_store::page::{Collector, Range};
use fanfare_store::read::PAGE_SCAN_MAX;
use fanfare_store::{Order, Page, Read};

/// Maximum channels whose blocks are looked up; with more of them, all events of the range are read.
const MERGE_LEN_MAX: usize = 64;

/// Reads a page in one snapshot.
pub(super) fn page(shared: &Shared, conn: &mut Connection, read: &Read) -> rusqlite::Result<Page> {
    // Taken before the snapshot starts, so that the snapshot has all events up to `last`, and `shared` has
    // their channels, including those forgotten in the meantime.
    let last = shared.head().last;
    let wanted = shared.channels().wanted(&read.filter, read.after);
    let removed = shared.head().removed();
    let snapshot = conn.transaction()?;
    let Start { oldest, first } = start_of(shared, &snapshot)?;
    let range = Range::new(read, oldest, last);
    let mut reading = Reading {
        shared,
        conn: &snapshot,
        read,
        range: range.from(first),
        page: Collector::new(read, range, removed),
        wanted: wanted.clone(),
        names: Names::new(shared, &snapshot),
        decoder: Decoder::new(shared.checked_from),
        now: shared.clock.now(),
    };
    if read.order == Order::Oldest {
        let (missed, told) = traces::missed(&snapshot, read, first, removed)?;
        reading.page.note_removed(missed, told);
    }
    // The spared events, which are all before the run.
    let spared = (range.low, range.high.min(first - 1));
    let is_done = match read.order {
        Order::Newest => reading.run(wanted.as_deref())? && reading.spared(wanted.as_deref(), spared)?,
        Order::Oldest => reading.spared(wanted.as_deref(), spared)? && reading.run(wanted.as_deref())?,
    };
    let page = reading.page;
    Ok(if is_done { page.finish(first) } else { page.stop(first) })
}

/// Returns the last seq before the first event that arrived at `moment` or later.
pub(super) fn seq_before(shared: &Shared, conn: &mut Connection, moment: Arrival) -> rusqlite::Result<u64> {
    let last = shared.head().last;
    let snapshot = conn.transaction()?;
    let start = start_of(shared, &snapshot)?;
    Ok(first_since(&snapshot, start, last, moment)? - 1)
}

/// Returns where the log starts; if those rows are damaged, what the writer knows.
pub(super) fn start_of(shared: &Shared, conn: &Connection) -> rusqlite::Result<Start> {
    match start(conn) {
        Err(error) if failure::is_damage(&error) => {
            let head = shared.head();
            Ok(Start { first: head.first, oldest: head.oldest })
        }
        start => start,
    }
}

/// Returns whether the event at `seq` was purged.
pub(super) fn is_purged(conn: &Connection, seq: u64) -> rusqlite::Result<bool> {
    let found = conn
        .prepare_cached("SELECT purged IS 1 FROM events WHERE seq = ?1")?
        .query_row([seq as i64], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(false))
}

/// Returns one event; `None` if it is not in the log, or was purged. Events from `checked_from` on have a
/// checksum.
pub(super) fn event_at(
    conn: &Connection,
    checked_from: Position,
    channels: &Channels,
    seq: u64,
) -> rusqlite::Result<Option<Event>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE seq = ?1 AND purged IS NOT 1"))?
        .query_row([seq as i64], |row| {
            let id = row::channel(row)?;
            let channel = channels.row(id).ok_or_else(|| unknown_channel(id))?.channel.clone();
            Decoder::new(checked_from).event(row, channel)
        })
        .optional()
}

/// A page under way.
struct Reading<'a> {
    shared: &'a Shared,
    conn: &'a Connection,
    read: &'a Read,
    /// The rest of the range in the part of the log without holes.
    range: Range,
    page: Collector,
    /// The ids of the channels that are wanted, in order. Nothing when all are.
    wanted: Option<Vec<usize>>,
    names: Names<'a>,
    decoder: Decoder,
    /// Events that expired before this time are left out.
    now: Arrival,
}

impl Reading<'_> {
    /// Reads the part of the log without holes: of the channels `ids`, or of all. Returns whether it reached the end.
    fn run(&mut self, ids: Option<&[usize]>) -> rusqlite::Result<bool> {
        if self.range.is_empty() {
            return Ok(true);
        }
        if let Some(ids) = ids
            && ids.len() <= MERGE_LEN_MAX
        {
            let before = self.page.clone();
            match self.blocks(ids) {
                // The index is damaged: all events of the range are read instead.
                Err(error) if failure::is_damage(&error) => self.page = before,
                done => return done,
            }
        }
        self.seqs(self.range.low, self.range.high)
    }

    /// Reads the spared events from `low` to `high`: of the channels `ids`, or of all. Returns whether it reached the end.
    fn spared(&mut self, ids: Option<&[usize]>, (low, high): (u64, u64)) -> rusqlite::Result<bool> {
        if low > high {
            return Ok(true);
        }
        let order = self.read.order;
        if let Some(ids) = ids
            && ids.len() <= MERGE_LEN_MAX
        {
            let seqs = spared::of_channels(self.conn, ids, (low, high), order)?;
            return self.one_by_one(seqs.into_iter());
        }
        // One more than a page can look at.
        for (seq, channel) in spared::within(self.conn, (low, high), order, PAGE_SCAN_MAX + 1)? {
            let goes_on = match ids.is_some_and(|ids| ids.binary_search(&channel).is_err()) {
                true if self.page.look() => {
                    self.page.pass(seq);
                    true
                }
                true => false,
                false => self.one_by_one(std::iter::once(seq))?,
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads all of `low..=high`. Returns whether it reached the end.
    fn seqs(&mut self, low: u64, high: u64) -> rusqlite::Result<bool> {
        let direction = match self.read.order {
            Order::Newest => "DESC",
            Order::Oldest => "ASC",
        };
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS}, purged FROM events WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq {direction}"
        ))?;
        let mut rows = statement.query((low as i64, high as i64))?;
        let mut due = Due::new(self.read.order, low, high);
        while let Some(seq) = due.next() {
            let row = match rows.next() {
                // The log has no holes: a row that is not there is lost.
                Ok(Some(row)) if row::seq(row).is_ok_and(|found| found == seq) => row,
                Ok(_) => return self.one_by_one(std::iter::once(seq).chain(due)),
                Err(error) if failure::is_damage(&error) => {
                    return self.one_by_one(std::iter::once(seq).chain(due));
                }
                Err(error) => return Err(error),
            };
            if !self.row(seq, row)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads events one at a time, where not all that is between them can be read. Returns whether it reached the end.
    fn one_by_one(&mut self, due: impl Iterator<Item = u64>) -> rusqlite::Result<bool> {
        let mut statement =
            self.conn.prepare_cached(&format!("SELECT {COLUMNS}, purged FROM events WHERE seq = ?1"))?;
        for seq in due {
            let mut rows = statement.query([seq as i64])?;
            let goes_on = match rows.next() {
                Ok(Some(row)) => self.row(seq, row)?,
                Ok(None) => self.damaged(seq),
                Err(error) if failure::is_damage(&error) => self.damaged(seq),
                Err(error) => return Err(error),
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the event of a row, if it is wanted. Returns `false` if the page ends before it.
    fn row(&mut self, seq: u64, row: &Row<'_>) -> rusqlite::Result<bool> {
        if !self.page.look() {
            return Ok(false);
        }
        match self.event(row) {
            Ok(Found::Event(event)) => Ok(self.page.take(event.into())),
            Ok(Found::Purged) => Ok(self.page.lose(seq, GapReason::Purged)),
            Ok(Found::Unwanted) => {
                self.page.pass(seq);
                Ok(true)
            }
            Err(error) if failure::is_damage(&error) => {
                self.shared.note_damage(Position { epoch: self.read.epoch, seq });
                Ok(self.page.lose(seq, GapReason::Damaged))
            }
            Err(error) => Err(error),
        }
    }

    /// Passes an event that cannot be read. Returns `false` if the page ends before it.
    fn damaged(&mut self, seq: u64) -> bool {
        self.shared.note_damage(Position { epoch: self.read.epoch, seq });
        self.page.look() && self.page.lose(seq, GapReason::Damaged)
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
    fn event(&mut self, row: &Row<'_>) -> rusqlite::Result<Found> {
        let filter: &Filter = &self.read.filter;
        let id = row::channel(row)?;
        if self.wanted.as_ref().is_some_and(|wanted| wanted.binary_search(&id).is_err()) {
            return Ok(Found::Unwanted);
        }
        if filter.min_priority() > Priority::Min && row::priority(row)? < filter.min_priority() {
            return Ok(Found::Unwanted);
        }
        if !filter.types().is_empty() && !filter.types().contains(&row::event_type(row)?) {
            return Ok(Found::Unwanted);
        }
        if row::is_purged(row)? {
            let is_expired = row::is_expired(row, self.now)?;
            return Ok(if is_expired { Found::Unwanted } else { Found::Purged });
        }
        let channel = self.names.name(id)?;
        let event = self.decoder.event(row, channel)?;
        if filter.reads_content() {
            self.page.search(event.stored_len());
        }
        let is_wanted = !event.is_expired(self.now) && (!filter.reads_content() || filter.matches(&event));
        Ok(if is_wanted { Found::Event(event) } else { Found::Unwanted })
    }
}

/// The content of a row, for a reader.
enum Found {
    Event(Event),
    Purged,
    Unwanted,
}

/// The seqs that are still to be read, in order.
struct Due {
    order: Order,
    low: u64,
    high: u64,
}

impl Due {
    fn new(order: Order, low: u64, high: u64) -> Due {
        Due { order, low, high }
    }
}

impl Iterator for Due {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.low > self.high {
            return None;
        }
        let seq = match self.order {
            Order::Newest => self.high,
            Order::Oldest => self.low,
        };
        match self.order {
            // Seqs start at 1.
            Order::Newest => self.high -= 1,
            Order::Oldest => self.low += 1,
        }
        Some(seq)
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
