//! Two instances on one store: each webhook is sent by one of them, and the other takes over.

#![expect(clippy::disallowed_methods, reason = "a test is its own application, and spawns")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::Principal;
use fanfare_delivery::changing::Expected;
use fanfare_delivery::first_attempts::WAIT_DEFAULT;
use fanfare_store::memory::Memory;
use fanfare_store::{Retention, Store};
use fanfare_store_suite::harness::{Setup, soon};
use fanfare_store_suite::hooks::{all_attempts, of};
use fanfare_store_suite::memory::InMemory;
use fanfare_webhook::patch::Change;
use fanfare_webhook::policy::Mode;
use support::{Answer, Frozen, Instance, Receiver, TERM};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_webhook_is_sent_by_the_instance_that_claimed_it() {
    let log = InMemory.start(Retention::default());
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    let a = Instance::start(&log.store).await;
    a.register(&first).await;
    // The events are pushed to both, and each is in the log once.
    let b = Instance::start(&log.store).await;
    b.register(&second).await;
    for number in 0..10 {
        let instance = if number % 2 == 0 { &a } else { &b };
        instance.push(&number.to_string()).await;
    }
    let expected: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    assert_eq!((first.gets(10).await, second.gets(10).await), (expected.clone(), expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_instance_registers_changes_or_removes_the_others_follow() {
    let log = InMemory.start(Retention::default());
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    let (a, b) = (Instance::start(&log.store).await, Instance::start(&log.store).await);
    a.register(&first).await;
    b.knows(&[&first]).await;
    // The owner sends to where another instance has told it to.
    let url = second.url().parse().expect("a URL");
    let (by, id) = (Principal::local(), b.only_webhook());
    let change = Change { url: Some(url), ..Change::default() };
    b.webhooks.change(&by, Mode::Local, &id, change, &Expected::Any).await.expect("changed");
    a.knows(&[&second]).await;
    b.push("x").await;
    assert_eq!(second.gets(1).await, ["x"]);
    assert!(b.webhooks.remove(&by, &id, &Expected::Any).await.expect("asked"));
    a.knows(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_instance_takes_over_from_one_that_died() {
    let log = InMemory.start(Retention::default());
    let receiver = Receiver::start().await;
    let a = Instance::start(&log.store).await;
    a.register(&receiver).await;
    a.push("before").await;
    receiver.gets(1).await;
    let b = Instance::start(&log.store).await;
    // Under way when the owner dies, and after that.
    receiver.answer(Answer::Never);
    a.push("during").await;
    receiver.gets(2).await;
    drop(a);
    b.push("after").await;
    log.clock.turn(TERM);
    // What was recorded before is not sent again; what was under way is.
    let got = receiver.gets_message("after").await;
    assert!(got.iter().filter(|message| *message == "during").count() >= 2, "{got:?}");
    // The new owner makes first attempts, and pushers there wait for them.
    let awaited = b.webhooks.expect(WAIT_DEFAULT);
    let pushed = b.push("later").await;
    assert_eq!(soon(awaited.reached(&pushed.appended, std::future::pending())).await.webhooks_notified, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_stops_hands_over_at_once() {
    let log = InMemory.start(Retention::default());
    let receiver = Receiver::start().await;
    let a = Instance::start(&log.store).await;
    a.register(&receiver).await;
    for number in 0..5 {
        a.push(&number.to_string()).await;
    }
    receiver.gets(5).await;
    let b = Instance::start(&log.store).await;
    soon(a.stop()).await;
    // The clock stands still, so no claim expires.
    b.push("next").await;
    let got = receiver.gets_message("next").await;
    assert_eq!(got, ["0", "1", "2", "3", "4", "next"], "everything was recorded before the release");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_recorded_by_an_instance_that_wakes_up_too_late() {
    let log = InMemory.start(Retention::default());
    let receiver = Receiver::start().await;
    let mut a = Frozen::start(&log.store, &receiver);
    a.has_registered().await;
    // Its first outcome is a failure, but it does not hear of it in time.
    receiver.answer(Answer::LateFailure);
    log.append(&["x"]).await;
    receiver.gets(1).await;
    let b = Instance::start(&log.store).await;
    let a = a.freeze().await;
    log.clock.turn(TERM);
    assert_eq!(receiver.gets(2).await, ["x", "x"], "the new owner sends it too");
    receiver.release();
    a.thaw_and_stop().await;
    soon(b.stop()).await;

    let ledger = &log.store.ledger;
    assert_eq!(ledger.webhooks().await.expect("webhooks")[0].cursor, log.at(1));
    assert_eq!(ledger.attempts(all_attempts()).await.expect("attempts"), [], "only failures are kept");
    let webhook = ledger.webhooks().await.expect("webhooks")[0].id.clone();
    let waiting = fanfare_store::ReadDeliveries { webhook, ..of(0) };
    assert_eq!(ledger.deliveries(waiting).await.expect("rows"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_cannot_renew_its_claims_stops_sending_until_it_can() {
    let memory = Memory::new(Retention::default());
    let store = Store::new(Arc::clone(&memory));
    let receiver = Receiver::start().await;
    let a = Instance::start(&store).await;
    a.register(&receiver).await;
    a.push("before").await;
    receiver.gets(1).await;
    receiver.answer(Answer::Never);
    a.push("during").await;
    receiver.gets(2).await;
    memory.refuse_claims(true);
    receiver.is_cut_off().await;
    a.push("after").await;
    memory.refuse_claims(false);
    // Nobody else has claimed it: the same owner continues where it stopped.
    assert_eq!(receiver.gets(4).await, ["before", "during", "during", "after"]);
    let attempts = store.ledger.attempts(all_attempts()).await.expect("attempts");
    assert_eq!(attempts, [], "to be cut off is not the receiver's failure");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_alone_goes_on_after_its_term() {
    let log = InMemory.start(Retention::default());
    let receiver = Receiver::start().await;
    let a = Instance::start(&log.store).await;
    a.register(&receiver).await;
    for number in 0..3 {
        log.clock.turn(TERM + Duration::from_secs(1));
        a.push(&number.to_string()).await;
        receiver.gets(number + 1).await;
    }
    assert_eq!(receiver.gets(3).await, ["0", "1", "2"]);
}
