//! The names of channels, by the ids that rows have.

use std::collections::HashMap;

use fanfare_core::Channel;
use rusqlite::{Connection, OptionalExtension};

use crate::state::Shared;

/// The names of the channels in a page, looked up once each.
pub(super) struct Names<'a> {
    shared: &'a Shared,
    /// The snapshot of the page.
    conn: &'a Connection,
    found: HashMap<usize, Channel>,
}

impl<'a> Names<'a> {
    pub(super) fn new(shared: &'a Shared, conn: &'a Connection) -> Names<'a> {
        Names { shared, conn, found: HashMap::new() }
    }

    pub(super) fn name(&mut self, id: usize) -> rusqlite::Result<Channel> {
        if let Some(channel) = self.found.get(&id) {
            return Ok(channel.clone());
        }
        let known = self.shared.channels().row(id).map(|row| row.channel.clone());
        let channel = match known {
            Some(channel) => channel,
            None => self.forgotten(id)?.ok_or_else(|| unknown_channel(id))?,
        };
        self.found.insert(id, channel.clone());
        Ok(channel)
    }

    /// Returns the name of a channel that was forgotten since the snapshot began.
    fn forgotten(&self, id: usize) -> rusqlite::Result<Option<Channel>> {
        let name = self
            .conn
            .prepare_cached("SELECT name FROM channels WHERE id = ?1")?
            .query_row([id as i64], |row| row.get::<_, String>(0))
            .optional()?;
        Ok(name.and_then(|name| name.parse().ok()))
    }
}

/// Returns the error for a row whose channel does not exist.
pub(super) fn unknown_channel(id: usize) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(1, id as i64)
}
