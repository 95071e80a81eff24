//! An answered change applies at once: to all later requests, and to all later events.

use fanfare_core::WebhookId;
use fanfare_webhook::breaker::FAILURES_MAX;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::webhook::Hook;

/// Number of concurrent pairs: one of this many would be handled in the wrong order.
const ROUNDS: usize = 40;

#[tokio::test]
async fn what_a_pusher_was_told_of_can_be_looked_at() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let (well, failing) = (Receiver::start().await, Receiver::playing(vec![], Script::status(500)).await);
        let taken = gateway.register(&well, json!({})).await;
        let waits = gateway.register(&failing, json!({ "retry": ["1h"] })).await;
        let pushed = gateway.post_json("/api/push", &json!({ "message": "x" })).await.json();
        assert_eq!(pushed["webhooks_notified"], 1);

        let list = gateway.get("/api/webhooks?details=true").await.json();
        let waiting = |id: &WebhookId| {
            let mut all = list["items"].as_array().expect("webhooks").iter();
            all.find(|webhook| webhook["id"] == id.to_string()).expect("it is listed")["waiting"].clone()
        };
        assert_eq!((waiting(&waits.id), waiting(&taken.id)), (json!(1), json!(0)));
        let event = pushed["id"].as_str().expect("an id");
        let receipts = gateway.get(&format!("/api/events/{event}/receipts")).await.json();
        let mut states: Vec<&Value> =
            receipts["webhooks"].as_array().expect("receipts").iter().map(|one| &one["state"]).collect();
        states.sort_by_key(|state| state.to_string());
        assert_eq!(states, ["delivered", "waiting"]);
        for hook in [&taken, &waits] {
            let attempts = gateway.get(&format!("/api/webhooks/{}/attempts", hook.id)).await.json();
            assert_eq!(attempts["attempts"].as_array().expect("attempts").len(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_secret_and_a_new_address_hold_for_what_is_pushed_next() {
    let gateway = Gateway::on(Engine::Memory).await;
    let receivers = [Receiver::start().await, Receiver::start().await];
    let hook = gateway.register(&receivers[0], json!({})).await;
    let path = format!("/api/webhooks/{}", hook.id);
    for round in 1..=ROUNDS {
        let receiver = &receivers[round % 2];
        move_to(&gateway, &hook, receiver).await;
        gateway.push_only("default", &format!("to {round}")).await;
        receiver.gets_message(&format!("to {round}")).await;

        let rotate = json!({ "overlap": "0s" });
        let rotated = gateway.post_json(&format!("{path}/secret/rotate"), &rotate).await.json();
        gateway.push_only("default", &format!("signed {round}")).await;
        let got = receiver.gets_message(&format!("signed {round}")).await;
        got.assert_signed(rotated["secret"].as_str().expect("a secret"));
    }
}

/// A receiver may answer when the webhook has moved away: the connection that it answers over leads to it still.
#[tokio::test]
async fn nothing_goes_to_an_earlier_address_over_a_connection_that_was_busy_during_the_change() {
    let gateway = Gateway::on(Engine::Memory).await;
    let (earlier, present) = (Receiver::playing(vec![], Script::Held).await, Receiver::start().await);
    let hook = gateway.register(&earlier, json!({})).await;
    gateway.push_only("default", "before").await;
    earlier.gets_message("before").await;
    move_to(&gateway, &hook, &present).await;
    gateway.push_only("default", "after").await;
    present.gets_message("after").await;
    gateway.outcomes(&hook, 1).await;

    earlier.release();
    gateway.outcomes(&hook, 2).await;
    gateway.push_only("default", "last").await;
    present.gets_message("last").await;
    assert_eq!((earlier.messages(), present.connections()), (vec!["before".to_owned()], 1));
}

#[tokio::test]
async fn what_an_earlier_address_answers_holds_nothing_back_from_the_present_one() {
    // The one wants nothing any more, the other failed often enough to be left alone.
    for status in [410, 500] {
        let gateway = Gateway::on(Engine::Memory).await;
        let (earlier, present) =
            (Receiver::playing(vec![], Script::HeldWith(status)).await, Receiver::start().await);
        let hook = gateway.register(&earlier, json!({ "concurrency": 10, "retry": ["1h"] })).await;
        let count = FAILURES_MAX as usize;
        gateway.push_numbers(count).await;
        earlier.gets(count).await;
        move_to(&gateway, &hook, &present).await;

        earlier.release();
        gateway.outcomes(&hook, count).await;
        let entry = gateway.entry(&hook);
        assert!(entry.health().last_failure.is_some(), "it is shown all the same");
        gateway.push_only("default", "after").await;
        present.gets_message("after").await;
        assert!(!entry.is_paused());
    }
}

async fn move_to(gateway: &Gateway, hook: &Hook, receiver: &Receiver) {
    let path = format!("/api/webhooks/{}", hook.id);
    let body = json!({ "webhook_url": receiver.url() }).to_string();
    let json =
        |request: reqwest::RequestBuilder| request.header("content-type", "application/json").body(body);
    let changed = gateway.request("PATCH", &path, json).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
}
