//! `POST /api/webhooks`: a new webhook, never a change of one that is there.

use serde_json::json;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::receiver::Receiver;

#[tokio::test]
async fn a_new_webhook_is_returned_with_its_place_and_its_secret() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let body = json!({ "webhook_url": receiver.url(), "channels": ["builds.>"], "description": "CI" });
        let answer = gateway.post_json("/api/webhooks", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let created = answer.json();
        let secret = created["secret"].as_str().expect("a secret").to_owned();
        let path = format!("/api/webhooks/{}", created["id"].as_str().expect("an id"));
        assert_eq!((answer.header("location"), answer.header("etag")), (path.as_str(), "\"1\""));

        let shown = gateway.get(&path).await.json();
        let mut expected = created.clone();
        expected.as_object_mut().expect("an object").remove("secret");
        assert_eq!(shown, expected, "the same webhook, without the secret");
        assert_eq!((&shown["channels"], &shown["description"]), (&json!(["builds.>"]), &json!("CI")));

        gateway.push("builds.web", "green").await;
        receiver.gets_message("green").await.assert_signed(&secret);
    }
}

#[tokio::test]
async fn a_url_that_has_a_webhook_is_refused_and_its_webhook_stays_as_it_is() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let url = "http://127.0.0.1:9/hook";
        let first = json!({ "webhook_url": url, "channels": ["builds.>"], "headers": { "X-Team": "infra" } });
        let first = gateway.post_json("/api/webhooks", &first).await.json();
        let path = format!("/api/webhooks/{}", first["id"].as_str().expect("an id"));
        let before = gateway.get(&path).await.json();

        // Another spelling of the same URL, and another filter.
        let second = json!({ "webhook_url": "HTTP://127.0.0.1:9/hook", "channels": ["deploys"] });
        let problem = gateway.post_json("/api/webhooks", &second).await.problem(409, "webhook_exists");
        assert_eq!((&problem["webhook_id"], &problem["at"]), (&first["id"], &json!("/webhook_url")));
        assert_eq!(gateway.get(&path).await.json(), before);

        // The route of the seed changes it, as it always did.
        let again = gateway.post_json("/api/register", &second).await;
        assert_eq!((again.status, &again.json()["id"]), (200, &first["id"]));
        assert_eq!(gateway.get(&path).await.json()["channels"], json!(["deploys"]));
    }
}

#[tokio::test]
async fn what_cannot_be_registered_cannot_be_created() {
    let gateway = Gateway::on(Engine::Memory).await;
    for (path, body, status, code, at) in [
        ("/api/webhooks", json!({}), 422, "invalid_url", "/webhook_url"),
        ("/api/webhooks", json!({ "webhook_url": "ftp://x" }), 422, "invalid_url", "/webhook_url"),
        (
            "/api/webhooks",
            json!({ "webhook_url": "http://a", "patterns": ["b"] }),
            422,
            "unknown_field",
            "/patterns",
        ),
        (
            "/api/webhooks?details=true",
            json!({ "webhook_url": "http://a" }),
            400,
            "invalid_query",
            "?details",
        ),
    ] {
        let problem = gateway.post_json(path, &body).await.problem(status, code);
        assert_eq!(problem["at"], at, "{body}");
    }
    assert_eq!(gateway.get("/api/webhooks").await.json()["total"], 0);
}
