//! The floor of retention, as the writer knows it: the newest events of each channel, and how many are spared.

use std::collections::{BTreeSet, HashMap, VecDeque};

use rusqlite::Connection;

use crate::failure;
use crate::places::BLOCK_LEN;
use crate::spared::{self, Entry};
use fanfare_store::floor::Spared;

/// Maximum blocks of events in which one sweep looks for the newest events of channels: some milliseconds of work. The
/// next sweep goes on from there, and nothing has to be looked for twice.
pub(super) const BLOCKS_MAX: usize = 64;

/// The state of the floor.
#[derive(Debug)]
pub(super) struct Floor {
    /// Number of the newest events of each channel to spare.
    len: usize,
    /// The newest events by the id of their channel: of channels that had an event, or lost one, since the start.
    newest: HashMap<usize, Newest>,
    /// The spared events by the id of their channel.
    by_channel: HashMap<usize, Spared>,
    extent: Spared,
    /// The channels that may have more spared events than they should.
    due: BTreeSet<usize>,
}

/// The newest events of a channel, at most as many as the floor.
#[derive(Debug)]
struct Newest {
    seqs: VecDeque<u64>,
    /// The seq from which on `seqs` has all.
    from: u64,
    /// Whether `seqs` has as many as the floor, or all that the log has.
    is_whole: bool,
}

impl Floor {
    /// Reads the spared events from the file.
    pub(super) fn load(conn: &Connection, len: u64) -> rusqlite::Result<Floor> {
        let len = len as usize;
        let mut floor = Floor {
            len,
            newest: HashMap::new(),
            by_channel: HashMap::new(),
            extent: Spared::default(),
            due: BTreeSet::new(),
        };
        for (channel, of_channel) in spared::extents(conn)? {
            floor.extent.events += of_channel.events;
            floor.extent.bytes += of_channel.bytes;
            floor.extent.channels += 1;
            floor.by_channel.insert(channel, of_channel);
            // With an earlier start, the floor may have been higher.
            if len > 0 && of_channel.events > len as u64 {
                floor.due.insert(channel);
            }
        }
        Ok(floor)
    }

    /// Returns the extent of the spared events.
    pub(super) fn extent(&self) -> Spared {
        self.extent
    }

    /// Returns whether there is a floor.
    pub(super) fn is_on(&self) -> bool {
        self.len > 0
    }

    /// Returns whether a channel has spared events.
    pub(super) fn has(&self, channel: usize) -> bool {
        self.by_channel.contains_key(&channel)
    }

    /// Notes that a channel got an event, which is committed.
    pub(super) fn note(&mut self, channel: usize, seq: u64) {
        let newest = self.newest.entry(channel).or_insert_with(|| Newest::new(seq));
        newest.seqs.push_back(seq);
        if newest.seqs.len() > self.len {
            newest.seqs.pop_front();
        }
        newest.is_whole |= newest.seqs.len() == self.len;
        if self.has(channel) {
            self.due.insert(channel);
        }
    }

    /// Forgets a channel, which has no events.
    pub(super) fn forget(&mut self, channel: usize) {
        self.newest.remove(&channel);
    }

    /// Returns the seq from which on a channel's events are among the newest, in a log with the last seq `last`; `None` if
    /// that takes more looks than are `left`.
    pub(super) fn start_of(
        &mut self,
        conn: &Connection,
        channel: usize,
        last: u64,
        left: &mut usize,
    ) -> rusqlite::Result<Option<u64>> {
        let newest = self.newest.entry(channel).or_insert_with(|| Newest::new(last + 1));
        if !newest.is_whole {
            match newest.look_back(conn, channel, self.len, left) {
                // What cannot be read is not spared later, either.
                Err(error) if failure::is_damage(&error) => newest.is_whole = true,
                looked => looked?,
            }
        }
        let start = if newest.seqs.len() == self.len { newest.seqs.front().copied() } else { Some(0) };
        Ok(start.filter(|_| newest.is_whole))
    }

    /// Returns the next channel that may have too many spared events.
    pub(super) fn next_due(&self) -> Option<usize> {
        self.due.first().copied()
    }

    /// Notes that a channel does not have too many.
    pub(super) fn settle(&mut self, channel: usize) {
        self.due.remove(&channel);
    }

    /// Returns how many of `entries` have to be removed, one after the other, until `is_exceeded` does not hold for the
    /// rest.
    pub(super) fn count_surplus(&self, entries: &[Entry], is_exceeded: impl Fn(Spared) -> bool) -> usize {
        let mut rest = self.extent;
        let mut left: HashMap<usize, u64> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            if !is_exceeded(rest) {
                return index;
            }
            rest.events -= 1;
            rest.bytes = rest.bytes.saturating_sub(entry.bytes);
            let of_channel = self.by_channel.get(&entry.channel).map_or(0, |of_channel| of_channel.events);
            let left = left.entry(entry.channel).or_insert(of_channel);
            *left = left.saturating_sub(1);
            rest.channels = rest.channels.saturating_sub(usize::from(*left == 0));
        }
        entries.len()
    }

    /// Counts an event that is spared from now on.
    pub(super) fn add(&mut self, entry: Entry) {
        let of_channel = self.by_channel.entry(entry.channel).or_default();
        self.extent.channels += usize::from(of_channel.events == 0);
        for extent in [of_channel, &mut self.extent] {
            extent.events += 1;
            extent.bytes += entry.bytes;
        }
    }

    /// Counts an event that was spared and is removed.
    pub(super) fn remove(&mut self, entry: Entry) {
        let Some(of_channel) = self.by_channel.get_mut(&entry.channel) else { return };
        for extent in [&mut *of_channel, &mut self.extent] {
            extent.events = extent.events.saturating_sub(1);
            extent.bytes = extent.bytes.saturating_sub(entry.bytes);
        }
        if of_channel.events == 0 {
            self.by_channel.remove(&entry.channel);
            self.extent.channels -= 1;
        }
    }
}

impl Newest {
    /// Creates the list of a channel of which nothing before `from` is known.
    fn new(from: u64) -> Newest {
        Newest { seqs: VecDeque::new(), from, is_whole: false }
    }

    /// Looks for older events of the channel, up to `len` in all, in as many blocks as are `left`.
    fn look_back(
        &mut self,
        conn: &Connection,
        channel: usize,
        len: usize,
        left: &mut usize,
    ) -> rusqlite::Result<()> {
        let mut block_before =
            conn.prepare_cached("SELECT max(block) FROM channel_blocks WHERE channel = ?1 AND block <= ?2")?;
        let mut in_block = conn.prepare_cached(
            "SELECT seq FROM events WHERE seq >= ?1 AND seq < ?2 AND channel = ?3 ORDER BY seq DESC LIMIT ?4",
        )?;
        while self.seqs.len() < len && self.from > 1 {
            if *left == 0 {
                return Ok(());
            }
            let last = (self.from.saturating_sub(1) / BLOCK_LEN) as i64;
            let block: Option<i64> = block_before.query_row((channel as i64, last), |row| row.get(0))?;
            let Some(block) = block else { break };
            *left -= 1;
            let low = block as u64 * BLOCK_LEN;
            let range = (low as i64, self.from as i64, channel as i64, (len - self.seqs.len()) as i64);
            for seq in in_block.query_map(range, |row| row.get::<_, i64>(0))? {
                self.seqs.push_front(seq? as u64);
            }
            self.from = low;
        }
        // Blocks are kept for the part of the log without holes.
        let missing = (len - self.seqs.len()) as i64;
        let end = self.seqs.front().copied().unwrap_or(u64::MAX).min(self.from.max(1));
        let mut spared = conn.prepare_cached(
            "SELECT seq FROM spared WHERE channel = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
        )?;
        for seq in spared.query_map((channel as i64, end as i64, missing), |row| row.get::<_, i64>(0))? {
            self.seqs.push_front(seq? as u64);
        }
        self.is_whole = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fanfare_store::floor::Spared;
    use rusqlite::Connection;

    use super::{Floor, Newest};
    use crate::spared::Entry;

    fn floor(len: usize) -> Floor {
        Floor {
            len,
            newest: Default::default(),
            by_channel: Default::default(),
            extent: Spared::default(),
            due: Default::default(),
        }
    }

    fn log(events: &[(u64, i64)]) -> Connection {
        let conn = Connection::open_in_memory().expect("memory");
        conn.execute_batch(
            "CREATE TABLE events (seq INTEGER PRIMARY KEY, channel INTEGER);
             CREATE TABLE channel_blocks (channel INTEGER, block INTEGER, PRIMARY KEY (channel, block));
             CREATE TABLE spared (channel INTEGER, seq INTEGER, bytes INTEGER, PRIMARY KEY (channel, seq));",
        )
        .expect("tables");
        for (seq, channel) in events {
            conn.execute("INSERT INTO events VALUES (?1, ?2)", (*seq as i64, channel)).expect("a row");
            let block = (*seq / 64) as i64;
            conn.execute("INSERT OR IGNORE INTO channel_blocks VALUES (?1, ?2)", (channel, block))
                .expect("a row");
        }
        conn
    }

    #[test]
    fn the_newest_are_found_in_the_file_a_few_blocks_at_a_time() {
        let events: Vec<(u64, i64)> = (1..=1_000).map(|seq| (seq, i64::from(seq % 100 == 0))).collect();
        let conn = log(&events);
        let mut floor = floor(4);
        let mut looks = 0;
        let start = loop {
            let mut left = 1;
            looks += 1;
            if let Some(start) = floor.start_of(&conn, 1, 1_000, &mut left).expect("read") {
                break start;
            }
        };
        assert_eq!((start, looks), (700, 4));
        // From now on, it is known.
        floor.note(1, 1_001);
        assert_eq!(floor.start_of(&conn, 1, 1_001, &mut 0).expect("read"), Some(800));
    }

    #[test]
    fn looking_ends_with_the_first_event_of_the_log() {
        let conn = log(&[(1, 1), (2, 1)]);
        let mut floor = floor(3);
        floor.note(1, 1);
        floor.note(1, 2);
        assert_eq!(floor.start_of(&conn, 1, 2, &mut 1).expect("read"), Some(0));
    }

    #[test]
    fn a_channel_with_few_events_has_all_of_them_among_the_newest() {
        let conn = log(&[(70, 1), (75, 2)]);
        conn.execute_batch("INSERT INTO spared VALUES (1, 5, 10), (1, 9, 10)").expect("rows");
        let mut three = floor(3);
        three.note(1, 80);
        assert_eq!(three.start_of(&conn, 1, 80, &mut 9).expect("read"), Some(9));
        let mut five = floor(5);
        assert_eq!(five.start_of(&conn, 1, 80, &mut 9).expect("read"), Some(0));
        assert_eq!(five.newest[&1].seqs, [5, 9, 70]);
        assert!(!Newest::new(7).is_whole);
    }

    #[test]
    fn the_oldest_go_until_the_rest_is_within_its_limits() {
        let mut floor = floor(5);
        let entries: Vec<Entry> =
            (1..=4).map(|seq| Entry { channel: seq as usize % 2, seq, bytes: 10 }).collect();
        entries.iter().for_each(|entry| floor.add(*entry));
        assert_eq!(floor.extent(), Spared { events: 4, bytes: 40, channels: 2 });
        assert_eq!(floor.count_surplus(&entries, |rest| rest.events > 3), 1);
        assert_eq!(floor.count_surplus(&entries, |rest| rest.bytes > 25), 2);
        assert_eq!(floor.count_surplus(&entries, |rest| rest.channels > 1), 3);
        entries.iter().for_each(|entry| floor.remove(*entry));
        assert_eq!((floor.extent(), floor.has(1)), (Spared::default(), false));
    }
}
