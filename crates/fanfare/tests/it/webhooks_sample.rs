//! Tests of a webhook with an event that the caller chooses, and what to do after one that failed.

use serde_json::json;

use crate::cli::Gateway as Shell;
use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::receiver::Receiver;
use crate::support::tools::Era;

#[tokio::test]
async fn a_test_sends_the_event_or_the_body_that_the_caller_chooses() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let body = json!({ "webhook_url": receiver.url(), "payload": "event", "channels": ["never"] });
        let created = gateway.post_json("/api/webhooks", &body).await.json();
        let path = format!("/api/webhooks/{}/test", created["id"].as_str().expect("an id"));
        let sample = json!({ "channel": "builds.web", "type": "build.failed", "message": "web is red",
                             "data": { "sha": "ab12" }, "priority": "high" });
        let tested = gateway.post_json(&path, &sample).await.json();
        assert_eq!((&tested["outcome"], tested.get("advice")), (&json!("delivered"), None));
        let got = receiver.next().await;
        got.assert_signed(created["secret"].as_str().expect("a secret"));
        assert!(got.id().starts_with("test_"), "{}", got.id());
        let event = got.json();
        for (member, value) in sample.as_object().expect("an object") {
            assert_eq!(event[member], *value, "{member}");
        }

        // The body as it is, digit by digit.
        let raw = r#"{"body": {"text": "1.50", "n": 1.50}}"#;
        gateway.post(&path, "application/json", raw).await;
        assert_eq!(receiver.next().await.body, br#"{"text": "1.50", "n": 1.50}"#);

        // An address that is not registered is tested in the same way.
        let trial = json!({ "webhook_url": receiver.url(), "test": { "type": "error", "message": "hi" } });
        let trial = gateway.post_json("/api/webhooks/test", &trial).await.json();
        assert_eq!(trial["outcome"], "delivered", "{trial}");
        let event = receiver.next().await.json();
        assert_eq!((&event["type"], &event["message"]), (&json!("error"), &json!("hi")));
        assert_eq!(gateway.get("/api/events").await.json()["events"], json!([]), "nothing is in the log");

        for (sample, code, at) in [
            (json!({ "type": "fanfare.gap" }), 422, "/type"),
            (json!({ "channel": "a..b" }), 422, "/channel"),
            (json!({ "typo": 1 }), 422, "/typo"),
        ] {
            let refused = gateway.post_json(&path, &sample).await;
            assert_eq!((refused.status, &refused.json()["at"]), (code, &json!(at)), "{sample}");
        }
    }
}

#[tokio::test]
async fn a_test_that_fails_says_what_to_do_next() {
    let gateway = Gateway::with_every_tool(Engine::Memory).await;
    let receiver = Receiver::start().await;
    let body = json!({ "webhook_url": receiver.url(), "channels": ["never"] });
    let id = gateway.post_json("/api/webhooks", &body).await.json()["id"].as_str().expect("an id").to_owned();
    for (status, part) in
        [(302, "redirects"), (401, "credentials"), (404, "path"), (415, "content type"), (500, "log")]
    {
        receiver.answer(status);
        let tested = gateway.post_json(&format!("/api/webhooks/{id}/test"), &json!({})).await.json();
        let advice = tested["advice"].as_str().expect("advice");
        assert!(advice.contains(part), "{status}: {advice}");
        let attempt =
            gateway.get(&format!("/api/attempts/{}", tested["id"].as_str().expect("an id"))).await.json();
        assert_eq!(attempt["advice"], tested["advice"]);
        let arguments = json!({ "webhook_id": id, "type": "build.failed" });
        let told = gateway.tool(Era::Modern, "test_webhook", arguments).await;
        assert!(told.text.contains(advice) && told.structured["advice"] == tested["advice"], "{}", told.text);
        assert_eq!(receiver.got().pop().expect("a test").json()["type"], "build.failed");
    }
    let trial =
        gateway.post_json("/api/webhooks/test", &json!({ "webhook_url": "http://127.0.0.1:9/" })).await;
    assert!(trial.json()["advice"].as_str().expect("advice").contains("start the receiver"));
}

#[tokio::test]
async fn a_test_from_the_command_line_chooses_its_event_and_says_what_to_do() {
    let gateway = Shell::start().await;
    let receiver = Receiver::start().await;
    let url = receiver.url();
    gateway.json(&["webhooks", "add", &url]).await;
    let words = [
        "webhooks",
        "test",
        &url,
        "-t",
        "build.failed",
        "-c",
        "builds.web",
        "-m",
        "red",
        "--json",
        "{\"n\":1}",
    ];
    let said = gateway.run(&words).await;
    assert!(said.code == 0 && said.out.contains("delivered"), "{said:?}");
    let event = receiver.next().await.json();
    assert_eq!(
        (&event["type"], &event["channel"], &event["message"], &event["data"]),
        (&json!("build.failed"), &json!("builds.web"), &json!("red"), &json!({ "n": 1 }))
    );
    std::fs::write(std::path::Path::new(gateway.shell.home()).join("body.json"), "{\"text\": 1.0}")
        .expect("written");
    gateway.run(&["webhooks", "test", &url, "--body", "body.json"]).await;
    assert_eq!(receiver.next().await.body, b"{\"text\": 1.0}");
    receiver.answer(404);
    let said = gateway.run(&["webhooks", "test", &url]).await;
    assert!(said.code == 1 && said.err.contains("nothing at this path"), "{said:?}");
}
