//! Tests that what belongs to one principal is hidden from another, even if both use the same name.

use fanfare_core::{Filter, NewEvent, Owner, Principal, Source};
use fanfare_store::{Append, DeliveryChange, Error, ReaderKey, Retention, WebhookRow};

use crate::harness::{Setup, keyed, messages, source};
use crate::hooks::hook;

fn owner(name: &str) -> Owner {
    Principal::named(name).expect("a name").owner()
}

fn reader(owner_name: &str) -> ReaderKey {
    ReaderKey { owner: owner(owner_name), name: "ann".parse().expect("a name") }
}

pub async fn readers_with_one_name_are_each_their_owners(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["x"; 9]).await;
    let keys = [reader("local"), reader("zoe")];
    for (key, seq) in keys.iter().zip([2, 3]) {
        log.store.ledger.open_reader(key, &Filter::all(), log.at(seq)).await.expect("opened");
    }
    let row = log.store.ledger.acknowledge(&keys[1], log.at(7)).await.expect("asked").expect("known");
    assert_eq!((&row.key, row.acknowledged.seq), (&keys[1], 7));
    assert_eq!(log.store.ledger.acknowledge(&reader("eve"), log.at(7)).await.expect("asked"), None);
    log.reopen().await;
    let rows = log.store.ledger.readers().await.expect("readers");
    let known: Vec<_> = rows.into_iter().map(|row| (row.key, row.acknowledged.seq)).collect();
    assert_eq!(known, [(keys[0].clone(), 2), (keys[1].clone(), 7)]);

    assert!(log.store.ledger.remove_reader(&reader("eve")).await.expect("asked").is_none());
    assert!(log.store.ledger.remove_reader(&keys[0]).await.expect("asked").is_some());
    log.reopen().await;
    let rows = log.store.ledger.readers().await.expect("readers");
    assert_eq!(rows.into_iter().map(|row| row.key).collect::<Vec<_>>(), [keys[1].clone()]);
}

pub async fn a_url_is_taken_for_its_owner_alone(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let one = log.store.ledger.insert_webhook(hook(&log, 1)).await.expect("registered");
    let same_url = |number| WebhookRow { url: one.url.clone(), ..hook(&log, number) };
    let zoes = WebhookRow { owner: owner("zoe"), ..same_url(2) };
    log.store.ledger.insert_webhook(zoes.clone()).await.expect("it is another's");
    let taken = log.store.ledger.insert_webhook(WebhookRow { owner: owner("zoe"), ..same_url(3) }).await;
    assert!(matches!(taken, Err(Error::UrlTaken { webhook }) if webhook == zoes.id));

    // What is changed stays its owner's, whoever it is written for.
    let changed = WebhookRow { settings: "{\"changed\":1}".into(), revision: 2, ..zoes.clone() };
    let put = log.store.ledger.update_webhook(WebhookRow { owner: owner("eve"), ..changed.clone() }, 1).await;
    assert_eq!(put.expect("changed"), changed);
    log.reopen().await;
    assert_eq!(log.store.ledger.webhooks().await.expect("webhooks"), [one.clone(), changed]);
    assert!(log.store.ledger.remove_webhook(&one.id).await.expect("asked"));
    let moved = DeliveryChange::Cursor { webhook: zoes.id.clone(), position: log.at(0) };
    log.store.ledger.record(Vec::new(), vec![moved]).await.expect("recorded");
    log.store.ledger.insert_webhook(hook(&log, 1)).await.expect("its url is free again");
}

pub async fn one_idempotency_key_of_two_principals_is_two(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let by = |name: &str, message: &str| {
        let principal = Principal::named(name).expect("a name").name().clone();
        NewEvent { source: Source { principal, ..source() }, ..keyed(message, "k") }
    };
    let first =
        log.store.log.append(Append::new(vec![by("local", "a"), by("zoe", "b")])).await.expect("appended");
    assert!(first.iter().all(|appended| !appended.repeated));
    log.reopen().await;
    for (name, message, seq) in [("local", "a", 1), ("zoe", "b", 2)] {
        let again =
            log.store.log.append(Append::new(vec![by(name, message)])).await.expect("appended").remove(0);
        let event = &again.event;
        assert_eq!((again.repeated, &*event.message, event.position.seq), (true, message, seq));
    }
    let third = log.store.log.append(Append::new(vec![by("eve", "c")])).await.expect("appended");
    assert!(!third[0].repeated);
    assert_eq!(messages(&log.page(log.read()).await.events), ["a", "b", "c"]);
}
