//! The contracts of the store.

use std::path::Path;

use fanfare_store::{Clock, Retention, Store};
use fanfare_store_embedded::Embedded;
use fanfare_store_suite::harness::Setup;
use fanfare_store_suite::{contract, model, model_webhooks};

/// Opens stores in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InAFile;

impl Setup for InAFile {
    fn open(&self, directory: &Path, retention: Retention, clock: Clock) -> Store {
        let store = Embedded::open_with_clock(&directory.join("log.db"), retention, clock);
        Store::new(store.expect("it opens"))
    }

    fn survives(&self) -> bool {
        true
    }

    fn shares_commits(&self) -> bool {
        true
    }

    fn orphans(&self, directory: &Path) -> u64 {
        let conn = rusqlite::Connection::open(directory.join("log.db")).expect("a database");
        let count = "WITH in_log AS (SELECT (SELECT max(number) FROM epochs) AS epoch, seq FROM events)
            SELECT (SELECT count(*) FROM kept_events WHERE (epoch, seq) NOT IN (SELECT epoch, seq FROM deliveries)
                                OR (epoch, seq) IN (SELECT epoch, seq FROM in_log))
            + (SELECT count(*) FROM deliveries WHERE webhook NOT IN (SELECT number FROM webhooks)
                                OR (epoch, seq) NOT IN (SELECT epoch, seq FROM in_log
                                                        UNION SELECT epoch, seq FROM kept_events))
            + (SELECT count(*) FROM attempts WHERE webhook NOT IN (SELECT number FROM webhooks))
            + (SELECT count(*) FROM removed_webhooks)";
        let found: i64 = conn.query_row(count, (), |row| row.get(0)).expect("a number");
        u64::try_from(found).expect("a count")
    }
}

contract!(InAFile);

#[test]
fn the_engine_answers_as_memory_does() {
    model::the_engine_answers_as_memory_does(InAFile);
}

#[test]
fn the_engine_agrees_with_memory_about_webhooks() {
    model_webhooks::the_engine_agrees_with_memory_about_webhooks(InAFile);
}
