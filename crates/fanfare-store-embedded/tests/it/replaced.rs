//! A file whose log was replaced: positions of the earlier epoch stay, but never point into the new log.

use std::path::Path;

use fanfare_core::{Epoch, Filter, Position};
use fanfare_store::{AttemptFilter, DeliveryChange, DeliveryRow, ReadAttempts, Retention, WebhookRow};
use fanfare_store_suite::harness::{Log, Setup, keyed, messages, reader};
use fanfare_store_suite::hooks::{attempt, cursor, failed, hook, id, of, remove, waiting};

use crate::contract::InAFile;

/// Replaces the log by an empty one, as a tool that restores a file would: events that deliveries need are kept.
fn replace(path: &Path, epoch: Epoch) {
    let conn = rusqlite::Connection::open(path).expect("a database");
    conn.execute_batch(&format!(
        "INSERT INTO kept_events (epoch, seq, channel, timestamp, message)
             SELECT 1, seq, channel, timestamp, message FROM events WHERE seq IN (SELECT seq FROM deliveries);
         DELETE FROM events; DELETE FROM channel_blocks; DELETE FROM idempotency_keys;
         UPDATE log SET epoch = '{epoch}', last_seq = 0, bytes = 0;"
    ))
    .expect("replaced");
    conn.close().expect("closed");
}

async fn rows(log: &Log, webhook: usize) -> Vec<DeliveryRow> {
    log.store.ledger.deliveries(of(webhook)).await.expect("rows")
}

#[tokio::test]
async fn what_belongs_to_an_earlier_epoch_stays_and_is_no_place_in_the_log() {
    let mut log = InAFile.start(Retention::default());
    log.append(&["a", "b", "c", "d", "e", "f", "g"]).await;
    let ledger = log.store.ledger.clone();
    for number in [1, 2] {
        ledger
            .insert_webhook(WebhookRow { cursor: log.at(6), ..hook(&log, number) })
            .await
            .expect("registered");
    }
    ledger.open_reader(&reader("ann"), &Filter::all(), log.at(5)).await.expect("opened");
    let changes = vec![waiting(&log, 1, 2).await, failed(&log, 1, 4).await, attempt(&log, 1, 4, false)];
    ledger.record(Vec::new(), changes).await.expect("recorded");
    let (before, epoch) = (log.at(0), Epoch::from_random(99));
    let earlier = |seq| Position { seq, ..before };

    log.reopen_after(|path| replace(&path.join("log.db"), epoch)).await;
    assert_eq!(log.store.head().position(), Position { epoch, seq: 0 });
    let ledger = log.store.ledger.clone();
    assert_eq!(ledger.webhooks().await.expect("webhooks")[0].cursor, earlier(6));
    assert_eq!(ledger.readers().await.expect("readers")[0].acknowledged, earlier(5));
    let all = ReadAttempts {
        webhook: None,
        seq: Some(4),
        filter: AttemptFilter::default(),
        before: None,
        limit: 9,
    };
    assert_eq!(ledger.attempts(all).await.expect("attempts")[0].position, earlier(4));
    assert_eq!(
        ledger.delivery(&id(1), earlier(2)).await.expect("read").expect("it waits").event.position,
        earlier(2)
    );

    // Whatever the new log has, an earlier position is behind it, and a place in it replaces an earlier one.
    let first =
        log.store.log.append(fanfare_store::Append::new(vec![keyed("new", "k")])).await.expect("appended");
    assert_eq!((first[0].repeated, first[0].event.position), (false, log.at(1)));
    assert_eq!(log.append(&["2", "3", "4"]).await, [2, 3, 4]);
    let row = ledger.acknowledge(&reader("ann"), log.at(1)).await.expect("asked").expect("it is known");
    assert_eq!(row.acknowledged, log.at(1));
    ledger
        .record(Vec::new(), vec![cursor(&log, 1, 3), waiting(&log, 1, 2).await, failed(&log, 2, 1).await])
        .await
        .expect("recorded");
    let late = DeliveryChange::Cursor { webhook: id(1), position: earlier(7) };
    ledger.record(Vec::new(), vec![late]).await.expect("it is skipped");
    assert_eq!(ledger.webhooks().await.expect("webhooks")[0].cursor, log.at(3));

    // Rows of both epochs, the earlier first, page by page.
    let expected = [(earlier(2), "b"), (earlier(4), "d"), (log.at(2), "2")];
    let found = rows(&log, 1).await;
    let known: Vec<_> = found.iter().map(|row| (row.event.position, &*row.event.message)).collect();
    assert_eq!(known, expected);
    for (index, (after, _)) in expected.iter().enumerate() {
        let read = fanfare_store::ReadDeliveries { after: Some(*after), limit: 1, ..of(1) };
        assert_eq!(
            ledger.deliveries(read).await.expect("rows"),
            found[(index + 1).min(3)..(index + 2).min(3)]
        );
    }
    let events: Vec<_> = log.page(log.read()).await.events;
    assert_eq!(messages(&events), ["new", "2", "3", "4"]);

    // A retry of an earlier epoch is recorded like any other, and its event goes with its row.
    let again = DeliveryRow { attempts: 2, ..found[0].clone() };
    let done = DeliveryChange::Remove { webhook: id(1), position: earlier(4) };
    ledger.record(Vec::new(), vec![DeliveryChange::Put(again.clone()), done]).await.expect("recorded");
    log.reopen().await;
    assert_eq!(rows(&log, 1).await, [again, found[2].clone()]);
    log.store.ledger.record(Vec::new(), vec![remove(&log, 1, 2)]).await.expect("recorded");
    assert!(log.store.ledger.remove_webhook(&id(1)).await.expect("asked"));
    log.sweep_all().await;
    log.store.engine.close().await;
    assert_eq!(log.orphans(), 0);
}
