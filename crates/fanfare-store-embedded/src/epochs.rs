//! The epochs that positions in the file belong to, each with its short number.

use fanfare_core::{Epoch, Position};
use rusqlite::Connection;
use rusqlite::types::Type;

use fanfare_store::Fork;

/// A place in a log, as rows have it: the number of the epoch, and the seq. In this order, earlier epochs come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) epoch: i64,
    pub(super) seq: u64,
}

impl Place {
    /// The place before which there is none.
    pub(super) const START: Place = Place { epoch: 0, seq: 0 };

    /// The place after which there is none.
    pub(super) const END: Place = Place { epoch: i64::MAX, seq: i64::MAX.unsigned_abs() };
}

/// All of them, at least one. The last is that of the log, which does not change while the file is open.
#[derive(Debug)]
pub(super) struct Epochs {
    /// The epoch with number 1 and its successors.
    known: Vec<Known>,
}

/// An epoch of the log.
#[derive(Debug, Clone, Copy)]
struct Known {
    epoch: Epoch,
    /// The last seq that this epoch shares with the next one; `None` if it is not known.
    shared_to: Option<u64>,
}

impl Epochs {
    /// Reads them from the file; notes the epoch of the log if it is new.
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Epochs> {
        conn.execute("INSERT OR IGNORE INTO epochs (epoch) SELECT epoch FROM log", ())?;
        Epochs::read(conn)
    }

    /// Reads the epochs from the file without changing it.
    pub(super) fn read(conn: &Connection) -> rusqlite::Result<Epochs> {
        let strange = || rusqlite::Error::InvalidColumnType(1, "epoch".to_owned(), Type::Text);
        let mut statement = conn.prepare("SELECT number, epoch, shared_to FROM epochs ORDER BY number")?;
        let mut rows = statement.query(())?;
        let mut known: Vec<Known> = Vec::new();
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(0)? != known.len() as i64 + 1 {
                return Err(rusqlite::Error::IntegralValueOutOfRange(0, row.get(0)?));
            }
            let epoch = row.get_ref(1)?.as_str()?.parse().map_err(|_| strange())?;
            let shared_to = row.get::<_, Option<i64>>(2)?.map(|seq| seq as u64);
            known.push(Known { epoch, shared_to });
        }
        let current: String = conn.query_row("SELECT epoch FROM log", (), |row| row.get(0))?;
        let current: Epoch = current.parse().map_err(|_| strange())?;
        match known.iter().position(|known| known.epoch == current) {
            Some(index) if index + 1 == known.len() => {}
            // A replaced log gets a new epoch, never an earlier one.
            Some(_) => return Err(strange()),
            None => known.push(Known { epoch: current, shared_to: None }),
        }
        Ok(Epochs { known })
    }

    /// Returns what the log has in common with the one before it.
    pub(super) fn fork(&self) -> Option<Fork> {
        let before = self.known.iter().rev().nth(1)?;
        before.shared_to.map(|at| Fork { from: before.epoch, at })
    }

    /// Returns the last seq that this log shares with the log of a position. If it is this log, every seq is
    /// shared; `None` if nothing is known.
    pub(super) fn shared_with(&self, epoch: Epoch) -> Option<u64> {
        let index = self.known.iter().position(|known| known.epoch == epoch)?;
        let later = &self.known[index..self.known.len() - 1];
        later.iter().try_fold(u64::MAX, |least, known| Some(least.min(known.shared_to?)))
    }

    /// Returns the numbers of the epochs whose logs share events with that of the epoch `number`, which is one of them,
    /// each with the last seq that they share.
    pub(super) fn sharing(&self, number: i64) -> Vec<(i64, u64)> {
        let shared = |other: i64| {
            let (low, high) = (number.min(other) as usize, number.max(other) as usize);
            let between = self.known.get(low - 1..high - 1)?;
            between.iter().try_fold(u64::MAX, |least, known| Some(least.min(known.shared_to?)))
        };
        (1..=self.current_number()).filter_map(|other| Some((other, shared(other)?))).collect()
    }

    /// Returns the positions of the event that a position names, with itself.
    pub(super) fn names(&self, position: Position) -> Vec<Position> {
        let Some(number) = self.number(position.epoch) else { return vec![position] };
        let sharing = self.sharing(number).into_iter().filter(|(_, last)| position.seq <= *last);
        sharing
            .filter_map(|(number, _)| Some(Position { epoch: self.epoch(number).ok()?, ..position }))
            .collect()
    }

    /// Returns the seq in this log of an event that a position names, in this log or in one that it goes on from.
    pub(super) fn seq_here(&self, position: Position) -> Option<u64> {
        self.shared_with(position.epoch).filter(|last| position.seq <= *last).map(|_| position.seq)
    }

    /// Returns the epoch of the log.
    pub(super) fn current(&self) -> Epoch {
        self.known[self.known.len() - 1].epoch
    }

    /// Returns the number of the log's epoch.
    pub(super) fn current_number(&self) -> i64 {
        self.known.len() as i64
    }

    /// Returns the number of an epoch; nothing when no position belongs to it.
    pub(super) fn number(&self, epoch: Epoch) -> Option<i64> {
        self.known.iter().position(|known| known.epoch == epoch).map(|index| index as i64 + 1)
    }

    /// Returns the place of a position that is to be written. Fails if it is another store's: nobody has one of an
    /// epoch that this file never had.
    pub(super) fn place(&self, position: Position) -> rusqlite::Result<Place> {
        let epoch = self.number(position.epoch).ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        Ok(Place { epoch, seq: position.seq })
    }

    /// Returns the epoch with a number from the file.
    pub(super) fn epoch(&self, number: i64) -> rusqlite::Result<Epoch> {
        let index = usize::try_from(number - 1).ok();
        let epoch = index.and_then(|index| self.known.get(index)).map(|known| known.epoch);
        epoch.ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))
    }

    /// Returns the position that two columns hold.
    pub(super) fn position(&self, epoch: i64, seq: i64) -> rusqlite::Result<Position> {
        Ok(Position { epoch: self.epoch(epoch)?, seq: seq as u64 })
    }
}
