//! Purges events: their rows stay, with blanks in place of every long text.
//!
//! A blank is as long as the text that it replaces, so SQLite overwrites the row in place. If rows became
//! shorter, SQLite could move their neighbours to other pages; the old copies of neighbours that are purged a
//! moment later would keep their content.

use std::collections::BTreeMap;

use fanfare_core::Channel;
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::epochs::Place;
use crate::group::{Group, Size};
use crate::places::BLOCK_LEN;
use crate::scrub::overwriting;
use crate::{Embedded, attempts, deliveries, failure, originals, spared, sweep};
use fanfare_store::{Error, Order, Purge, Purged, Scope};

/// Maximum events that one transaction purges: a few milliseconds of work.
const PURGE_LEN_MAX: usize = 500;

/// Bytes of events after which a transaction purges no more, for the same reason.
const PURGE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Maximum attempts to copy the write-ahead log into the file and empty it. Each waits a quarter of a second
/// for readers; ours take less.
const ERASE_TRIES_MAX: usize = 20;

impl Embedded {
    /// Purges events that are in the log, with their deliveries.
    pub(super) async fn purge_log(&self, scope: &Scope) -> Result<Option<Purged>, Error> {
        let _alone = self.purging.lock().await;
        match &scope.purge {
            Purge::Channel(channel) => self.purge_channel(channel, scope.end.seq).await,
            Purge::Event(position) => {
                let Some(seq) = self.shared.epochs.seq_here(*position) else { return Ok(None) };
                let purged = self.writer.change(Size::ROW, move |group| group.purge_event(seq)).await?;
                let Some(purged) = purged else { return Ok(None) };
                Ok(Some(Purged { has_remains: !self.erase().await?, ..purged }))
            }
        }
    }

    async fn purge_channel(&self, channel: &Channel, last: u64) -> Result<Option<Purged>, Error> {
        let name = channel.clone();
        let find = move |group: &mut Group<'_>| group.extent_of(&name, last);
        let Some(whole) = self.writer.change(Size::ROW, find).await? else { return Ok(None) };
        let mut purged = Purged::default();
        let mut from = Some(whole.first);
        while let Some(start) = from {
            let size = Size { rows: PURGE_LEN_MAX, bytes: PURGE_BYTES_MAX as usize };
            let (part, next) = self.writer.change(size, move |group| group.purge_part(whole, start)).await?;
            purged += part;
            from = next;
        }
        purged.has_remains = !self.erase().await?;
        // The channel stays until nothing remains, so that the call can be repeated.
        if !purged.has_remains {
            let uncount = move |group: &mut Group<'_>| {
                group.uncount(whole);
                Ok(Ok(()))
            };
            self.writer.change(Size::ROW, uncount).await?;
            purged.uncounted = whole.events;
        }
        Ok(Some(purged))
    }

    /// Purges events that are kept beside the log for deliveries, with these.
    pub(super) async fn purge_kept(&self, scope: &Scope) -> Result<Purged, Error> {
        let _alone = self.purging.lock().await;
        let mut purged = Purged::default();
        loop {
            let scope = scope.clone();
            let size = Size { rows: PURGE_LEN_MAX, bytes: PURGE_BYTES_MAX as usize };
            let (part, has_more) = self.writer.change(size, move |group| group.purge_kept(&scope)).await?;
            purged += part;
            if !has_more {
                break;
            }
        }
        if purged != Purged::default() {
            purged.has_remains = !self.erase().await?;
        }
        Ok(purged)
    }

    /// Overwrites the free pages, copies the write-ahead log into the file and empties it, so no old page is
    /// left. Returns whether that was possible: another program that reads the file can prevent it.
    async fn erase(&self) -> Result<bool, Error> {
        self.scrub().await?;
        for _ in 0..ERASE_TRIES_MAX {
            if self.writer.erase().await? {
                return Ok(true);
            }
        }
        tracing::warn!(
            path = %self.shared.path.display(),
            "what was purged may still be in the write-ahead log, because another program reads the file"
        );
        Ok(false)
    }
}

/// The events of a channel that are to be purged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// The id of the channel.
    channel: usize,
    /// Number of events that it had.
    events: u64,
    first: u64,
    last: u64,
}

/// An event to be purged.
struct Target {
    seq: u64,
    /// Its checksum.
    checksum: Value,
    /// The seq of the event with its original, if it has one.
    original_of: Option<i64>,
    len: u64,
}

impl Group<'_> {
    /// Returns the events of a channel up to `last`; `None` if it has none.
    fn extent_of(&self, channel: &Channel, last: u64) -> rusqlite::Result<Result<Option<Extent>, Error>> {
        // As they were before this transaction.
        let (channels, head) = (self.shared.channels(), self.shared.head());
        let Some(id) = channels.id(channel) else { return Ok(Ok(None)) };
        let counted = channels.row(id).map_or(0, |row| row.events);
        drop(channels);
        let last = last.min(self.shared_last());
        let later = match count_in(self.conn, id, last + 1, self.shared_last()) {
            Err(error) if failure::is_damage(&error) => {
                return Ok(Err(failure::named(&self.shared.path, &error)));
            }
            later => later?,
        };
        let extent = |events| Extent { channel: id, events, first: head.oldest, last };
        Ok(Ok(counted.checked_sub(later).filter(|count| *count > 0).map(extent)))
    }

    /// Records that a channel has lost the events that it had.
    fn uncount(&mut self, whole: Extent) {
        self.ahead.channels.uncount(whole.channel, whole.events);
        self.effect.channels.push(whole.channel);
    }

    /// Purges a part of a channel, from `start` on. Returns where the next part starts, if there is one.
    fn purge_part(
        &mut self,
        whole: Extent,
        start: u64,
    ) -> rusqlite::Result<Result<(Purged, Option<u64>), Error>> {
        let (targets, next) = match self.targets(whole, start) {
            // Nothing has changed yet.
            Err(error) if failure::is_damage(&error) => {
                return Ok(Err(failure::named(&self.shared.path, &error)));
            }
            targets => targets?,
        };
        let purged = self.purge_all(&targets)?;
        Ok(Ok((purged, next)))
    }

    /// Purges one event of the log; nothing if the log does not have it.
    fn purge_event(&mut self, seq: u64) -> rusqlite::Result<Result<Option<Purged>, Error>> {
        if !self.keeps(Place { epoch: self.shared.epochs.current_number(), seq })? || seq > self.shared_last()
        {
            return Ok(Ok(None));
        }
        let targets = match targets_in(self.conn, None, seq, seq) {
            Err(error) if failure::is_damage(&error) => {
                return Ok(Err(failure::named(&self.shared.path, &error)));
            }
            targets => targets?,
        };
        Ok(Ok(Some(self.purge_all(&targets)?)))
    }

    /// Purges a limited number of events that are kept beside the log. Returns whether there are more.
    fn purge_kept(&mut self, scope: &Scope) -> rusqlite::Result<Result<(Purged, bool), Error>> {
        let kept: Vec<_> = match &scope.purge {
            Purge::Event(position) => self.shared.epochs.place(*position).into_iter().collect(),
            Purge::Channel(channel) => match self.ahead.channels.id(channel) {
                Some(id) => {
                    let end = self.shared.epochs.place(scope.end)?;
                    deliveries::kept_on(self.conn, id, end, PURGE_LEN_MAX as u64)?
                }
                None => Vec::new(),
            },
        };
        let mut purged = Purged::default();
        overwriting(self.conn, || {
            for (epoch, seqs) in by_epoch(&kept) {
                self.purge_copies(epoch, &seqs, &mut purged)?;
            }
            Ok(())
        })?;
        Ok(Ok((purged, kept.len() == PURGE_LEN_MAX)))
    }

    /// Returns the events of a part of a channel, and where the next part starts.
    fn targets(&self, whole: Extent, start: u64) -> rusqlite::Result<(Vec<Target>, Option<u64>)> {
        let mut block_from = self
            .conn
            .prepare_cached("SELECT min(block) FROM channel_blocks WHERE channel = ?1 AND block >= ?2")?;
        let mut targets = Vec::new();
        let (mut bytes, mut start) = (0, start);
        let first = self.shared.head().first;
        if start < first {
            let spared = spared::of_channels(
                self.conn,
                &[whole.channel],
                (start, whole.last.min(first - 1)),
                Order::Oldest,
            )?;
            for seq in spared {
                if targets.len() >= PURGE_LEN_MAX || bytes >= PURGE_BYTES_MAX {
                    return Ok((targets, Some(seq)));
                }
                let found = targets_in(self.conn, Some(whole.channel), seq, seq)?;
                bytes += found.iter().map(|target| target.len).sum::<u64>();
                targets.extend(found);
            }
            start = first;
        }
        while start <= whole.last {
            if targets.len() >= PURGE_LEN_MAX || bytes >= PURGE_BYTES_MAX {
                return Ok((targets, Some(start)));
            }
            let block: Option<i64> =
                block_from.query_row((whole.channel as i64, (start / BLOCK_LEN) as i64), |row| row.get(0))?;
            let Some(block) = block else { break };
            let (low, high) = (block as u64 * BLOCK_LEN, block as u64 * BLOCK_LEN + (BLOCK_LEN - 1));
            let found = targets_in(self.conn, Some(whole.channel), low.max(start), high.min(whole.last))?;
            bytes += found.iter().map(|target| target.len).sum::<u64>();
            targets.extend(found);
            start = high + 1;
        }
        Ok((targets, None))
    }

    fn purge_all(&mut self, targets: &[Target]) -> rusqlite::Result<Purged> {
        let mut purged = Purged::default();
        if targets.is_empty() {
            return Ok(purged);
        }
        let epoch = self.shared.epochs.current_number();
        overwriting(self.conn, || {
            for target in targets {
                blank(self.conn, target)?;
                purged.events += 1;
            }
            originals::blank(self.conn, &targets.iter().filter_map(|target| target.original_of).collect())?;
            let mut seqs: Vec<u64> = targets.iter().map(|target| target.seq).collect();
            seqs.sort_unstable();
            self.purge_copies(epoch, &seqs, &mut purged)
        })?;
        // Records the end of the log, because the last event may no longer show it.
        sweep::save_tail(self.conn, self.effect.tail)?;
        Ok(purged)
    }

    /// Removes the deliveries of these events, the attempts at them, and the events that are kept for them: of the log
    /// with the epoch `epoch`, and of those that share the events with it. After a restore, the log has an event under
    /// the new epoch, and a delivery under the one that its receiver knows. `seqs` are in order.
    fn purge_copies(&mut self, epoch: i64, seqs: &[u64], purged: &mut Purged) -> rusqlite::Result<()> {
        for (epoch, last) in self.shared.epochs.sharing(epoch) {
            let seqs = &seqs[..seqs.partition_point(|seq| *seq <= last)];
            self.purge_deliveries(epoch, seqs, purged)?;
            for seq in seqs {
                self.conn
                    .prepare_cached("DELETE FROM kept_events WHERE epoch = ?1 AND seq = ?2")?
                    .execute((epoch, *seq as i64))?;
            }
        }
        Ok(())
    }

    /// Removes the deliveries of these events, and the attempts at them.
    fn purge_deliveries(&mut self, epoch: i64, seqs: &[u64], purged: &mut Purged) -> rusqlite::Result<()> {
        for seq in seqs {
            for key in deliveries::of_event(self.conn, Place { epoch, seq: *seq })? {
                let before = deliveries::remove(self.conn, key, self.shared.first())?;
                if let Some(entry) = self.ahead.webhooks.get_mut(key.webhook) {
                    entry.count(before, None);
                    self.effect.webhooks.entry(key.webhook).or_default();
                }
                purged.deliveries += 1;
            }
        }
        let attempts = attempts::remove_of_events(self.conn, epoch, seqs)?;
        self.effect.attempts_removed += attempts;
        purged.attempts += attempts;
        Ok(())
    }
}

/// Returns the seqs of these places for each epoch, in order.
fn by_epoch(places: &[Place]) -> BTreeMap<i64, Vec<u64>> {
    let mut seqs: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for place in places {
        seqs.entry(place.epoch).or_default().push(place.seq);
    }
    seqs.values_mut().for_each(|seqs| seqs.sort_unstable());
    seqs
}

/// Returns the unpurged events between two seqs: of one channel, or of all.
fn targets_in(
    conn: &Connection,
    channel: Option<usize>,
    low: u64,
    high: u64,
) -> rusqlite::Result<Vec<Target>> {
    conn.prepare_cached(
        "SELECT seq, checksum, octet_length(message) + coalesce(octet_length(data), 0)
             + coalesce(octet_length(original), 0), original_of FROM events
             WHERE seq >= ?1 AND seq <= ?2 AND (?3 IS NULL OR channel = ?3) AND purged IS NOT 1",
    )?
    .query_map((low as i64, high as i64, channel.map(|id| id as i64)), |row| {
        let len: Option<i64> = row.get(2)?;
        Ok(Target {
            seq: row.get::<_, i64>(0)? as u64,
            checksum: row.get(1)?,
            original_of: row.get(3)?,
            len: len.unwrap_or_default().unsigned_abs(),
        })
    })?
    .collect()
}

/// Returns the number of events of a channel between two seqs, purged or not. They are few: those that were appended
/// since somebody asked for the purge.
fn count_in(conn: &Connection, channel: usize, low: u64, high: u64) -> rusqlite::Result<u64> {
    if high < low {
        return Ok(0);
    }
    conn.prepare_cached("SELECT count(*) FROM events WHERE seq >= ?1 AND seq <= ?2 AND channel = ?3")?
        .query_row((low as i64, high as i64, channel as i64), |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}

/// Overwrites the content of an event with blanks.
fn blank(conn: &Connection, target: &Target) -> rusqlite::Result<()> {
    let checksum = match target.checksum {
        // The checksum of a short secret would confirm a right guess. The new value has the same length.
        Value::Integer(sum) if sum > 0 => Value::Integer(1 << sum.ilog2()),
        _ => Value::Null,
    };
    conn.prepare_cached(
        "UPDATE events SET purged = 1, checksum = ?2,
             message = printf('%*s', octet_length(message), ''),
             data = iif(data IS NULL, NULL, printf('%*s', octet_length(data), '')),
             key = iif(key IS NULL, NULL, printf('%*s', octet_length(key), '')),
             agent = iif(agent IS NULL, NULL, printf('%*s', octet_length(agent), ''))
             WHERE seq = ?1",
    )?
    .execute((target.seq as i64, checksum))
    .map(|_| ())
}
