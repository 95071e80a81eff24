//! Publishing to a store whose answers are lost.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Door, Principal, Via};
use fanfare_hub::publish::PushError;
use fanfare_hub::{Config, Hub};
use fanfare_runtime::budget::Budget;
use fanfare_runtime::telemetry::Metrics;
use fanfare_store::memory::{Disturbance, Memory};
use fanfare_store::{Error, Retention, Store};
use fanfare_store_suite::harness::event;

const VIA: Via = Via { door: Door::Http, address: None, agent: None };

async fn hub() -> (Hub, Arc<Memory>) {
    let memory = Memory::new(Retention::default());
    let store = Store::new(Arc::clone(&memory));
    let (hub, _follower) =
        Hub::new(store, Config::default(), &Budget::default(), &Metrics::new()).await.expect("a hub");
    (hub, memory)
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_is_answered_with_what_it_appended() {
    let (hub, memory) = hub().await;
    memory.disturb(Disturbance::AnswerLost);
    let published = hub.publish(&Principal::local(), &VIA, vec![event("x")]).await.expect("published");
    assert_eq!(published.appended[0].event.position, hub.last());
    assert_eq!(hub.last().seq, 1, "once");
}

#[tokio::test]
async fn a_push_that_did_not_happen_never_happens_later() {
    let (hub, memory) = hub().await;
    memory.disturb(Disturbance::RequestDelayed);
    let refused = hub.publish(&Principal::local(), &VIA, vec![event("x")]).await;
    assert!(matches!(refused, Err(PushError::Store(Error::Unavailable { .. }))), "{refused:?}");
    assert!(matches!(&memory.arrive()[..], [Err(Error::Settled { .. })]));
    hub.publish(&Principal::local(), &VIA, vec![event("x")]).await.expect("it may be pushed again");
    assert_eq!(hub.last().seq, 1, "once");
}

#[tokio::test]
async fn a_push_to_a_store_that_cannot_be_reached_says_when_to_come_again() {
    let (hub, memory) = hub().await;
    let retry_after = Duration::from_millis(700);
    memory.disturb(Disturbance::Unavailable { retry_after });
    match hub.publish(&Principal::local(), &VIA, vec![event("x")]).await {
        Err(PushError::Store(Error::Unavailable { retry_after: told })) => assert_eq!(told, retry_after),
        other => panic!("{other:?}"),
    }
    assert_eq!(hub.last().seq, 0);
}
