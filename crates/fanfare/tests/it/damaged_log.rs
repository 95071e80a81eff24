//! An old event is damaged: it alone is lost, and everybody who would have read it is told.

use fanfare::engines::StoreSpec;
use fanfare::gateway::Config;
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::reader::{Frame, Listen, Transport};
use crate::support::receiver::{Receiver, Script};
use crate::support::tools::Era;
use crate::support::{Engine, until};
use fanfare_store_suite::damage::flip_a_bit;

/// What the damaged event said.
const HIT: &str = "the one that is hit";

/// Damages the event, in the file of a gateway that does not run.
fn damage(config: &mut Config) {
    let StoreSpec::Embedded(path) = &config.store else { panic!("no file") };
    flip_a_bit(path, HIT);
}

fn messages(answer: &Value) -> Vec<&str> {
    answer["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["message"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_event_is_lost_and_nothing_else() {
    const OTHERS: [&str; 4] = ["one", "two", "four", "five"];
    let gateway = Gateway::on(Engine::Embedded).await;
    let broken = Receiver::playing(vec![], Script::status(500)).await;
    let waiting = gateway.register(&broken, json!({ "retry": ["1h"] })).await;
    for message in ["one", "two", HIT, "four", "five"] {
        gateway.push("default", message).await;
    }
    until("five rows", async || (gateway.rows(&waiting).await.len() == 5).then_some(())).await;
    let gateway = gateway.restart_with(damage).await;

    for transport in Transport::ALL {
        let mut reader = gateway.open(transport, Listen::earliest("default")).await;
        assert_eq!(reader.messages(2).await, ["one", "two"], "{transport:?}");
        let Frame::Gap(gap) = reader.next().await else { panic!("{transport:?}: no gap") };
        assert_eq!((&gap["reason"], &gap["missed"]), (&json!("damaged"), &json!(1)), "{transport:?}");
        assert_eq!((&gap["after"], &gap["next"]), (&json!(gateway.position(2)), &json!(gateway.position(4))));
        assert_eq!(reader.messages(2).await, ["four", "five"], "{transport:?}");
    }
    let arguments = json!({ "channels": ["default"], "cursor": gateway.position(2), "wait": "1s" });
    let waited = gateway.tool(Era::Modern, "wait_for", arguments).await;
    assert!(waited.text.contains("Up to 1 earlier event could not be returned"), "{}", waited.text);
    assert_eq!(waited.structured["missed"], 1);

    for order in ["oldest", "newest"] {
        let answer = gateway.get(&format!("/api/events?order={order}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut shown = answer.json();
        if order == "newest" {
            shown["events"].as_array_mut().expect("events").reverse();
        }
        assert_eq!((messages(&shown), &shown["damaged"]), (OTHERS.to_vec(), &json!(1)), "{order}");
    }
    let told = gateway.tool(Era::Modern, "read_history", json!({})).await;
    assert_eq!(told.structured["damaged"], 1, "{}", told.text);
    let one = gateway.get(&format!("/api/events/{}", gateway.position(3))).await;
    assert_eq!(one.status, 500, "{}", one.text());
    assert!(one.text().contains("damaged"), "{}", one.text());

    // A webhook that starts at the beginning gets the others, and one that waits for it gives it up.
    let receiver = Receiver::start().await;
    gateway.register(&receiver, json!({ "since": "earliest" })).await;
    receiver.gets(4).await;
    let mut got = receiver.messages();
    got.sort_unstable();
    let mut expected = OTHERS;
    expected.sort_unstable();
    assert_eq!(got, expected);
    until("four rows", async || {
        let shown = gateway.get("/api/status").await.json();
        (shown["webhooks"]["waiting"] == 4).then_some(())
    })
    .await;

    let status = gateway.get("/api/status").await.json();
    assert_eq!(status["damaged_events"], 1, "{status}");
    assert!(gateway.get("/metrics").await.text().contains("\nfanfare_damaged_events 1\n"));
    assert_eq!(gateway.get("/ready").await.status, 200);
    gateway.push("default", "six").await;
    let errors = gateway.take_errors();
    assert!(errors.iter().all(|line| line.contains("damaged")), "{errors:#?}");
    assert_eq!(errors.iter().filter(|line| line.contains("is passed over")).count(), 1, "{errors:#?}");
}
