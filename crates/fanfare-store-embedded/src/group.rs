//! Changes, the transaction that those which wait share, and its effect, which counts once it is committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use fanfare_core::{Event, Position, SourceName, Stamp};
use rusqlite::{CachedStatement, Connection};
use tokio::sync::oneshot;

use crate::epochs::Place;
use crate::failure;
use crate::floor::Floor;
use crate::spared;
use crate::state::{Ahead, Shared, State, Tail, Volatile};
use fanfare_store::settlement::Made;
use fanfare_store::{AppendId, Batch, Error, Head, ReaderKey, ReaderRow, SourceRow};

/// A change that the writer is asked to make.
pub(super) trait Change: Send {
    /// Returns the share of a transaction that the change needs.
    fn size(&self) -> Size;

    /// Returns when it was requested.
    fn asked(&self) -> Instant;

    /// Makes the change in a transaction that is not committed yet. An error concerns the file and undoes the
    /// transaction; an error of the caller is part of the answer.
    fn make(&mut self, group: &mut Group<'_>) -> rusqlite::Result<()>;

    /// Answers that it is durable, or with the reason that it was not made.
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

/// The share of a transaction that a change needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    /// Rows that are written.
    pub(super) rows: usize,
    /// Bytes of their long parts.
    pub(super) bytes: usize,
}

impl Size {
    /// The size of one short row.
    pub(super) const ROW: Size = Size { rows: 1, bytes: 0 };
}

/// A change that is made by a closure.
struct Asked<T, W> {
    size: Size,
    asked: Instant,
    /// Present until the change is made.
    work: Option<W>,
    /// The outcome; present once the change is made.
    made: Option<Result<T, Error>>,
    /// The channel of the answer. Its receiver may be gone.
    answer: oneshot::Sender<Result<T, Error>>,
}

/// Creates a change from `work`, and the receiver of its answer.
pub(super) fn change<T, W>(size: Size, work: W) -> (Box<dyn Change>, oneshot::Receiver<Result<T, Error>>)
where
    T: Send + 'static,
    W: FnOnce(&mut Group<'_>) -> rusqlite::Result<Result<T, Error>> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    (Box::new(Asked { size, asked: Instant::now(), work: Some(work), made: None, answer }), answered)
}

impl<T, W> Change for Asked<T, W>
where
    T: Send,
    W: FnOnce(&mut Group<'_>) -> rusqlite::Result<Result<T, Error>> + Send,
{
    fn size(&self) -> Size {
        self.size
    }

    fn asked(&self) -> Instant {
        self.asked
    }

    fn make(&mut self, group: &mut Group<'_>) -> rusqlite::Result<()> {
        if let Some(work) = self.work.take() {
            self.made = Some(work(group)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let made = self.made.unwrap_or(Err(Error::Closed));
        // The receiver may be gone: then the answer is not needed.
        let _ = self.answer.send(committed.and(made));
    }
}

/// A running transaction.
pub(super) struct Group<'a> {
    pub(super) shared: &'a Shared,
    pub(super) conn: &'a Connection,
    /// Writes the row of an event.
    pub(super) insert: CachedStatement<'a>,
    pub(super) ahead: &'a mut Ahead,
    /// The claims change only between transactions, and the settlement after this one.
    pub(super) volatile: &'a Volatile,
    /// It changes only between transactions, too.
    pub(super) floor: &'a Floor,
    pub(super) effect: &'a mut Effect,
    /// The current time, on both clocks.
    pub(super) now: Stamp,
}

impl Group<'_> {
    /// Returns the last seq before this transaction.
    pub(super) fn shared_last(&self) -> u64 {
        self.effect.tail.seq - self.effect.batch.len() as u64
    }

    /// Returns the ends of the log with the events of this transaction.
    pub(super) fn head(&self) -> Head {
        Head { last: self.effect.tail.seq, ..self.shared.head() }
    }

    /// Returns whether the log has an event there, as far as retention goes.
    pub(super) fn keeps(&self, event: Place) -> rusqlite::Result<bool> {
        let first = self.shared.first();
        Ok(event >= first || (event.epoch == first.epoch && spared::has(self.conn, event.seq)?))
    }

    /// Returns the position with `seq`.
    pub(super) fn position(&self, seq: u64) -> Position {
        Position { epoch: self.shared.epoch, seq }
    }
}

/// The changes of a transaction; they count only once it is committed.
#[derive(Debug)]
pub(super) struct Effect {
    pub(super) tail: Tail,
    /// The events that were appended, in order.
    pub(super) batch: Vec<Arc<Event>>,
    /// The outcome of each append.
    pub(super) made: Vec<Made>,
    /// The appends that were given up.
    pub(super) given_up: Vec<AppendId>,
    /// The ids of the channels that got an event.
    pub(super) channels: Vec<usize>,
    /// The changed durable readers; `None` for a removed one.
    pub(super) readers: BTreeMap<ReaderKey, Option<ReaderRow>>,
    /// The changed sources; `None` for a removed one.
    pub(super) sources: BTreeMap<SourceName, Option<SourceRow>>,
    /// The changed webhooks.
    pub(super) webhooks: BTreeMap<u64, Touched>,
    /// Whether the set of webhooks, or a registration, has changed.
    pub(super) is_list_changed: bool,
    /// Number of added attempts.
    pub(super) attempts: u64,
    /// Number of attempts that were removed.
    pub(super) attempts_removed: u64,
    /// Number of added idempotency keys.
    pub(super) keys: usize,
}

impl Effect {
    pub(super) fn new(tail: Tail) -> Effect {
        Effect {
            tail,
            batch: Vec::new(),
            made: Vec::new(),
            given_up: Vec::new(),
            channels: Vec::new(),
            readers: BTreeMap::new(),
            sources: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            is_list_changed: false,
            attempts: 0,
            attempts_removed: 0,
            keys: 0,
        }
    }
}

/// The parts of a webhook that are written at the end of a transaction: once, however often they changed.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) cursor: bool,
    pub(super) state: bool,
}

impl State {
    /// Publishes committed changes; returns the events among them, for subscribers.
    pub(super) fn publish(&mut self, effect: Effect) -> Option<Batch> {
        self.totals.tail = effect.tail;
        self.totals.keys += effect.keys;
        self.totals.attempts =
            (self.totals.attempts + effect.attempts).saturating_sub(effect.attempts_removed);
        if !effect.channels.is_empty() {
            self.shared.channels_mut().update(&self.ahead.channels, &effect.channels);
        }
        if self.floor.is_on() {
            self.note_newest(&effect);
        }
        if !effect.readers.is_empty() {
            apply(effect.readers, &mut self.shared.readers_mut());
        }
        if !effect.sources.is_empty() {
            apply(effect.sources, &mut self.shared.sources_mut());
        }
        if !effect.webhooks.is_empty() {
            self.shared.webhooks_mut().copy_from(&self.ahead.webhooks, effect.webhooks.keys().copied());
        }
        effect.made.into_iter().for_each(|made| self.volatile.settlement.note(made));
        effect.given_up.into_iter().for_each(|id| self.volatile.settlement.give_up(id));
        if effect.is_list_changed {
            self.shared.count_revision();
        }
        if effect.batch.is_empty() {
            return None;
        }
        self.shared.set_last(self.totals.tail.seq);
        Some(effect.batch.into())
    }

    /// Notes the newest events of each channel, which the floor of retention spares.
    fn note_newest(&mut self, effect: &Effect) {
        for id in &effect.channels {
            if self.ahead.channels.row(*id).is_none() {
                self.floor.forget(*id);
            }
        }
        for event in &effect.batch {
            if let Some(id) = self.ahead.channels.id(&event.channel) {
                self.floor.note(id, event.position.seq);
            }
        }
    }

    /// Reverts the state after a transaction that was not committed.
    pub(super) fn revert(&mut self, effect: &Effect) {
        self.ahead.channels.revert(&self.shared.channels(), &effect.channels);
        self.ahead.webhooks.copy_from(&self.shared.webhooks(), effect.webhooks.keys().copied());
    }
}

/// Applies changes of rows; `None` removes one.
fn apply<K: Ord, V>(changes: BTreeMap<K, Option<V>>, rows: &mut BTreeMap<K, V>) {
    for (key, row) in changes {
        match row {
            Some(row) => rows.insert(key, row),
            None => rows.remove(&key),
        };
    }
}

/// Runs `work` in a transaction and commits it. If that fails, [`Error::Fatal`] means that its outcome is unknown; any
/// other error means that it was undone.
pub(super) fn in_transaction<T>(
    shared: &Shared,
    conn: &Connection,
    work: impl FnOnce() -> rusqlite::Result<T>,
) -> Result<T, Error> {
    let path = shared.path.as_path();
    let run = |sql| conn.prepare_cached(sql).and_then(|mut statement| statement.execute(()));
    if let Err(error) = run("BEGIN IMMEDIATE") {
        return Err(failure::named(path, &error));
    }
    let undo = |error: &rusqlite::Error| {
        // SQLite may have undone it already.
        if !conn.is_autocommit()
            && let Err(error) = run("ROLLBACK")
        {
            return failure::fatal(path, "undoing a change of", &error);
        }
        failure::named(path, error)
    };
    let done = match work() {
        Ok(done) => done,
        Err(error) => {
            let undone = undo(&error);
            let is_doubtful = failure::is_doubtful(&error);
            return Err(if is_doubtful { failure::fatal(path, "writing", &error) } else { undone });
        }
    };
    let begun = Instant::now();
    let committed = run("COMMIT");
    shared.times.synced(begun.elapsed());
    match committed {
        Ok(_) => Ok(done),
        // A full disk means that a frame of the write-ahead log could not be written completely. The frame that marks
        // the commit is the last, so it is missing: the transaction certainly did not happen.
        Err(error) if failure::is_disk_full(&error) => Err(undo(&error)),
        // After a failed sync, for example, the frames may or may not be on the disk.
        Err(error) => Err(failure::fatal(path, "committing to", &error)),
    }
}
