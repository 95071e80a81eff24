//! A webhook is deleted while something else is done to it.

use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::receiver::{Got, Receiver};

/// What is done to a webhook while it is deleted.
#[derive(Debug, Clone, Copy)]
enum Verb {
    Change,
    Create,
    Delete,
    Pause,
    Register,
    Replay,
    Resume,
    Rotate,
    Test,
    Unregister,
}

const VERBS: [Verb; 10] = [
    Verb::Change,
    Verb::Create,
    Verb::Delete,
    Verb::Pause,
    Verb::Register,
    Verb::Replay,
    Verb::Resume,
    Verb::Rotate,
    Verb::Test,
    Verb::Unregister,
];

const ROUNDS: usize = 12;

impl Verb {
    async fn run(self, gateway: &Gateway, id: &str, url: &str) -> Answer {
        let one = format!("/api/webhooks/{id}");
        let (method, path, body) = match self {
            Verb::Change => ("PATCH", one, json!({ "description": "changed" })),
            Verb::Create => ("POST", "/api/webhooks".to_owned(), json!({ "webhook_url": url })),
            Verb::Delete => ("DELETE", one, Value::Null),
            Verb::Pause => ("POST", format!("{one}/pause"), Value::Null),
            Verb::Register => ("POST", "/api/register".to_owned(), json!({ "webhook_url": url })),
            Verb::Replay => ("POST", format!("{one}/replay"), json!({ "state": "failed", "dry_run": false })),
            Verb::Resume => ("POST", format!("{one}/resume"), Value::Null),
            Verb::Rotate => ("POST", format!("{one}/secret/rotate"), json!({})),
            Verb::Test => ("POST", format!("{one}/test"), json!({})),
            Verb::Unregister => ("POST", "/api/unregister".to_owned(), json!({ "webhook_url": url })),
        };
        let build = |request: reqwest::RequestBuilder| match body {
            Value::Null => request,
            body => request.json(&body),
        };
        gateway.request(method, &path, build).await
    }
}

/// Returns the ids and positions of all webhooks.
async fn listed(gateway: &Gateway) -> Vec<(String, String)> {
    let list = gateway.get("/api/webhooks?details=true").await.json();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let items = list["items"].as_array().expect("items");
    items.iter().map(|item| (text(&item["id"]), text(&item["position"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_webhook_stays_deleted_whatever_is_done_to_it_meanwhile() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        for number in 0..20 {
            gateway.push("old", &number.to_string()).await;
        }
        let last = gateway.last();
        let mut deleted = Vec::new();
        for round in 0..ROUNDS {
            for verb in VERBS {
                let url = receiver.url_of(&format!("/{round}/{verb:?}"));
                let created = gateway.post_json("/api/webhooks", &json!({ "webhook_url": url })).await.json();
                let id = created["id"].as_str().expect("an id").to_owned();
                let delete = Verb::Delete.run(&gateway, &id, &url);
                // Now the one and now the other is ahead.
                let (delete, other) = match round % 2 {
                    0 => tokio::join!(delete, verb.run(&gateway, &id, &url)),
                    _ => {
                        let (other, delete) = tokio::join!(verb.run(&gateway, &id, &url), delete);
                        (delete, other)
                    }
                };
                let was_deleted = [delete.status, other.status].contains(&200);
                assert!(was_deleted && matches!(delete.status, 200 | 404), "{verb:?}: {}", delete.status);
                assert!(
                    matches!(other.status, 200 | 201 | 404 | 409 | 412 | 429),
                    "{verb:?} on {engine:?}: {}",
                    other.status
                );
                let gone = gateway.get(&format!("/api/webhooks/{id}")).await;
                assert_eq!(gone.status, 404, "{verb:?} on {engine:?}");
                deleted.push(id);
            }
        }
        let check = async |gateway: &Gateway| {
            for (id, position) in listed(gateway).await {
                assert!(!deleted.contains(&id), "{id} came back on {engine:?}");
                assert_eq!(position, last, "{id} begins with the events after its registration");
            }
        };
        check(&gateway).await;
        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
            check(&gateway).await;
        }
        let is_old = |got: &Got| String::from_utf8_lossy(&got.body).contains("\"channel\":\"old\"");
        assert!(!receiver.got().iter().any(is_old), "what came before a registration was sent on {engine:?}");
        gateway.stop().await;
    }
}
