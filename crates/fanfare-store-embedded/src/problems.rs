//! The problems that SQLite finds in the structure of the file.

use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

/// Maximum problems that a check looks for: more than one, because a harmless one may come first.
const PROBLEMS_MAX: usize = 100;

/// Number of steps of SQLite between two looks at the clock.
const STEPS_PER_LOOK: i32 = 1_000;

/// Checks the file without its indexes; returns up to [`PROBLEMS_MAX`] lines that say what is wrong with it. Finds
/// nothing in a file that takes longer than `max`.
pub(super) fn quick_problems(conn: &mut Connection, max: Duration) -> rusqlite::Result<Vec<String>> {
    let started = Instant::now();
    conn.progress_handler(STEPS_PER_LOOK, Some(move || started.elapsed() > max))?;
    let found = said(conn, "quick_check");
    conn.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(Vec::new()),
        found => found,
    }
}

/// Checks the file with its indexes; returns up to [`PROBLEMS_MAX`] lines that say what is wrong with it.
pub(super) fn all_problems(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    said(conn, "integrity_check")
}

fn said(conn: &Connection, check: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare(&format!("PRAGMA {check}({PROBLEMS_MAX})"))?;
    let texts: Vec<String> = statement.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    let lines = texts.iter().flat_map(|text| text.lines());
    // SQLite names the database on a line of its own.
    Ok(lines.filter(|line| *line != "ok" && !line.starts_with("***")).map(str::to_owned).collect())
}

/// Returns whether the only problem is that an event's row has a value of the wrong type: the event is lost,
/// but everything else works.
pub(super) fn is_of_one_event(problem: &str) -> bool {
    [" value in events.", " value in kept_events."].iter().any(|place| problem.contains(place))
}
