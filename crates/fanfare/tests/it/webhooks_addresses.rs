//! Where webhooks may be sent.

use fanfare_core::webhook::policy::Mode;
use serde_json::json;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};

async fn refused(gateway: &Gateway, url: &str) {
    let answer = gateway.post_json("/api/register", &json!({ "webhook_url": url })).await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (422, Some("target_refused")),
        "{url}: {}",
        answer.text()
    );
}

#[tokio::test]
async fn this_gateway_and_metadata_services_are_never_sent_to() {
    let gateway = Gateway::start().await;
    let port = gateway.address.port();
    for host in
        ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0", "a.localhost"]
    {
        refused(&gateway, &format!("http://{host}:{port}/api/push")).await;
    }
    for host in [
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "169.254.1.1",
        "metadata.google.internal",
        "100.100.100.200",
        "168.63.129.16",
        "[fd00:ec2::254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
    ] {
        refused(&gateway, &format!("http://{host}/latest")).await;
    }
    assert_eq!(gateway.webhooks.count(), 0);
}

#[tokio::test]
async fn local_receivers_are_fine_for_a_local_gateway() {
    let gateway = Gateway::start().await;
    for url in [
        "http://localhost:3000/webhook",
        "http://127.0.0.1:9/x",
        "http://[::1]:3000/",
        "http://192.168.1.7/",
        "http://10.0.2.2:8080/hook",
        "https://example.com/hook",
        "http://receiver.local:1234/",
    ] {
        gateway.register_url(url, json!({})).await;
    }
    assert_eq!(gateway.webhooks.count(), 7);
}

#[tokio::test]
async fn a_locked_gateway_refuses_what_is_not_public_or_allowed() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.webhooks.policy.mode = Mode::Locked;
        config.webhooks.policy.allow = vec!["10.1.2.3".parse().expect("an address")];
    })
    .await;
    for url in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://a.localhost/",
        "https://10.0.0.1/",
        "https://192.168.0.1/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::127.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://１２７.０.０.１/",
        "https://100.64.0.1/",
    ] {
        refused(&gateway, url).await;
    }
    gateway.register_url("http://10.1.2.3:1234/", json!({})).await;
}

#[tokio::test]
async fn what_was_allowed_when_it_was_registered_is_judged_again_when_it_is_sent() {
    let receiver = Receiver::playing(vec![], Script::status(200)).await;
    let gateway = Gateway::on(Engine::Embedded).await;
    let hook = gateway.register(&receiver, json!({ "retry": "none" })).await;
    gateway.push("default", "before").await;
    assert_eq!(receiver.got().len(), 1);
    let gateway = gateway.restart_with(|config| config.webhooks.policy.mode = Mode::Locked).await;
    let answer = gateway.post_json("/api/push", &json!({ "message": "after" })).await.json();
    assert_eq!(answer["webhooks_notified"], 0);
    let dead = gateway.dead_letters(&hook, 1).await;
    assert_eq!(&*dead[0].failure, "target_refused");
    assert_eq!((receiver.got().len(), receiver.connections()), (1, 1), "not even a connection");
}

#[tokio::test]
async fn a_delivery_names_the_log_that_it_comes_from() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    gateway.register(&receiver, json!({})).await;
    gateway.push("default", "a").await;
    assert_eq!(receiver.got()[0].header("fanfare-via"), gateway.hub.epoch().to_string());
}
