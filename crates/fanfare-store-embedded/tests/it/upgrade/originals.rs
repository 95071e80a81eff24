//! A file of before originals: what comes in afterwards has them.

use fanfare_core::Original;
use fanfare_store::Append;
use fanfare_store_suite::harness::{at, event, extent, messages, read_all, read_pages};
use fanfare_store_suite::originals::received;

use super::{VERSION, open, version, write};

/// A file as the earlier version wrote it; never regenerated from the code.
const VERSION_14: &str = include_str!("version_14.sql");

#[tokio::test]
async fn a_file_of_version_14_gets_originals_for_what_comes_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_14);
    assert_eq!(version(&path), 14);

    let store = open(&path);
    assert_eq!((store.head().epoch.as_str(), extent(&store)), ("mirnbejm", (1, 3)));
    let append = Append::new(vec![event("four")]).received_as(Some(received("new")));
    store.log.append(append).await.expect("appended");
    for _ in 0..2 {
        let events = read_pages(&store, read_all(&store)).await;
        assert_eq!(messages(&events), ["one", "two", "received hello", "four"]);
        assert_eq!(events[1].data.as_ref().map(|data| data.as_str()), Some("{\"n\":2}"));
        let known: Vec<_> = events.iter().map(|event| event.original).collect();
        assert_eq!(known, [None, None, None, Some(Original::With(4))]);
        assert_eq!(store.log.original(at(&store, 3)).await.expect("read"), None);
        let message = store.log.original(at(&store, 4)).await.expect("read").expect("kept");
        assert_eq!(message.parts().body, b"new");
    }
    assert_eq!(store.ledger.sources().await.expect("sources")[0].name.as_str(), "lab");
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
}
