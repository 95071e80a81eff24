//! Records of webhooks after the process is killed: answered ones are there, and each is complete.

use std::collections::HashMap;

use fanfare_store::{
    Append, AttemptFilter, AttemptRow, DeliveryChange, DeliveryRow, DeliveryStatus, ReadAttempts, Store,
    WebhookRow,
};

use fanfare_store_suite::harness::event;
use fanfare_store_suite::hooks::id;

/// Records repeatedly that one event was not accepted, and reports how often, until the store fails.
pub(super) async fn record_for_ever(store: Store, round: usize, say: impl Fn(&str)) {
    let now = fanfare_runtime::clock::now();
    let appended =
        store.log.append(Append::new(vec![event(&format!("refused-{round}"))])).await.expect("appended");
    let row = WebhookRow {
        id: id(round),
        owner: fanfare_core::Principal::local().owner(),
        name: None,
        url: format!("http://127.0.0.1/{round}").into(),
        settings: format!("{round}").into(),
        state: "0".into(),
        revision: 1,
        cursor: appended[0].event.position,
        created: now,
    };
    store.ledger.insert_webhook(row).await.expect("registered");
    for number in 1.. {
        let delivery = DeliveryRow {
            webhook: id(round),
            event: appended[0].event.clone(),
            attempts: number,
            status: DeliveryStatus::Waiting(now),
            failure: "timeout".into(),
            batch: None,
        };
        let attempt = AttemptRow {
            id: 0,
            webhook: id(round),
            position: delivery.event.position,
            last_seq: delivery.event.position.seq,
            number,
            at: now,
            is_delivered: false,
            status: None,
            outcome: "timeout".into(),
            detail: "x".repeat(500).into(),
        };
        let state = DeliveryChange::State { webhook: id(round), state: format!("{number}").into() };
        let changes = vec![DeliveryChange::Put(delivery), DeliveryChange::Attempt(attempt), state];
        if store.ledger.record(Vec::new(), changes).await.is_err() {
            return;
        }
        say(&format!("recorded {round} {number}\n"));
    }
}

/// Reads a line of [`record_for_ever`]: the round, and how often.
pub(super) fn parse(line: &str) -> Option<(usize, u32)> {
    let (round, number) = line.strip_prefix("recorded ")?.split_once(' ')?;
    Some((round.parse().expect("a number"), number.parse().expect("a number")))
}

/// Checks that answered records are there, and that none is partial.
pub(super) async fn check(store: &Store, answered: &HashMap<usize, u32>) {
    let counts = store.ledger.delivery_counts().await.expect("counts");
    for row in store.ledger.webhooks().await.expect("webhooks") {
        let round: usize = row.settings.parse().expect("a number");
        let number: u32 = row.state.parse().expect("a number");
        assert!(number >= answered.get(&round).copied().unwrap_or(0), "round {round}: {number}");
        let waiting = counts.iter().find(|one| one.webhook == row.id).expect("counted").waiting;
        assert_eq!(waiting, u64::from(number > 0));
        let read = ReadAttempts {
            webhook: Some(row.id.clone()),
            seq: None,
            filter: AttemptFilter::default(),
            before: None,
            limit: 1,
        };
        let newest = store.ledger.attempts(read).await.expect("attempts").pop();
        assert_eq!(newest.as_ref().map_or(0, |attempt| attempt.number), number, "round {round}");
        if let Some(newest) = newest {
            let delivery =
                store.ledger.delivery(&row.id, newest.position).await.expect("read").expect("it waits");
            assert_eq!((delivery.attempts, &*delivery.event.message), (number, &*format!("refused-{round}")));
        }
    }
    for round in answered.keys() {
        assert!(counts.iter().any(|one| one.webhook == id(*round)), "the webhook of round {round}");
    }
}
