//! Tests of positions and the epochs that they belong to.

use fanfare_core::{Epoch, Filter, Position};
use fanfare_store::{DeliveryChange, Error, ReadDeliveries, Retention, WebhookRow};

use crate::harness::{Setup, reader};
use crate::hooks::{cursor, hook, id, of, seqs_of, waiting};

fn elsewhere(seq: u64) -> Position {
    Position { epoch: Epoch::from_random(7), seq }
}

fn assert_changed<T: std::fmt::Debug>(outcome: Result<T, Error>, position: Position, epoch: Epoch) {
    match outcome {
        Err(Error::EpochChanged { position: of, epoch: is }) => assert_eq!((of, is), (position, epoch)),
        other => panic!("{other:?}"),
    }
}

pub async fn a_position_of_another_log_is_none_of_this_one(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["x"; 9]).await;
    let (ledger, epoch, foreign) = (log.store.ledger.clone(), log.store.head().epoch, elsewhere(5));
    assert_changed(ledger.open_reader(&reader("ann"), &Filter::all(), foreign).await, foreign, epoch);
    let opened = ledger.open_reader(&reader("ann"), &Filter::all(), log.at(2)).await.expect("opened");
    assert_changed(ledger.acknowledge(&reader("ann"), foreign).await, foreign, epoch);
    let row = WebhookRow { cursor: foreign, ..hook(&log, 1) };
    assert_changed(ledger.insert_webhook(row).await, foreign, epoch);

    let row =
        ledger.insert_webhook(WebhookRow { cursor: log.at(3), ..hook(&log, 1) }).await.expect("registered");
    let moved = DeliveryChange::Cursor { webhook: id(1), position: foreign };
    let removed = DeliveryChange::Remove { webhook: id(1), position: foreign };
    ledger
        .record(Vec::new(), vec![waiting(&log, 1, 5).await, moved, removed])
        .await
        .expect("the rest is done");
    assert_eq!(ledger.delivery(&id(1), foreign).await.expect("read"), None);
    let after = ReadDeliveries { after: Some(foreign), ..of(1) };
    assert_changed(ledger.deliveries(after).await, foreign, epoch);
    log.reopen().await;
    assert_eq!(seqs_of(&log, of(1)).await, [5]);
    assert_eq!(log.store.ledger.readers().await.expect("readers"), [opened]);
    assert_eq!(log.store.ledger.webhooks().await.expect("webhooks"), [row]);
    log.store.ledger.record(Vec::new(), vec![cursor(&log, 1, 4)]).await.expect("recorded");
    assert_eq!(log.store.ledger.webhooks().await.expect("webhooks")[0].cursor, log.at(4));
}
