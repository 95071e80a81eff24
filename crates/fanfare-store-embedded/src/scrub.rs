//! Overwriting the free pages of the file. Retention removes events without this, because the pages are soon
//! reused; until then, they keep their content. SQLite may also have moved a row before it was purged, when its
//! neighbours were removed.
//!
//! A table takes the free pages and returns them, and SQLite then overwrites them.

use rusqlite::Connection;

use crate::Embedded;
use crate::group::{Group, Size};
use fanfare_store::Error;

/// Number of pages (4 MiB) that one transaction takes: a few milliseconds of work.
const PART_PAGES: u64 = 1_024;

impl Embedded {
    /// Overwrites the pages that are free at the time of the call.
    pub(super) async fn scrub(&self) -> Result<(), Error> {
        let free = self.writer.change(Size::ROW, |group| group.free_pages().map(Ok)).await?;
        let size = Size { rows: 1, bytes: PART_PAGES as usize * 4_096 };
        let take = async {
            for _ in 0..free.div_ceil(PART_PAGES) {
                self.writer.change(size, |group| group.take_free_pages().map(Ok)).await?;
            }
            Ok(())
        };
        let taken = take.await;
        // After an error too: events would find no free page, and the file would grow.
        while self.writer.change(size, |group| give_pages_back(group.conn).map(Ok)).await? {}
        taken
    }
}

/// Frees the pages that a scrub still held when its process ended. If that is not possible, as on a full disk, the next
/// scrub does it.
pub(super) fn free_what_was_taken(conn: &Connection) {
    loop {
        match give_pages_back(conn) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!("could not free the pages that an interrupted purge has taken: {error}");
                return;
            }
        }
    }
}

impl Group<'_> {
    fn free_pages(&self) -> rusqlite::Result<u64> {
        self.conn.query_row("PRAGMA freelist_count", (), |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
    }

    /// Takes a part of the free pages.
    fn take_free_pages(&mut self) -> rusqlite::Result<()> {
        // Four bytes of each page lead to the next.
        let page_len: i64 = self.conn.query_row("PRAGMA page_size", (), |row| row.get(0))?;
        let taken = self.free_pages()?.min(PART_PAGES) as i64;
        let bytes = taken * (page_len - 4);
        self.conn.prepare_cached("INSERT INTO zeros VALUES (NULL, zeroblob(?1))")?.execute([bytes])?;
        Ok(())
    }
}

/// Frees a part of the pages again. Returns whether there may be more.
fn give_pages_back(conn: &Connection) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM zeros WHERE id = (SELECT min(id) FROM zeros)";
    // The last page of a row is not full, so taking it has not overwritten all of it.
    let given = overwriting(conn, || conn.prepare_cached(sql)?.execute(()))?;
    Ok(given > 0)
}

/// Does `work` while SQLite overwrites what is deleted, including in pages that become free. An error of the work
/// ends that too: the connection lives on, and each later change would cost twice as much.
pub(super) fn overwriting<T>(
    conn: &Connection,
    work: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    conn.pragma_update(None, "secure_delete", "ON")?;
    let done = work();
    let ended = conn.pragma_update(None, "secure_delete", "FAST");
    done.and_then(|done| ended.map(|()| done))
}
