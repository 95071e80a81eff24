//! Addresses that are secrets: anyone who knows one can post there, so no surface shows it whole.

use serde_json::json;

use crate::cli::Gateway as Shell;
use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::logged::Logged;
use crate::support::receiver::Receiver;
use crate::support::tools::Era;

const PATHS: [(&str, &str); 4] = [
    ("/services/T0AB/B0CD/s3cr3t", "/services/T0AB/B0CD/***"),
    ("/api/webhooks/12/s3cr3t", "/api/webhooks/12/***"),
    ("/bot12:s3cr3t/sendMessage?chat_id=-100", "/bot12:***/sendMessage?chat_id=-100"),
    ("/hook?token=s3cr3t&x=1", "/hook?token=***&x=1"),
];

#[tokio::test]
async fn no_surface_shows_an_address_that_is_a_secret() {
    for engine in Engine::ALL {
        let gateway = Gateway::with_every_tool(engine).await;
        for (path, masked) in PATHS {
            let receiver = Receiver::start().await;
            let (url, masked) = (receiver.url_of(path), receiver.url_of(masked));
            let body = json!({ "webhook_url": url, "retry": [] });
            let registered = gateway.post_json("/api/register", &body).await.json();
            assert_eq!(registered["webhook_url"], *masked);
            let id = registered["id"].as_str().expect("an id").to_owned();
            let again = gateway.post_json("/api/register", &body).await.json();
            assert_eq!((&again["id"], &again["changed"]), (&json!(id), &json!([])), "the whole URL means it");
            let there = gateway.post_json("/api/webhooks", &body).await;
            assert_eq!((there.status, &there.json()["webhook_id"]), (409, &json!(id)));

            receiver.answer(500);
            let event = gateway.push("default", "hi").await;
            assert_eq!(receiver.next().await.path, path, "it is sent to the whole URL");
            let one = format!("/api/webhooks/{id}");
            let attempts = gateway.get(&format!("{one}/attempts")).await;
            let attempt = attempts.json()["attempts"][0]["id"].as_str().expect("an id").to_owned();
            let test = gateway.post_json(&format!("{one}/test"), &json!({})).await.text();
            for answer in [
                there.text(),
                attempts.text(),
                test,
                gateway.get(&one).await.text(),
                gateway.get("/api/webhooks?details=true").await.text(),
                gateway.get(&format!("/api/attempts/{attempt}")).await.text(),
                gateway.get("/api/attempts").await.text(),
                gateway.get("/api/deliveries").await.text(),
                gateway.get(&format!("/api/events/{event}/receipts")).await.text(),
                gateway.get("/api/status").await.text(),
                gateway.get("/metrics").await.text(),
                gateway.tool(Era::Modern, "list_targets", json!({})).await.text,
                gateway.tool(Era::Modern, "delivery_status", json!({ "event_id": event })).await.text,
            ] {
                assert!(!answer.contains("s3cr3t"), "{path}: {answer}");
            }
            assert_eq!(gateway.get("/api/webhooks").await.json()["webhooks"], json!([masked]));
            assert_eq!(gateway.get(&one).await.json()["webhook_url"], *masked);

            // What was shown changes nothing when it comes back, and registers nothing.
            let patch = json!({ "webhook_url": masked, "description": "x" });
            let changed = gateway.request("PATCH", &one, |request| request.json(&patch)).await;
            assert_eq!((changed.status, &changed.json()["description"]), (200, &json!("x")));
            receiver.answer(200);
            let before = receiver.count();
            gateway.post_json(&format!("{one}/test"), &json!({})).await;
            assert_eq!((receiver.count(), &*receiver.got().pop().expect("a test").path), (before + 1, path));
            let other = json!({ "webhook_url": masked.replace("***", "***x") });
            for (path, body) in [
                ("/api/register", &json!({ "webhook_url": masked })),
                ("/api/webhooks", &json!({ "webhook_url": masked })),
                ("/api/unregister", &json!({ "webhook_url": masked })),
            ] {
                let refused = gateway.post_json(path, body).await;
                assert_eq!((refused.status, &refused.json()["at"]), (422, &json!("/webhook_url")), "{path}");
            }
            let refused = gateway.request("PATCH", &one, |request| request.json(&other)).await;
            assert_eq!((refused.status, &refused.json()["at"]), (422, &json!("/webhook_url")));

            let gone = gateway.post_json("/api/unregister", &json!({ "webhook_url": url })).await.json();
            assert_eq!((&gone["total_webhooks"], &gone["webhook_url"]), (&json!(0), &json!(masked)));
        }
    }
}

#[tokio::test]
async fn the_log_of_the_server_and_the_shell_show_no_address_that_is_a_secret() {
    let mut gateway = Logged::start(&[]).await;
    let receiver = Receiver::start().await;
    receiver.answer(500);
    let url = receiver.url_of("/services/T0AB/B0CD/s3cr3t");
    gateway.post("/api/register", &json!({ "webhook_url": url, "retry": [] })).await;
    gateway.post("/api/push", &json!({ "message": "hi" })).await;
    let line = gateway.line().await.to_string();
    assert!(line.contains("failing") && !line.contains("s3cr3t"), "{line}");

    let gateway = Shell::start().await;
    let masked = receiver.url_of("/services/T0AB/B0CD/***");
    let added = gateway.run(&["webhooks", "add", &url, "--test"]).await;
    let ls = gateway.run(&["webhooks", "ls"]).await;
    let show = gateway.run(&["webhooks", "show", &url]).await;
    let by_mask = gateway.run(&["webhooks", "show", &masked, "-o", "json"]).await;
    let part = gateway.run(&["webhooks", "rm", "s3cr3t"]).await;
    assert!(part.code != 0, "{part:?}");
    let removed = gateway.run(&["webhooks", "rm", &url]).await;
    assert!(!ls.out.contains("s3cr3t"), "{ls:?}");
    for said in [added, show, by_mask, removed] {
        assert!(!said.out.contains("s3cr3t") && !said.err.contains("s3cr3t"), "{said:?}");
        assert!(said.out.contains("***"), "{said:?}");
    }
    assert_eq!(gateway.json(&["webhooks", "ls"]).await["items"], json!([]));
}
