//! Tests of appends whose outcome is looked up.

use fanfare_core::NewEvent;
use fanfare_store::{Append, AppendId, Appended, Error, Retention};

use crate::harness::{Setup, event, keyed, messages, seqs_appended, soon};

fn shown(appended: &[Appended]) -> Vec<(u64, String, bool)> {
    let one = |one: &Appended| (one.event.position.seq, one.event.message.to_string(), one.repeated);
    appended.iter().map(one).collect()
}

pub async fn what_happened_is_told_as_it_was_answered(engine: impl Setup) {
    let log = engine.start(Retention::default());
    log.append(&["before"]).await;
    log.store.log.append(Append::new(vec![keyed("first", "k")])).await.expect("appended");
    let append = Append::new(vec![event("a"), keyed("first", "k"), event("c")]);
    let id = append.id;
    let answered = log.store.log.append(append).await.expect("appended");
    log.append(&["after"]).await;
    for _ in 0..2 {
        let settled = log.store.log.settle(id).await.expect("settled").expect("it happened");
        assert_eq!(shown(&settled), shown(&answered));
    }
    assert_eq!(log.store.head().last, 5);
}

pub async fn what_was_given_up_never_happens(engine: impl Setup) {
    let log = engine.start(Retention::default());
    log.append(&["before"]).await;
    let append = Append::new(vec![event("late")]);
    let id = append.id;
    assert!(log.store.log.settle(id).await.expect("settled").is_none());
    assert!(log.store.log.settle(id).await.expect("settled").is_none(), "it is final");
    let late = log.store.log.append(append).await;
    assert!(matches!(&late, Err(Error::Settled { id: given_up }) if *given_up == id), "{late:?}");
    assert!(log.store.log.settle(id).await.expect("settled").is_none(), "also afterwards");
    assert_eq!(log.append(&["next"]).await, [2]);
    assert_eq!(messages(&log.pages(log.read()).await), ["before", "next"]);
}

pub async fn what_was_refused_did_not_happen(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let too_many = 0..=fanfare_store::CHANNELS_MAX;
    let on = |number| NewEvent { channel: format!("c{number}").parse().expect("a channel"), ..event("x") };
    let append = Append::new(too_many.map(on).collect());
    let id = append.id;
    let refused = log.store.log.append(append).await;
    assert!(matches!(refused, Err(Error::TooManyChannels { .. })), "{refused:?}");
    assert!(log.store.log.settle(id).await.expect("settled").is_none());
    assert!(log.store.log.settle(AppendId::random()).await.expect("settled").is_none());
}

pub async fn asking_and_appending_at_once_agree(engine: impl Setup) {
    const ROUNDS: usize = 200;
    let log = engine.start(Retention::default());
    let mut made = Vec::new();
    for _ in 0..ROUNDS {
        let append = Append::new(vec![event("x")]);
        let (id, store) = (append.id, log.store.clone());
        let appending = tokio::spawn(async move { store.log.append(append).await });
        let settled = soon(log.store.log.settle(id)).await.expect("settled");
        let answered = soon(appending).await.expect("no panic");
        match (&settled, &answered) {
            (Some(settled), Ok(answered)) => assert_eq!(seqs_appended(settled), seqs_appended(answered)),
            (None, Err(Error::Settled { .. })) => {}
            both => panic!("{both:?}"),
        }
        made.extend(settled.iter().flatten().map(|one| one.event.position.seq));
    }
    assert_eq!(made, (1..=made.len() as u64).collect::<Vec<_>>(), "no hole, and nothing twice");
    assert_eq!(log.store.head().last, made.len() as u64);
}

pub async fn what_retention_removed_is_not_given_up(engine: impl Setup) {
    let log = engine.start(Retention { count: 2, ..Retention::default() });
    let append = Append::new(vec![event("x")]);
    let id = append.id;
    log.store.log.append(append).await.expect("appended");
    log.append(&["y"; 9]).await;
    log.sweep_all().await;
    log.store.log.settle(id).await.expect_err("it happened, and is gone");
}
