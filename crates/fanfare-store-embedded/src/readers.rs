//! Durable readers as rows.

use std::collections::BTreeMap;

use fanfare_core::{EventType, Filter, Pattern, Priority, ReaderName, Timestamp};
use rusqlite::Connection;
use rusqlite::types::Type;
use serde::Deserialize;

use fanfare_store::ReaderRow;

/// The durable readers, in order of their names.
pub(super) type Readers = BTreeMap<ReaderName, ReaderRow>;

/// Reads them from the file.
pub(super) fn load(conn: &Connection) -> rusqlite::Result<Readers> {
    let mut statement = conn.prepare("SELECT name, acknowledged, filter, updated FROM readers")?;
    let mut rows = statement.query(())?;
    let mut readers = Readers::new();
    while let Some(row) = rows.next()? {
        let strange =
            |index, name: &str| rusqlite::Error::InvalidColumnType(index, name.to_owned(), Type::Text);
        let name: ReaderName = row.get_ref(0)?.as_str()?.parse().map_err(|_| strange(0, "name"))?;
        let filter = parse_filter(row.get_ref(2)?.as_str()?).ok_or_else(|| strange(2, "filter"))?;
        let reader = ReaderRow {
            name: name.clone(),
            acknowledged: row.get::<_, i64>(1)? as u64,
            filter,
            updated: Timestamp::from_micros(row.get(3)?),
        };
        readers.insert(name, reader);
    }
    Ok(readers)
}

/// Writes one, or removes it when there is no row.
pub(super) fn write(conn: &Connection, name: &ReaderName, row: Option<&ReaderRow>) -> rusqlite::Result<()> {
    let Some(row) = row else {
        return conn
            .prepare_cached("DELETE FROM readers WHERE name = ?1")?
            .execute([name.as_str()])
            .map(|_| ());
    };
    let filter = serde_json::to_string(&row.filter).expect("a filter is text, lists and nothing else");
    conn.prepare_cached("INSERT OR REPLACE INTO readers VALUES (?1, ?2, ?3, ?4)")?
        .execute((name.as_str(), row.acknowledged as i64, filter, row.updated.as_micros()))
        .map(|_| ())
}

/// Reads what `Filter` serialises to.
fn parse_filter(text: &str) -> Option<Filter> {
    #[derive(Deserialize)]
    struct Stored {
        patterns: Vec<String>,
        types: Vec<String>,
        min_priority: String,
        text: Option<String>,
    }
    let stored: Stored = serde_json::from_str(text).ok()?;
    let patterns: Vec<Pattern> =
        stored.patterns.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?;
    let types: Vec<EventType> = stored.types.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?;
    let min_priority: Priority = stored.min_priority.parse().ok()?;
    Filter::new(patterns, types, min_priority, stored.text.as_deref()).ok()
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Filter, Priority};

    use super::parse_filter;

    #[test]
    fn a_filter_reads_back_as_it_was_written() {
        let patterns = vec!["a.*".parse().expect("pattern"), "b".parse().expect("pattern")];
        let types = vec!["error".parse().expect("type"), "build.failed".parse().expect("type")];
        let narrow = Filter::new(patterns, types, Priority::High, Some("Out of")).expect("filter");
        for filter in [narrow, Filter::all()] {
            let text = serde_json::to_string(&filter).expect("JSON");
            assert_eq!(parse_filter(&text), Some(filter));
        }
    }
}
