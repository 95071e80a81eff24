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
            assert_eq!(answer.problem(412, "precondition_failed")["at"], "If-Match:", "{tag}");
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

/// The verbs other than `PATCH`, with the body of each.
const VERBS: [(&str, &str, &str); 4] = [
    ("POST", "/pause", "{}"),
    ("POST", "/resume", "{}"),
    ("POST", "/secret/rotate", "{}"),
    ("DELETE", "", ""),
];

#[tokio::test]
async fn every_verb_leaves_a_webhook_that_has_changed() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let (path, _) = register(&gateway, json!({"webhook_url": "http://127.0.0.1:9/"})).await;
        patch(&gateway, &path, "*", json!({"description": "by another"})).await;
        let before = gateway.get(&path).await;
        let ask = async |(method, verb, body): (&'static str, &str, &'static str), tag: &str| {
            let (path, tag) = (format!("{path}{verb}"), tag.to_owned());
            gateway.request(method, &path, |request| request.header("if-match", tag).body(body)).await
        };
        for verb in VERBS {
            for tag in ["\"1\"", "\"zzz\"", "W/\"2\""] {
                let problem = ask(verb, tag).await.problem(412, "precondition_failed");
                assert_eq!(problem["at"], "If-Match:", "{verb:?} {tag}");
            }
            ask(verb, "2").await.problem(400, "invalid_header");
        }
        let after = gateway.get(&path).await;
        assert_eq!((after.header("etag"), after.json()), (before.header("etag"), before.json()));

        let tags = [("\"2\"", "\"2\""), ("\"2\"", "\"2\""), ("\"2\"", "\"3\""), ("\"3\"", "")];
        for (verb, (tag, answered)) in VERBS.into_iter().zip(tags) {
            let answer = ask(verb, tag).await;
            assert_eq!(
                (answer.status, answer.header("etag")),
                (200, answered),
                "{verb:?}: {}",
                answer.text()
            );
        }
        gateway.get(&path).await.problem(404, "not_found");
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
