//! Attempts, chosen by what became of them and when.

use serde_json::{Value, json};

use crate::cli::Gateway as Shell;
use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};

/// Answers three deliveries, each in its own way.
async fn receiver() -> Receiver {
    Receiver::playing(vec![Script::status(503), Script::status(404)], Script::status(200)).await
}

#[tokio::test]
async fn attempts_are_filtered_by_status_outcome_and_time() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = receiver().await;
        let body = json!({ "webhook_url": receiver.url(), "retry": [] });
        let id =
            gateway.post_json("/api/webhooks", &body).await.json()["id"].as_str().expect("an id").to_owned();
        for message in ["a", "b", "c"] {
            gateway.post_json("/api/push", &json!({ "message": message })).await;
        }
        let outcomes = async |gateway: &Gateway, query: &str| {
            let of_one = gateway.get(&format!("/api/webhooks/{id}/attempts?{query}")).await.json();
            let of_all = gateway.get(&format!("/api/attempts?{query}")).await.json();
            assert_eq!(of_one["attempts"], of_all["attempts"], "{query}");
            let outcome = |attempt: &Value| attempt["outcome"].as_str().expect("text").to_owned();
            of_one["attempts"].as_array().expect("a list").iter().map(outcome).collect::<Vec<_>>()
        };
        let all = ["delivered", "http_4xx", "http_5xx"];
        for (query, expected) in [
            ("", &all[..]),
            ("status_code=404", &["http_4xx"]),
            ("status_code=500", &[]),
            ("outcome=http_5xx", &["http_5xx"]),
            ("outcome=timeout", &[]),
            ("outcome=http_5xx&delivered=true", &[]),
            ("since=1h", &all),
            ("until=1h", &[]),
            ("since=1h&until=0s&status_code=503", &["http_5xx"]),
        ] {
            assert_eq!(outcomes(&gateway, query).await, expected, "{query}");
        }
        for (query, at) in [
            ("status_code=99", "?status_code"),
            ("status_code=5xx", "?status_code"),
            ("outcome=bad", "?outcome"),
            ("outcome=replayed", "?outcome"),
            ("since=soon", "?since"),
        ] {
            let answer = gateway.get(&format!("/api/webhooks/{id}/attempts?{query}")).await;
            assert_eq!((answer.status, &answer.json()["at"]), (400, &json!(at)), "{query}");
        }
        if engine == Engine::Embedded {
            // The store keeps those that failed.
            gateway = gateway.restart().await;
            assert_eq!(outcomes(&gateway, "status_code=404").await, ["http_4xx"]);
            assert_eq!(outcomes(&gateway, "outcome=http_5xx&since=1h").await, ["http_5xx"]);
            assert_eq!(outcomes(&gateway, "until=1h").await, [""; 0]);
        }
    }
}

#[tokio::test]
async fn attempts_are_filtered_on_the_command_line() {
    let gateway = Shell::start().await;
    let receiver = receiver().await;
    let url = receiver.url();
    gateway.json(&["webhooks", "add", &url, "--retry", "none"]).await;
    for message in ["a", "b", "c"] {
        gateway.push(&["--wait", message]).await;
    }
    for (words, expected) in [
        (&["--status-code", "404"][..], 404),
        (&["--outcome", "http_5xx", "--since", "1h"], 503),
        (&["--delivered", "--until", "0s"], 200),
    ] {
        let all = [&["webhooks", "attempts", &*url], words].concat();
        let found = gateway.json(&all).await["attempts"].clone();
        assert_eq!((found.as_array().map(Vec::len), &found[0]["status_code"]), (Some(1), &json!(expected)));
    }
    let refused = gateway.run(&["webhooks", "attempts", "x", "--outcome", "bad"]).await;
    assert!(refused.code == 2 && refused.err.contains("timeout"), "{refused:?}");
}
