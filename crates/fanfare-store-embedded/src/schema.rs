//! The migration of older files.

mod steps;

use fanfare_core::Timestamp;
use rusqlite::Connection;

pub(super) use steps::STEPS;

/// Marks the file as ours: `Fnfr` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x466e_6672;

/// Returns the version that the file has.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", (), |row| row.get(0))
}

/// Runs the steps that the file lacks, each in a transaction with the version that it leads to. They find the time of
/// day, `now`, in the table `opened`. Returns whether there were any.
pub(super) fn migrate(conn: &mut Connection, steps: &[&str], now: Timestamp) -> rusqlite::Result<bool> {
    let found = version(conn)?;
    conn.execute_batch("CREATE TEMP TABLE opened (now INTEGER NOT NULL)")?;
    conn.execute("INSERT INTO opened VALUES (?1)", [now.as_micros()])?;
    let lacking = steps.iter().enumerate().skip(usize::try_from(found).unwrap_or(usize::MAX));
    let mut changed = false;
    for (index, step) in lacking {
        let transaction = conn.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", index as i64 + 1)?;
        transaction.commit()?;
        changed = true;
    }
    conn.execute_batch("DROP TABLE opened")?;
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use fanfare_core::Timestamp;
    use rusqlite::Connection;

    use super::{STEPS, migrate, version};

    #[test]
    fn an_older_file_takes_only_the_steps_it_lacks() {
        let now = Timestamp::from_micros(0);
        let mut conn = Connection::open_in_memory().expect("memory");
        let steps = ["CREATE TABLE a (x); INSERT INTO a VALUES (1)", "UPDATE a SET x = x + 10"];
        assert!(migrate(&mut conn, &steps[..1], now).expect("first step"));
        assert_eq!(version(&conn).expect("version"), 1);
        assert!(migrate(&mut conn, &steps, now).expect("second step"));
        assert!(!migrate(&mut conn, &steps, now).expect("nothing to do"));
        let x: i64 = conn.query_row("SELECT x FROM a", (), |row| row.get(0)).expect("row");
        assert_eq!((x, version(&conn).expect("version")), (11, 2));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let now = Timestamp::from_micros(0);
        let mut conn = Connection::open_in_memory().expect("memory");
        let steps = ["CREATE TABLE a (x)", "INSERT INTO a VALUES (1); INSERT INTO missing VALUES (1)"];
        assert!(migrate(&mut conn, &steps, now).is_err());
        let rows: i64 = conn.query_row("SELECT count(*) FROM a", (), |row| row.get(0)).expect("row");
        assert_eq!((rows, version(&conn).expect("version")), (0, 1));
    }

    #[test]
    fn our_own_steps_run() {
        let now = Timestamp::from_micros(0);
        assert!(migrate(&mut Connection::open_in_memory().expect("memory"), STEPS, now).expect("steps"));
    }
}
