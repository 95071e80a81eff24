//! The epochs that positions in the file belong to, each with its short number.

use fanfare_core::{Epoch, Position};
use rusqlite::Connection;
use rusqlite::types::Type;

/// A place in a log, as rows have it: the number of the epoch, and the seq. In this order, earlier epochs come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) epoch: i64,
    pub(super) seq: u64,
}

impl Place {
    /// The place before which there is none.
    pub(super) const START: Place = Place { epoch: 0, seq: 0 };
}

/// All of them, at least one. The last is that of the log, which does not change while the file is open.
#[derive(Debug)]
pub(super) struct Epochs {
    /// The epoch with number 1 and its successors.
    known: Vec<Epoch>,
}

impl Epochs {
    /// Reads them from the file; notes the epoch of the log if it is new.
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Epochs> {
        conn.execute("INSERT OR IGNORE INTO epochs (epoch) SELECT epoch FROM log", ())?;
        let mut statement = conn.prepare("SELECT number, epoch FROM epochs ORDER BY number")?;
        let mut rows = statement.query(())?;
        let mut known = Vec::new();
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(0)? != known.len() as i64 + 1 {
                return Err(rusqlite::Error::IntegralValueOutOfRange(0, row.get(0)?));
            }
            let strange = |_| rusqlite::Error::InvalidColumnType(1, "epoch".to_owned(), Type::Text);
            known.push(row.get_ref(1)?.as_str()?.parse().map_err(strange)?);
        }
        // A log that is replaced gets a new epoch, never an earlier one again.
        let current: String = conn.query_row("SELECT epoch FROM log", (), |row| row.get(0))?;
        match known.last().is_some_and(|last: &Epoch| last.as_str() == current) {
            true => Ok(Epochs { known }),
            false => Err(rusqlite::Error::InvalidColumnType(0, "epoch".to_owned(), Type::Text)),
        }
    }

    /// Returns the epoch of the log.
    pub(super) fn current(&self) -> Epoch {
        self.known[self.known.len() - 1]
    }

    /// Returns the number of the log's epoch.
    pub(super) fn current_number(&self) -> i64 {
        self.known.len() as i64
    }

    /// Returns the number of an epoch; nothing when no position belongs to it.
    pub(super) fn number(&self, epoch: Epoch) -> Option<i64> {
        self.known.iter().position(|known| *known == epoch).map(|index| index as i64 + 1)
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
        let epoch = index.and_then(|index| self.known.get(index).copied());
        epoch.ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))
    }

    /// Returns the position that two columns hold.
    pub(super) fn position(&self, epoch: i64, seq: i64) -> rusqlite::Result<Position> {
        Ok(Position { epoch: self.epoch(epoch)?, seq: seq as u64 })
    }
}
