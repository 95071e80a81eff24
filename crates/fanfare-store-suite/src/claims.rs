//! Tests of claims: of several instances, one sends a webhook.

use std::collections::HashMap;
use std::time::Duration;

use fanfare_core::WebhookId;
use fanfare_store::{Claim, DeliveryChange, Error, InstanceId, Lease, Retention};

use crate::harness::{Log, Setup, soon};
use crate::hooks::{all_attempts, attempt, cursor, hook, id, ids_of, of, seqs_of, waiting};

/// A term; the suite turns the clock past it.
const TERM: Duration = Duration::from_secs(30);

/// Starts a log of five events with the webhooks 1 to 3.
async fn start(engine: impl Setup) -> Log {
    let log = engine.start(Retention::default());
    log.append(&["x"; 5]).await;
    for number in 1..=3 {
        log.store.ledger.insert_webhook(hook(&log, number)).await.expect("registered");
    }
    log
}

async fn claims(log: &Log, instance: InstanceId, numbers: &[usize]) -> Vec<Claim> {
    let wanted = numbers.iter().map(|number| id(*number)).collect();
    log.store.ledger.claim(instance, wanted, TERM).await.expect("asked")
}

async fn claim(log: &Log, instance: InstanceId, number: usize) -> Option<Lease> {
    claims(log, instance, &[number]).await.pop().map(|claim| claim.lease)
}

/// Renews leases; returns for each whether it could be.
async fn renew(log: &Log, leases: [&Lease; 2]) -> [bool; 2] {
    let lost = log.store.ledger.renew(leases.map(Lease::clone).to_vec(), TERM).await.expect("asked");
    leases.map(|lease| !lost.contains(lease))
}

async fn renew_one(log: &Log, lease: &Lease) -> bool {
    renew(log, [lease, lease]).await == [true, true]
}

async fn cursor_of(log: &Log, number: usize) -> u64 {
    let rows = log.store.ledger.webhooks().await.expect("webhooks");
    rows.iter().find(|row| row.id == id(number)).expect("registered").cursor.seq
}

fn fenced(recorded: Result<(), Error>) -> Vec<Lease> {
    match recorded {
        Err(Error::Fenced { leases }) => leases,
        other => panic!("not fenced: {other:?}"),
    }
}

pub async fn a_webhook_has_one_owner_at_a_time(engine: impl Setup) {
    let log = start(engine).await;
    let (a, b) = (InstanceId::random(), InstanceId::random());
    assert_eq!(claims(&log, a, &[1, 2, 9]).await.len(), 2, "9 is not registered");
    let rest = claims(&log, b, &[1, 2, 3]).await;
    assert_eq!(rest.iter().map(|claim| &claim.lease.webhook).collect::<Vec<_>>(), [&id(3)]);
    log.clock.turn(TERM - Duration::from_secs(1));
    assert_eq!(claim(&log, b, 1).await, None, "the term of the other is not over");
    log.clock.turn(Duration::from_secs(1));
    assert!(claim(&log, b, 1).await.is_some(), "the term is over");
    assert_eq!(claim(&log, a, 1).await, None);
}

pub async fn a_claim_that_is_repeated_is_the_same(engine: impl Setup) {
    let log = start(engine).await;
    let (a, b) = (InstanceId::random(), InstanceId::random());
    let first = claim(&log, a, 1).await.expect("free");
    log.clock.turn(TERM * 2 / 3);
    assert_eq!(claim(&log, a, 1).await.as_ref(), Some(&first));
    log.clock.turn(TERM * 2 / 3);
    assert_eq!(claim(&log, b, 1).await, None, "the term began again");
}

pub async fn of_many_who_claim_at_once_one_gets_it(engine: impl Setup) {
    let log = start(engine).await;
    let mut fences: HashMap<WebhookId, u64> = HashMap::new();
    for _round in 0..3 {
        let mut tasks = tokio::task::JoinSet::new();
        for _instance in 0..8 {
            let ledger = log.store.ledger.clone();
            tasks.spawn(async move {
                ledger.claim(InstanceId::random(), vec![id(1), id(2), id(3)], TERM).await.expect("asked")
            });
        }
        let all: Vec<Claim> = soon(tasks.join_all()).await.into_iter().flatten().collect();
        assert_eq!(all.len(), 3, "{all:?}");
        for claim in all {
            let Lease { webhook, fence } = claim.lease;
            let before = fences.insert(webhook, fence);
            assert!(before.is_none_or(|before| before < fence), "a fence only grows");
        }
        assert_eq!(fences.len(), 3);
        log.clock.turn(TERM);
    }
}

pub async fn a_claim_has_what_the_last_owner_left(engine: impl Setup) {
    let log = start(engine).await;
    let new = claims(&log, InstanceId::random(), &[1]).await.pop().expect("free");
    assert_eq!((new.left, new.has_deliveries), (None, false), "it is as it was registered");
    let first = new.lease;
    let state = DeliveryChange::State { webhook: id(1), state: "tired".into() };
    let changes = vec![cursor(&log, 1, 4), state, waiting(&log, 1, 3).await];
    log.store.ledger.record(vec![first.clone()], changes).await.expect("recorded");
    log.clock.turn(TERM);
    let second = InstanceId::random();
    let next = claims(&log, second, &[1]).await.pop().expect("expired");
    assert!(first.fence < next.lease.fence && next.has_deliveries);
    let left = next.left.as_ref().expect("it had an owner");
    assert_eq!((left.cursor.seq, &*left.state), (4, "tired"));
    assert_eq!(claims(&log, second, &[1]).await, [next], "also if the first answer was lost");
}

pub async fn nothing_of_a_fenced_record_is_written(engine: impl Setup) {
    let mut log = start(engine).await;
    let (a, b) = (InstanceId::random(), InstanceId::random());
    let old: Vec<Lease> = claims(&log, a, &[1, 2]).await.into_iter().map(|claim| claim.lease).collect();
    log.clock.turn(TERM);
    let new = claim(&log, b, 1).await.expect("expired");

    let late =
        vec![cursor(&log, 1, 4), waiting(&log, 1, 3).await, attempt(&log, 1, 3, false), cursor(&log, 2, 5)];
    let recorded = log.store.ledger.record(old.clone(), late).await;
    assert_eq!(fenced(recorded), [old[0].clone()], "the other lease is good");
    assert_eq!((cursor_of(&log, 1).await, cursor_of(&log, 2).await), (0, 0));
    assert_eq!(seqs_of(&log, of(1)).await, [0; 0]);
    assert_eq!(ids_of(&log, all_attempts()).await, [0; 0]);

    log.store
        .ledger
        .record(vec![new, old[1].clone()], vec![cursor(&log, 1, 2), cursor(&log, 2, 5)])
        .await
        .expect("good");
    log.reopen().await;
    assert_eq!((cursor_of(&log, 1).await, cursor_of(&log, 2).await), (2, 5));
}

pub async fn an_expired_lease_is_good_until_another_claims(engine: impl Setup) {
    let log = start(engine).await;
    let (a, b) = (InstanceId::random(), InstanceId::random());
    let lease = claim(&log, a, 1).await.expect("free");
    log.clock.turn(TERM * 2);
    log.store
        .ledger
        .record(vec![lease.clone()], vec![cursor(&log, 1, 1)])
        .await
        .expect("nobody else has claimed");
    assert!(renew_one(&log, &lease).await);
    assert_eq!(claim(&log, b, 1).await, None, "it was renewed");
    log.clock.turn(TERM * 2);
    let next = claim(&log, b, 1).await.expect("expired");
    assert_eq!(renew(&log, [&lease, &next]).await, [false, true]);
    let recorded = log.store.ledger.record(vec![lease.clone()], vec![cursor(&log, 1, 2)]).await;
    assert_eq!(fenced(recorded), [lease]);
}

pub async fn what_is_released_is_free_at_once(engine: impl Setup) {
    let log = start(engine).await;
    let (a, b) = (InstanceId::random(), InstanceId::random());
    let old = claim(&log, a, 1).await.expect("free");
    log.store.ledger.release(vec![old.clone()]).await.expect("asked");
    assert!(!renew_one(&log, &old).await, "it was released");
    log.store
        .ledger
        .record(vec![old.clone()], vec![cursor(&log, 1, 1)])
        .await
        .expect("nobody else has claimed");
    let new = claim(&log, b, 1).await.expect("released");
    assert!(old.fence < new.fence);
    assert_eq!(renew(&log, [&old, &new]).await, [false, true]);
    log.store.ledger.release(vec![old]).await.expect("asked");
    assert_eq!(claim(&log, a, 1).await, None, "an old lease does not release what another has claimed");
}

pub async fn a_removed_webhook_belongs_to_nobody(engine: impl Setup) {
    let log = start(engine).await;
    let a = InstanceId::random();
    let old = claim(&log, a, 1).await.expect("free");
    log.store.ledger.remove_webhook(&id(1)).await.expect("removed");
    log.store
        .ledger
        .record(vec![old.clone()], vec![cursor(&log, 1, 3)])
        .await
        .expect("there is nothing to change");
    assert!(!renew_one(&log, &old).await);
    log.store.ledger.insert_webhook(hook(&log, 1)).await.expect("registered");
    let new = claim(&log, a, 1).await.expect("free");
    assert!(old.fence < new.fence, "one with the same id is another webhook");
    let recorded = log.store.ledger.record(vec![old.clone()], vec![cursor(&log, 1, 3)]).await;
    assert_eq!(fenced(recorded), [old]);
}

pub async fn changes_by_hand_need_no_lease(engine: impl Setup) {
    let log = start(engine).await;
    let lease = claim(&log, InstanceId::random(), 1).await.expect("free");
    let state = DeliveryChange::State { webhook: id(1), state: "paused".into() };
    log.store.ledger.record(Vec::new(), vec![state]).await.expect("recorded");
    assert_eq!(log.store.ledger.webhooks().await.expect("webhooks")[0].state, "paused".into());
    assert!(renew_one(&log, &lease).await);
}

pub async fn opening_a_store_of_one_process_ends_its_claims(engine: impl Setup) {
    let mut log = start(engine).await;
    claim(&log, InstanceId::random(), 1).await.expect("free");
    log.reopen().await;
    let is_free = claim(&log, InstanceId::random(), 1).await.is_some();
    assert_eq!(is_free, log.setup.survives(), "a killed process does not hold up the next one");
}

pub async fn a_closed_store_has_no_claims(engine: impl Setup) {
    let log = start(engine).await;
    let a = InstanceId::random();
    let lease = claim(&log, a, 1).await.expect("free");
    log.store.engine.close().await;
    assert!(matches!(log.store.ledger.claim(a, vec![id(1)], TERM).await, Err(Error::Closed)));
    assert!(matches!(log.store.ledger.renew(vec![lease.clone()], TERM).await, Err(Error::Closed)));
    assert!(matches!(log.store.ledger.release(vec![lease]).await, Err(Error::Closed)));
}
