//! Appends to a remote engine, simulated in memory.

use std::time::Duration;

use fanfare_store::memory::{Disturbance, Memory};
use fanfare_store::{Append, Error, Log, Retention};
use fanfare_store_suite::harness::{event, seqs_appended};

const LATER: Duration = Duration::from_millis(20);

#[tokio::test]
async fn what_could_not_be_sent_changed_nothing_and_may_be_sent_again() {
    let memory = Memory::new(Retention::default());
    memory.disturb(Disturbance::Unavailable { retry_after: LATER });
    let append = Append::new(vec![event("x")]);
    let refused = memory.append(append.clone()).await;
    assert!(matches!(refused, Err(Error::Unavailable { retry_after: LATER })), "{refused:?}");
    assert_eq!(memory.head().borrow().last, 0);
    assert_eq!(seqs_appended(&memory.append(append).await.expect("appended")), [1]);
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_found() {
    let memory = Memory::new(Retention::default());
    memory.disturb(Disturbance::AnswerLost);
    let append = Append::new(vec![event("x"), event("y")]);
    let id = append.id;
    let lost = memory.append(append).await;
    assert!(matches!(&lost, Err(Error::Unknown { id: unknown }) if *unknown == id), "{lost:?}");
    let settled = memory.settle(id).await.expect("settled").expect("it happened");
    assert_eq!(seqs_appended(&settled), [1, 2]);
}

#[tokio::test]
async fn an_append_that_was_settled_does_not_happen_when_it_arrives() {
    let memory = Memory::new(Retention::default());
    memory.disturb(Disturbance::RequestDelayed);
    let append = Append::new(vec![event("late")]);
    let id = append.id;
    assert!(matches!(memory.append(append).await, Err(Error::Unknown { .. })));
    assert!(memory.settle(id).await.expect("settled").is_none());
    let arrived = memory.arrive();
    assert!(matches!(&arrived[..], [Err(Error::Settled { .. })]), "{arrived:?}");
    assert_eq!(memory.head().borrow().last, 0);
}

#[tokio::test]
async fn an_append_that_arrives_before_anybody_asks_happened() {
    let memory = Memory::new(Retention::default());
    memory.disturb(Disturbance::RequestDelayed);
    let append = Append::new(vec![event("late")]);
    let id = append.id;
    assert!(matches!(memory.append(append).await, Err(Error::Unknown { .. })));
    assert!(matches!(&memory.arrive()[..], [Ok(_)]));
    assert_eq!(seqs_appended(&memory.settle(id).await.expect("settled").expect("it happened")), [1]);
}
