//! Sources as rows. Each request to one looks it up, so all are kept in memory.

use rusqlite::Connection;

use crate::group::Group;
use crate::state::Sources;
use fanfare_core::SourceName;
use fanfare_store::{Error, SOURCES_MAX, SourceRow};

/// Reads them from the file. A row whose name is not valid is skipped: nobody can send to it.
pub(super) fn load(conn: &Connection) -> rusqlite::Result<Sources> {
    let mut statement = conn.prepare("SELECT name, settings FROM sources")?;
    let mut rows = statement.query(())?;
    let mut sources = Sources::new();
    while let Some(row) = rows.next()? {
        let Ok(name) = row.get_ref(0)?.as_str()?.parse::<SourceName>() else { continue };
        let settings = row.get_ref(1)?.as_str()?.into();
        sources.insert(name.clone(), SourceRow { name, settings });
    }
    Ok(sources)
}

impl Group<'_> {
    /// Adds a source, or replaces its settings; returns whether it is new.
    pub(super) fn put_source(&mut self, row: SourceRow) -> rusqlite::Result<Result<bool, Error>> {
        let is_known = self.source_exists(&row.name);
        let count: i64 = self.conn.query_row("SELECT count(*) FROM sources", (), |row| row.get(0))?;
        if !is_known && count as usize >= SOURCES_MAX {
            return Ok(Err(Error::TooManySources { max: SOURCES_MAX }));
        }
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO sources (name, settings) VALUES (?1, ?2)")?
            .execute((row.name.as_str(), &*row.settings))?;
        self.effect.sources.insert(row.name.clone(), Some(row));
        Ok(Ok(!is_known))
    }

    /// Removes a source; returns whether it existed.
    pub(super) fn remove_source(&mut self, name: SourceName) -> rusqlite::Result<bool> {
        let is_known = self.source_exists(&name);
        self.conn.prepare_cached("DELETE FROM sources WHERE name = ?1")?.execute([name.as_str()])?;
        self.effect.sources.insert(name, None);
        Ok(is_known)
    }

    fn source_exists(&self, name: &SourceName) -> bool {
        match self.effect.sources.get(name) {
            Some(changed) => changed.is_some(),
            None => self.shared.sources().contains_key(name),
        }
    }
}
