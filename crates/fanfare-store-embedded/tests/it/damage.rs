//! Rows of events that are damaged: they are passed over and counted, and everything else goes on.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use fanfare_core::{Event, NewEvent};
use fanfare_store::{
    Append, DeliveryChange, DeliveryRow, DeliveryStatus, Order, Read, Retention, Store, WebhookRow,
};
use fanfare_store_embedded::{Embedded, OpenError};
use fanfare_store_suite::damage::flip_a_bit;
use fanfare_store_suite::harness::{event, extent, keyed, patterns, read_all};
use fanfare_store_suite::hooks::id;

/// The event that is damaged.
const MESSAGE: &str = "the one that is hit";
/// Its seq.
const SEQ: u64 = 21;
/// Number of events.
const LAST: u64 = 40;

/// Returns the file of a store with events on the channels `even` and `odd`; the odd one `SEQ` has `MESSAGE` and a key.
async fn filled(directory: &Path) -> Vec<u8> {
    let path = directory.join("log.db");
    let store = open(&path).expect("a new store");
    for seq in 1..=LAST {
        let mut new = if seq == SEQ { keyed(MESSAGE, "k") } else { event(&format!("event {seq}")) };
        new.channel = if seq % 2 == 0 { "even" } else { "odd" }.parse().expect("a channel");
        store.log.append(Append::new(vec![new])).await.expect("appended");
    }
    store.engine.close().await;
    fs::read(&path).expect("read")
}

fn open(path: &Path) -> Result<Store, OpenError> {
    open_to_keep(path, LAST)
}

fn open_to_keep(path: &Path, count: u64) -> Result<Store, OpenError> {
    Embedded::open(path, Retention { count, ..Retention::default() }).map(Store::new)
}

/// Returns the place of the bytes of `text` in a file, which has them once.
fn place(file: &[u8], text: &str) -> usize {
    let mut found = file.windows(text.len()).enumerate().filter(|(_, bytes)| *bytes == text.as_bytes());
    let (at, _) = found.next().expect("it is there");
    assert!(found.next().is_none(), "once");
    at
}

/// Reads everything that a read selects: the events, and the runs of seqs that cannot be read.
async fn all(store: &Store, mut read: Read) -> (Vec<Arc<Event>>, u64) {
    let (mut events, mut damaged) = (Vec::new(), 0);
    let last = store.head().last;
    loop {
        let page = store.log.read(read.clone()).await.expect("a page");
        assert!(page.gone.is_none() || page.events.is_empty(), "a run of damaged ones is a page of its own");
        events.extend(page.events);
        damaged += page.gone.map_or(0, |gone| gone.count);
        match read.order {
            Order::Oldest if page.scanned >= last => return (events, damaged),
            Order::Newest if page.scanned <= read.after + 1 => return (events, damaged),
            Order::Oldest => read.after = page.scanned,
            Order::Newest => read.until = page.scanned - 1,
        }
    }
}

fn seqs(events: &[Arc<Event>]) -> Vec<u64> {
    events.iter().map(|event| event.position.seq).collect()
}

#[tokio::test]
async fn an_event_that_is_damaged_is_passed_over_and_counted() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    filled(directory.path()).await;
    flip_a_bit(&path, MESSAGE);

    let store = open(&path).expect("everything else is whole");
    let others: Vec<_> = (1..=LAST).filter(|seq| *seq != SEQ).collect();
    let (events, damaged) = all(&store, read_all(&store)).await;
    assert_eq!((seqs(&events), damaged), (others.clone(), 1));
    let (events, damaged) = all(&store, Read { order: Order::Newest, ..read_all(&store) }).await;
    assert_eq!((seqs(&events), damaged), (others.iter().rev().copied().collect(), 1));
    // Those who want its channel learn of it, the others do not.
    let (events, damaged) = all(&store, Read { filter: patterns(&["odd"]), ..read_all(&store) }).await;
    assert_eq!((events.len(), damaged), (LAST as usize / 2 - 1, 1));
    let (events, damaged) = all(&store, Read { filter: patterns(&["even"]), ..read_all(&store) }).await;
    assert_eq!((events.len(), damaged), (LAST as usize / 2, 0));
    assert_eq!(store.engine.health().damaged_events, 1, "once, however often it is read");

    // A push that repeats it is answered, and retention removes it as any other.
    let same = NewEvent { channel: "odd".parse().expect("a channel"), ..keyed(MESSAGE, "k") };
    let again = store.log.append(Append::new(vec![same])).await.expect("appended").remove(0);
    assert_eq!((again.repeated, again.event.position.seq), (true, SEQ));
    for count in 1..=LAST {
        store.log.append(Append::new(vec![event("later")])).await.expect("appended");
        while store.sweep().await.expect("swept").has_more {}
        assert_eq!(extent(&store), (count + 1, LAST + count));
    }
    store.engine.close().await;
}

#[tokio::test]
async fn the_last_event_can_be_the_one_that_is_damaged() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    filled(directory.path()).await;
    flip_a_bit(&path, &format!("event {LAST}"));
    let store = open(&path).expect("everything else is whole");
    assert_eq!(extent(&store), (1, LAST));
    let next = store.log.append(Append::new(vec![event("next")])).await.expect("appended").remove(0);
    assert_eq!(next.event.position.seq, LAST + 1);
    let (events, damaged) = all(&store, read_all(&store)).await;
    assert_eq!((events.len() as u64, damaged), (LAST, 1));
    store.engine.close().await;
}

/// Returns what SQLite says of the structure of a file, other than that a row of an event has a wrong value.
fn problems(path: &Path) -> Vec<String> {
    let conn = rusqlite::Connection::open(path).expect("it opens");
    let mut statement = conn.prepare("PRAGMA quick_check").expect("a statement");
    let lines = statement.query_map((), |row| row.get::<_, String>(0)).expect("checked");
    let lines = lines.map(|line| line.unwrap_or_else(|error| error.to_string()));
    lines.filter(|line| line != "ok" && !line.contains(" value in events.")).collect()
}

#[tokio::test]
async fn no_bit_of_the_last_row_keeps_the_log_from_opening() {
    /// The bytes before the message: the other columns, and the head of the row.
    const BEFORE: usize = 40;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let file = filled(directory.path()).await;
    let last = format!("event {LAST}").into_bytes();
    let places: Vec<_> = (0..file.len() - last.len()).filter(|at| file[*at..].starts_with(&last)).collect();
    for (byte, bit) in (1..=BEFORE).flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
        let mut flipped = file.clone();
        for at in &places {
            flipped[*at - byte] ^= 1 << bit;
        }
        fs::write(&path, &flipped).expect("written");
        match open(&path) {
            Ok(store) => store.engine.close().await,
            Err(OpenError::Corrupt { .. }) if !problems(&path).is_empty() => {}
            Err(error) => panic!("bit {bit}, {byte} bytes before the message: {error}"),
        }
    }
}

/// Records a delivery of an event, which waits.
async fn wait_for(store: &Store, event: Arc<Event>) {
    let row = WebhookRow {
        id: id(1),
        owner: fanfare_core::Principal::local().owner(),
        name: None,
        url: "http://127.0.0.1/1".into(),
        settings: "{}".into(),
        state: "".into(),
        revision: 1,
        cursor: store.head().position(),
        created: event.timestamp,
    };
    store.ledger.insert_webhook(row).await.expect("registered");
    let status = DeliveryStatus::Waiting(event.timestamp);
    let delivery =
        DeliveryRow { webhook: id(1), event, attempts: 1, status, failure: "timeout".into(), batch: None };
    store.ledger.record(Vec::new(), vec![DeliveryChange::Put(delivery)]).await.expect("recorded");
}

/// Whichever bit of a row is flipped, no event is read wrongly, all others are read, and retention removes the row.
#[tokio::test]
async fn no_bit_of_a_row_can_flip_unseen() {
    /// The bytes before the message and after it: the other columns, and the head of the row.
    const AROUND: usize = 40;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    filled(directory.path()).await;
    let store = open(&path).expect("it is whole");
    let (whole, _) = all(&store, read_all(&store)).await;
    wait_for(&store, whole[SEQ as usize - 1].clone()).await;
    store.engine.close().await;
    let file = fs::read(&path).expect("read");

    let at = place(&file, MESSAGE);
    let mut passed_over = 0;
    for byte in at - AROUND..at + MESSAGE.len() + AROUND {
        for bit in 0..8 {
            let mut flipped = file.clone();
            flipped[byte] ^= 1 << bit;
            fs::write(&path, &flipped).expect("written");
            let store = match open_to_keep(&path, 1) {
                Ok(store) => store,
                // The bit is of the tree rather than of the row: nothing is read, nothing is written.
                Err(OpenError::Corrupt { .. }) => continue,
                Err(error) => panic!("bit {bit} at {byte}: {error}"),
            };
            let (events, damaged) = all(&store, read_all(&store)).await;
            assert_eq!(events.len() as u64 + damaged, LAST, "bit {bit} at {byte}");
            for event in &events {
                assert_eq!(event, &whole[event.position.seq as usize - 1], "bit {bit} at {byte}");
            }
            passed_over += damaged;
            while store.sweep().await.unwrap_or_else(|error| panic!("bit {bit} at {byte}: {error}")).has_more
            {
            }
            assert_eq!(extent(&store), (LAST, LAST), "bit {bit} at {byte}");
            store.engine.close().await;
        }
    }
    assert!(passed_over >= MESSAGE.len() as u64 * 8, "{passed_over}");
}
