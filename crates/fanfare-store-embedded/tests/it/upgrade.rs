//! Files of earlier versions: they are migrated, and keep their content.

mod names;
mod originals;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fanfare_core::{Agent, Door, NewEvent, Principal, Priority, Timestamp};
use fanfare_store::{
    Append, AttemptFilter, BatchSpan, Clock, DeliveryChange, DeliveryRow, DeliveryStatus, Purge, Read,
    ReadAttempts, ReadDeliveries, Removed, Retention, SourceRow, Store, WebhookRow,
};
use fanfare_store_embedded::Embedded;

use fanfare_store_suite::harness::{
    at, event, extent, keyed, messages, patterns, read_all, read_pages, reader,
};
use fanfare_store_suite::hooks::id;

/// Files as earlier versions wrote them; never regenerated from the code.
const VERSION_1: &str = include_str!("upgrade/version_1.sql");
const VERSION_2: &str = include_str!("upgrade/version_2.sql");
const VERSION_3: &str = include_str!("upgrade/version_3.sql");
const VERSION_4: &str = include_str!("upgrade/version_4.sql");
const VERSION_5: &str = include_str!("upgrade/version_5.sql");
const VERSION_8: &str = include_str!("upgrade/version_8.sql");
const VERSION_11: &str = include_str!("upgrade/version_11.sql");
const VERSION_13: &str = include_str!("upgrade/version_13.sql");

/// The version of a file after the migration.
const VERSION: u8 = 15;

/// Shortly after the events were pushed.
fn now() -> Timestamp {
    Timestamp::from_micros(1_795_274_600_000_000)
}

fn version(path: &Path) -> i64 {
    let conn = rusqlite::Connection::open(path).expect("a database");
    conn.query_row("PRAGMA user_version", (), |row| row.get(0)).expect("a number")
}

/// Writes a file as an earlier version left it.
fn write(path: &Path, text: &str) {
    let conn = rusqlite::Connection::open(path).expect("a database");
    conn.execute_batch(text).expect("written");
    conn.close().expect("closed");
}

fn open(path: &Path) -> Store {
    Store::new(
        Embedded::open_with_clock(path, Retention::default(), Clock::with_wall(now)).expect("it opens"),
    )
}

async fn deliveries_of(store: &Store, read: ReadDeliveries) -> Vec<DeliveryRow> {
    store.ledger.deliveries(read).await.expect("deliveries")
}

#[tokio::test]
async fn a_file_of_version_1_gets_webhooks_and_keeps_the_rest() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_1);
    assert_eq!(version(&path), 1);

    let store = open(&path);
    // The head of the file has the version at once: an older program refuses it, whatever happens to the write-ahead
    // log.
    let head = std::fs::read(&path).expect("read");
    assert_eq!(head[60..64], [0, 0, 0, VERSION]);
    assert_eq!(store.head().epoch.as_str(), "fzv2we1b");
    assert_eq!(extent(&store), (1, 3));
    let events = read_pages(&store, read_all(&store)).await;
    assert_eq!(messages(&events), ["one", "two\nlines", "three"]);
    assert_eq!((events[1].channel.as_str(), events[1].priority), ("builds.web", Priority::High));
    let readers = store.ledger.readers().await.expect("readers");
    assert_eq!((readers.len(), readers[0].key.name.as_str(), readers[0].acknowledged.seq), (1, "ann", 3));
    assert!(store.log.append(Append::new(vec![keyed("x", "once")])).await.expect("appended")[0].repeated);

    assert_eq!(store.ledger.webhooks().await.expect("webhooks"), []);
    let row = WebhookRow {
        id: id(1),
        owner: Principal::local().owner(),
        name: None,
        url: "http://127.0.0.1/".into(),
        settings: "{}".into(),
        state: "{}".into(),
        revision: 1,
        cursor: at(&store, 1),
        created: now(),
    };
    store.ledger.insert_webhook(row.clone()).await.expect("registered");
    store.log.append(Append::new(vec![event("four")])).await.expect("appended");
    store.engine.close().await;
    let store = open(&path);
    assert_eq!(store.ledger.webhooks().await.expect("webhooks"), [row]);
    assert_eq!(store.head().last, 4);
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
}

#[tokio::test]
async fn a_file_of_version_2_keeps_its_webhooks_and_what_they_wait_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_2);
    assert_eq!(version(&path), 2);

    let store = open(&path);
    assert_eq!((store.head().epoch.as_str(), extent(&store)), ("cjwxdwy7", (1, 4)));
    let readers = store.ledger.readers().await.expect("readers");
    assert_eq!((readers.len(), readers[0].key.name.as_str(), readers[0].acknowledged.seq), (1, "ann", 2));
    let webhooks = store.ledger.webhooks().await.expect("webhooks");
    let known: Vec<_> = webhooks.iter().map(|row| (&*row.url, row.cursor.seq, row.revision)).collect();
    assert_eq!(known, [("http://127.0.0.1:9/hook", 4, 1), ("http://127.0.0.1:9/second", 4, 1)]);
    assert!(
        webhooks[0].settings.contains("to the pager") && webhooks[0].state.contains("connection_refused")
    );
    let read = |row: &WebhookRow| ReadDeliveries {
        webhook: row.id.clone(),
        failed: Some(false),
        after: None,
        limit: 9,
    };
    let rows = store.ledger.deliveries(read(&webhooks[0])).await.expect("rows");
    let waiting: Vec<_> = rows.iter().map(|row| (&*row.event.message, row.attempts, &*row.failure)).collect();
    assert_eq!(waiting, [("two\nlines", 2, "connection_refused"), ("four", 2, "connection_refused")]);
    let all =
        ReadAttempts { webhook: None, seq: None, filter: AttemptFilter::default(), before: None, limit: 99 };
    assert_eq!(store.ledger.attempts(all).await.expect("attempts").len(), 8);

    let changed = WebhookRow { settings: "{}".into(), ..webhooks[1].clone() };
    store.ledger.update_webhook(changed, 1).await.expect("changed");
    store.engine.close().await;
    let store = open(&path);
    assert_eq!(store.ledger.webhooks().await.expect("webhooks")[1].revision, 2);
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
}

#[tokio::test]
async fn everything_in_a_file_of_version_3_becomes_what_local_owns() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_3);
    assert_eq!(version(&path), 3);

    let store = open(&path);
    assert_eq!(extent(&store), (4, 10));
    let events = read_pages(&store, read_all(&store)).await;
    assert_eq!(messages(&events)[..2], ["from elsewhere", "by a tool"]);
    // The claimed name of the command line was stored in place of the door.
    let agents: Vec<_> = events.iter().map(|event| event.source.agent.as_ref().map(Agent::as_str)).collect();
    assert_eq!((agents[0], agents[6], events[6].source.door), (None, Some("fanfare-cli"), Door::Http));
    let doors: Vec<_> = events.iter().map(|event| event.source.door).collect();
    assert_eq!(doors[..3], [Door::Ingest, Door::Mcp, Door::Http]);
    assert!(events.iter().all(|event| &*event.source.principal == Principal::LOCAL));
    let readers = store.ledger.readers().await.expect("readers");
    assert_eq!((readers.len(), &readers[0].key, readers[0].acknowledged.seq), (1, &reader("ann"), 5));
    let row =
        store.ledger.acknowledge(&reader("ann"), at(&store, 6)).await.expect("asked").expect("it is known");
    assert_eq!(row.acknowledged.seq, 6);
    let again = store.log.append(Append::new(vec![keyed("x", "once")])).await.expect("appended").remove(0);
    assert_eq!((again.repeated, again.event.position.seq), (true, 2));

    // One that takes everything, one whose delivery waits, one that gave up; a fourth had been removed.
    let webhooks = store.ledger.webhooks().await.expect("webhooks");
    let local = Principal::local().owner();
    assert!(webhooks.iter().all(|row| row.owner == local && row.settings.contains("whsec_")));
    let known: Vec<_> = webhooks.iter().map(|row| (&*row.url, row.cursor.seq, row.revision)).collect();
    let url = |path: &str| format!("http://127.0.0.1:8599/{path}");
    assert_eq!(known, [(&*url("ok"), 9, 2), (&*url("waiting"), 9, 1), (&*url("dead"), 8, 1)]);
    let deliveries = async |row: &WebhookRow| {
        let read = ReadDeliveries { webhook: row.id.clone(), failed: None, after: None, limit: 10 };
        store.ledger.deliveries(read).await.expect("deliveries")
    };
    let waiting = deliveries(&webhooks[1]).await;
    assert_eq!(waiting.iter().map(|row| &*row.event.message).collect::<Vec<_>>(), ["failed"]);
    assert!(matches!(waiting[0].status, DeliveryStatus::Waiting(_)));
    let dead = deliveries(&webhooks[2]).await;
    assert_eq!(dead.iter().map(|row| row.event.position.seq).collect::<Vec<_>>(), [1, 2, 4, 6, 7, 8]);
    let all =
        ReadAttempts { webhook: None, seq: None, filter: AttemptFilter::default(), before: None, limit: 99 };
    assert_eq!(store.ledger.attempts(all).await.expect("attempts").len(), 7);

    // Another principal can now register the same URL as `local`, under a number that was never assigned.
    let zoe = Principal::named("zoe").expect("a name").owner();
    let another = WebhookRow { id: id(1), owner: zoe, revision: 1, ..webhooks[0].clone() };
    store.ledger.insert_webhook(another.clone()).await.expect("registered");
    store.engine.close().await;
    let store = open(&path);
    assert_eq!(store.ledger.webhooks().await.expect("webhooks")[3], another);
    store.engine.close().await;
    let conn = rusqlite::Connection::open(&path).expect("a database");
    let number: i64 =
        conn.query_row("SELECT max(number) FROM webhooks", (), |row| row.get(0)).expect("a number");
    assert_eq!(number, 5, "the one that had been removed was 4");
}

#[tokio::test]
async fn every_position_in_a_file_of_version_4_belongs_to_the_epoch_of_its_log() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_4);
    assert_eq!(version(&path), 4);

    let store = open(&path);
    assert_eq!((store.head().epoch.as_str(), extent(&store)), ("e67s6lwf", (5, 5)));
    let readers = store.ledger.readers().await.expect("readers");
    assert_eq!((readers.len(), &readers[0].key, readers[0].acknowledged), (1, &reader("ann"), at(&store, 1)));
    let webhooks = store.ledger.webhooks().await.expect("webhooks");
    let url = |path: &str| format!("http://127.0.0.1:8598/{path}");
    let known: Vec<_> = webhooks.iter().map(|row| (&*row.url, row.cursor)).collect();
    let paths = ["ok", "waiting", "dead", "batched"].map(url);
    assert_eq!(known, paths.each_ref().map(|url| (&**url, at(&store, 5))));
    // What its owner wrote holds positions, too.
    let texts = webhooks.iter().flat_map(|row| [&row.settings, &row.state]);
    assert!(texts.into_iter().all(|text| text.ends_with(",\"epoch\":\"e67s6lwf\"}")), "{webhooks:?}");
    assert!(webhooks[3].state.contains("\"batches\":[[3,4]]") && webhooks[0].settings.contains("whsec_"));

    let of = |nth: usize, failed| ReadDeliveries {
        webhook: webhooks[nth].id.clone(),
        failed,
        after: None,
        limit: 9,
    };
    let positions = |rows: &[DeliveryRow]| rows.iter().map(|row| row.event.position).collect::<Vec<_>>();
    let batched = deliveries_of(&store, of(3, Some(false))).await;
    assert_eq!(positions(&batched), [at(&store, 3), at(&store, 4)]);
    assert!(batched.iter().all(|row| row.batch == Some(BatchSpan { first: 3, last: 4 })));
    let dead = deliveries_of(&store, of(2, None)).await;
    assert_eq!(positions(&dead), [1, 2, 3, 4, 5].map(|seq| at(&store, seq)));
    let texts: Vec<_> = dead.iter().map(|row| &*row.event.message).collect();
    assert_eq!(texts, ["one", "two", "three", "four", "five"], "from the log and from what was kept");
    let all =
        ReadAttempts { webhook: None, seq: None, filter: AttemptFilter::default(), before: None, limit: 99 };
    let attempts = store.ledger.attempts(all).await.expect("attempts");
    assert_eq!((attempts.len(), attempts[0].position), (7, at(&store, 5)));
    let again = store.log.append(Append::new(vec![keyed("x", "once")])).await.expect("appended").remove(0);
    assert_eq!((again.repeated, again.event.position), (true, at(&store, 2)));

    let done = DeliveryChange::Remove { webhook: webhooks[1].id.clone(), position: at(&store, 2) };
    store.ledger.record(Vec::new(), vec![done]).await.expect("recorded");
    store.engine.close().await;
    let store = open(&path);
    assert_eq!(store.ledger.webhooks().await.expect("webhooks"), webhooks);
    assert_eq!(store.ledger.readers().await.expect("readers"), readers);
    assert!(deliveries_of(&store, of(1, None)).await.is_empty());
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
}

#[tokio::test]
async fn events_from_the_future_in_a_file_of_version_5_are_as_old_as_its_opening() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_5);
    assert_eq!(version(&path), 5);

    // A minute after the events, of which two have a time that is 30 days later.
    let now = Arc::new(AtomicI64::new(1_796_014_224_000_000));
    let clock = now.clone();
    let clock = Clock::with_wall(move || Timestamp::from_micros(clock.load(Ordering::SeqCst)));
    let retention = Retention { age: Duration::from_secs(24 * 60 * 60), ..Retention::default() };
    let store = Store::new(Embedded::open_with_clock(&path, retention, clock).expect("it opens"));
    assert!(!store.sweep().await.expect("swept").has_more);
    assert_eq!(extent(&store), (1, 3), "none of them is a day old");
    let again = store.log.append(Append::new(vec![keyed("x", "once"), keyed("x", "ahead")])).await;
    let seqs: Vec<_> = again.expect("appended").iter().map(|one| one.event.position.seq).collect();
    assert_eq!(seqs, [1, 2]);

    let appended = store.log.append(Append::new(vec![event("four")])).await.expect("appended").remove(0);
    assert_eq!(appended.event.timestamp.as_micros(), now.load(Ordering::SeqCst), "the true time");
    let events = read_pages(&store, read_all(&store)).await;
    assert_eq!(messages(&events), ["one", "two", "three", "four"]);
    let second = Duration::from_secs(1);
    let before = async |ago| store.log.seq_before(store.log.now().before(ago)).await.expect("seq");
    assert_eq!((before(second * 30).await, before(second * 90).await), (1, 0));
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
}

#[tokio::test]
async fn a_file_of_version_8_has_nothing_in_common_with_another_log() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_8);
    assert_eq!(version(&path), 8);
    let store = open(&path);
    assert_eq!((store.head().epoch.as_str(), extent(&store), store.head().fork), ("7rlu8r6e", (3, 5), None));
    let events = read_pages(&store, read_all(&store)).await;
    assert_eq!(messages(&events), ["three", "four", "five"]);
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
}

#[tokio::test]
async fn what_was_removed_from_a_file_of_version_8_may_be_missed_by_anybody() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_8);
    assert_eq!(version(&path), 8);

    // An hour later.
    let clock = Clock::with_wall(|| Timestamp::from_micros(1_796_034_672_000_000));
    let open =
        || Store::new(Embedded::open_with_clock(&path, Retention::default(), clock.clone()).expect("opens"));
    let store = open();
    assert_eq!(extent(&store), (3, 5));
    let names = async |store: &Store| {
        let rows = store.log.channels().await.expect("channels");
        rows.iter().map(|row| row.channel.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&store).await, ["alerts.rare", "builds.web", "default"]);
    let removed = async |after, pattern| {
        let read = Read { after, filter: patterns(&[pattern]), ..read_all(&store) };
        store.log.read(read).await.expect("a page").removed
    };
    assert_eq!(removed(0, "nothing").await, Some(Removed { up_to: 2, count: 2 }), "nobody knows");
    assert_eq!(removed(2, "alerts.rare").await, None);
    assert_eq!(messages(&read_pages(&store, read_all(&store)).await), ["three", "four", "five"]);

    let purged =
        store.purge(&Purge::Channel("builds.web".parse().expect("a channel"))).await.expect("purged");
    assert_eq!(purged.map(|purged| (purged.events, purged.deliveries)), Some((2, 3)));
    let forgotten = store.log.forget_channels(vec!["alerts.rare".parse().expect("a channel")]).await;
    assert_eq!(forgotten.expect("forgotten").len(), 1);
    let new = NewEvent { channel: "new".parse().expect("a channel"), ..event("six") };
    store.log.append(Append::new(vec![new])).await.expect("appended");
    store.engine.close().await;
    let store = open();
    assert_eq!(messages(&read_pages(&store, read_all(&store)).await), ["five", "six"]);
    assert_eq!(names(&store).await, ["default", "new"]);
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
}

#[tokio::test]
async fn a_file_of_version_11_knows_what_is_gone_and_can_have_a_floor() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_11);
    assert_eq!(version(&path), 11);

    // An hour later.
    let clock = Clock::with_wall(|| Timestamp::from_micros(1_796_062_789_000_000));
    let retention = Retention { count: 5, floor: 2, ..Retention::default() };
    let store = Store::new(Embedded::open_with_clock(&path, retention, clock).expect("opens"));
    let head = store.head();
    assert_eq!((head.first, head.oldest, head.spared, head.removed()), (3, 3, 0, 2));
    let read = |pattern, told| Read { filter: patterns(&[pattern]), told, ..read_all(&store) };
    let page = store.log.read(read("alerts.*", 0)).await.expect("a page");
    assert_eq!((page.removed, page.told), (Some(Removed { up_to: 1, count: 1 }), 2));
    let page = store.log.read(read("alerts.*", page.told)).await.expect("a page");
    assert_eq!((page.removed, page.told), (None, 2));

    for _ in 0..10 {
        store.log.append(Append::new(vec![event("noise")])).await.expect("appended");
        while store.sweep().await.expect("swept").has_more {}
    }
    let events = read_pages(&store, read_all(&store)).await;
    assert_eq!(messages(&events), ["three", "four", "noise", "noise", "noise"]);
    assert_eq!((store.head().first, store.head().spared), (13, 2));
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
}

#[tokio::test]
async fn a_file_of_version_13_gets_sources_and_keeps_the_rest() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_13);
    assert_eq!(version(&path), 13);

    let store = open(&path);
    assert_eq!((store.head().epoch.as_str(), extent(&store)), ("sjxfpuno", (1, 3)));
    assert_eq!(messages(&read_pages(&store, read_all(&store)).await), ["one", "two", "three"]);
    let readers = store.ledger.readers().await.expect("readers");
    assert_eq!((readers.len(), readers[0].key.name.as_str(), readers[0].acknowledged.seq), (1, "ann", 3));
    assert_eq!(store.ledger.webhooks().await.expect("webhooks")[0].id.as_str(), "wh_fghcpr44umoivhdp");
    assert_eq!(store.ledger.sources().await.expect("sources"), []);
    let row = SourceRow { name: "gitlab".parse().expect("a name"), settings: "{}".into() };
    assert!(store.ledger.put_source(row.clone()).await.expect("new"));
    store.engine.close().await;
    let store = open(&path);
    assert_eq!(store.ledger.sources().await.expect("sources"), [row]);
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
}
