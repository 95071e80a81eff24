//! Two who change the same webhook: `ETag` and `If-Match` keep one from undoing what the other did.

use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::webhooks_api::register;

async fn patch(gateway: &Gateway, path: &str, tag: &str, body: Value) -> Answer {
    let body = body.to_string();
    gateway.request("PATCH", path, |request| request.header("if-match", tag).body(body)).await
}

#[tokio::test]
async fn a_change_made_of_an_old_state_changes_nothing() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let (path, _) = register(&gateway, json!({"webhook_url": "http://127.0.0.1:9/"})).await;
        assert_eq!(gateway.get(&path).await.header("etag"), "\"1\"");
        let changed = patch(&gateway, &path, "\"1\"", json!({"description": "first"})).await;
        assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""), "{}", changed.text());

        let second = json!({"description": "second"});
        for tag in ["\"1\"", "\"zzz\"", "W/\"2\""] {
            let answer = patch(&gateway, &path, tag, second.clone()).await;
            assert_eq!(answer.problem(412, "precondition_failed")["at"], "header `If-Match`", "{tag}");
        }
        patch(&gateway, &path, "2", second).await.problem(400, "invalid_header");
        let shown = gateway.get(&path).await;
        assert_eq!((shown.header("etag"), &shown.json()["description"]), ("\"2\"", &json!("first")));

        for (tag, description) in [("\"1\", \"2\"", "one of two"), ("*", "any")] {
            let changed = patch(&gateway, &path, tag, json!({"description": description})).await;
            assert_eq!((changed.status, &changed.json()["description"]), (200, &json!(description)));
        }
    }
}

#[tokio::test]
async fn a_new_key_changes_the_tag_and_a_pause_does_not() {
    let gateway = Gateway::start().await;
    let (path, _) = register(&gateway, json!({"webhook_url": "http://127.0.0.1:9/"})).await;
    assert_eq!(gateway.post_json(&format!("{path}/secret/rotate"), &json!({})).await.status, 200);
    assert_eq!(gateway.get(&path).await.header("etag"), "\"2\"");
    for verb in ["pause", "resume"] {
        let answer = gateway.post_json(&format!("{path}/{verb}"), &json!({})).await;
        assert_eq!((answer.status, answer.header("etag")), (200, "\"2\""), "{verb}");
    }
}
