//! Sources: the addresses that other programs send to.

use fanfare_core::SourceName;
use fanfare_store::{Error, Retention, SOURCES_MAX, SourceRow};

use crate::harness::Setup;

fn row(name: &str, settings: &str) -> SourceRow {
    SourceRow { name: name.parse().expect("a name"), settings: settings.into() }
}

fn name(name: &str) -> SourceName {
    name.parse().expect("a name")
}

/// A source comes back as it was put, also from a store that was opened again, and a removed one does not.
pub async fn a_source_comes_back_as_it_was_put(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let ledger = &log.store.ledger;
    assert_eq!(ledger.sources().await.expect("none"), []);
    assert!(ledger.put_source(row("web", "{\"a\":1}")).await.expect("new"));
    assert!(ledger.put_source(row("api", "{}")).await.expect("new"));
    assert!(!ledger.put_source(row("web", "{\"a\":2}")).await.expect("replaced"));
    log.reopen().await;
    let ledger = &log.store.ledger;
    assert_eq!(ledger.sources().await.expect("both"), [row("api", "{}"), row("web", "{\"a\":2}")]);
    assert_eq!(ledger.source(&name("web")).await.expect("one"), Some(row("web", "{\"a\":2}")));
    assert!(ledger.remove_source(&name("web")).await.expect("removed"));
    assert!(!ledger.remove_source(&name("web")).await.expect("gone"));
    assert_eq!(ledger.source(&name("web")).await.expect("none"), None);
}

/// There are at most [`SOURCES_MAX`], and those that exist can still be changed.
pub async fn sources_are_bounded(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let ledger = &log.store.ledger;
    for number in 0..SOURCES_MAX {
        ledger.put_source(row(&format!("s{number}"), "{}")).await.expect("room");
    }
    let refused = ledger.put_source(row("another", "{}")).await;
    assert!(matches!(refused, Err(Error::TooManySources { max: SOURCES_MAX })), "{refused:?}");
    assert!(!ledger.put_source(row("s0", "{\"a\":1}")).await.expect("replaced"));
}
