//! The addresses that webhooks can be sent to.

use std::net::IpAddr;

use fanfare_webhook::policy::Mode;
use serde_json::json;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::process::Process;
use crate::support::receiver::{Receiver, Script};
use fanfare_store_suite::disk::not_checked;

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
    let hook = gateway.register(&receiver, json!({ "retry": [] })).await;
    gateway.push("default", "before").await;
    assert_eq!(receiver.got().len(), 1);
    let gateway = gateway.restart_with(|config| config.webhooks.policy.mode = Mode::Locked).await;
    let answer = gateway.post_json("/api/push", &json!({ "message": "after" })).await.json();
    assert_eq!(answer["webhooks_notified"], 0);
    let failed = gateway.failed_deliveries(&hook, 1).await;
    assert_eq!(&*failed[0].failure, "target_refused");
    assert_eq!((receiver.got().len(), receiver.connections()), (1, 1), "not even a connection");
}

/// This machine, in the ways to write it that people and attackers know.
const THIS_MACHINE: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ｌｏｃａｌｈｏｓｔ",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
];

#[tokio::test]
async fn this_machine_gets_everything_in_local_mode_and_nothing_in_locked_mode_however_it_is_written() {
    let receiver = Receiver::start().await;
    let gateway = Gateway::on(Engine::Embedded).await;
    let mut hooks = Vec::new();
    // On a machine without IPv6, an address that has IPv4 inside leads nowhere.
    let has_six = std::net::TcpListener::bind("[::1]:0").is_ok();
    for (number, host) in
        THIS_MACHINE.iter().enumerate().filter(|(_, host)| has_six || !host.starts_with('['))
    {
        let url = format!("http://{host}:{}/{number}", receiver.address.port());
        let hook = gateway.register_url(&url, json!({ "retry": [] })).await;
        hooks.push((host, url, format!("/api/webhooks/{}/test", hook.id), hook));
    }
    let pushed = gateway.post_json("/api/push", &json!({ "message": "local" })).await.json();
    assert_eq!(pushed["webhooks_notified"], hooks.len(), "{pushed}");
    for (host, _, test, _) in &hooks {
        let tested = gateway.post_json(test, &json!({})).await.json();
        assert_eq!(tested["outcome"], "delivered", "{host}: {tested}");
    }
    assert_eq!(receiver.got().len(), 2 * hooks.len());

    let connections = receiver.connections();
    let gateway = gateway.restart_with(|config| config.webhooks.policy.mode = Mode::Locked).await;
    let pushed = gateway.post_json("/api/push", &json!({ "message": "locked" })).await.json();
    assert_eq!(pushed["webhooks_notified"], 0, "{pushed}");
    for (host, url, test, hook) in &hooks {
        assert_eq!(&*gateway.failed_deliveries(hook, 1).await[0].failure, "target_refused", "{host}");
        let answer = gateway.post_json(test, &json!({})).await;
        match answer.status {
            200 => assert_eq!(answer.json()["outcome"], "target_refused", "{host}"),
            _ => drop(answer.problem(422, "target_refused")),
        }
        let change = json!({ "webhook_url": url.replace("http:", "https:") });
        gateway.post_json("/api/register", &change).await.problem(422, "target_refused");
    }
    assert_eq!((receiver.got().len(), receiver.connections()), (2 * hooks.len(), connections));
}

#[tokio::test]
async fn an_address_of_this_machine_on_its_networks_is_a_local_receiver_and_no_locked_one() {
    let own = if_addrs::get_if_addrs().expect("addresses").into_iter().map(|interface| interface.ip());
    let is_private = |ip: &IpAddr| matches!(ip, IpAddr::V4(ip) if ip.is_private());
    let Some(ip) = own.into_iter().find(is_private) else {
        return not_checked("not checked: this machine is in no private network");
    };
    let receiver = Receiver::at((ip, 0).into(), vec![], Script::status(200)).await;
    let gateway = Gateway::start().await;
    gateway.register(&receiver, json!({})).await;
    gateway.push("default", "over the network's address").await;
    assert_eq!(receiver.got().len(), 1);
    let locked = Gateway::with(Engine::Memory, |config| {
        config.webhooks.policy.mode = Mode::Locked;
        config.webhooks.policy.interfaces = Some(vec![ip]);
    })
    .await;
    refused(&locked, &format!("https://{}/", receiver.address)).await;
}

#[tokio::test]
async fn tricks_are_refused_when_they_are_registered() {
    for mode in [Mode::Local, Mode::Locked] {
        let gateway = Gateway::with(Engine::Memory, |config| config.webhooks.policy.mode = mode).await;
        let long = format!("https://receiver.example/{}", "x".repeat(60 * 1024));
        let longer = json!({ "webhook_url": format!("{long}{long}") });
        gateway.post_json("/api/register", &longer).await.problem(413, "body_too_large");
        for url in [
            "https://public@127.0.0.1/",
            "https://user:pass@receiver.example/",
            "https://127.0.0.1\\@public/",
            "https://public#@127.0.0.1",
            "https:/\\127.0.0.1",
            "https://127.0.0.1\t/",
            "https://127.0.\n0.1/",
            "https://receiver.example\r\nHost: x/",
            "https://[fe80::1%25lo]/",
            "https://receiver.example:0/",
            "https://receiver.example:65536/",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "ftp://127.0.0.1/",
            "unix:/run/docker.sock",
            "data:text/plain,x",
            &long,
        ] {
            let answer = gateway.post_json("/api/register", &json!({ "webhook_url": url })).await;
            answer.problem(422, "invalid_url");
        }
        for host in [
            "0",
            "0.0.0.0",
            "[::]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001:0:7f00:1::]",
            "[fe80::1]",
            "[ff02::1]",
            "169.254.169.254",
            "[::ffff:a9fe:a9fe]",
            "metadata.google.internal",
        ] {
            refused(&gateway, &format!("https://{host}/")).await;
        }
        for (name, value) in [
            ("Host", "elsewhere.example"),
            ("Content-Length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("Metadata-Flavor", "Google"),
            ("X-A", "b\r\nHost: elsewhere.example"),
            ("X-A", "b\nc"),
            ("X-A\r\nHost", "c"),
            ("X A", "c"),
            ("X:A", "c"),
        ] {
            let body = json!({ "webhook_url": "https://receiver.example/", "headers": { name: value } });
            gateway.post_json("/api/register", &body).await.problem(422, "invalid_webhook");
        }
        assert_eq!(gateway.webhooks.count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_of_the_environment_is_not_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    let (receiver, proxy) = (Receiver::start().await, Receiver::start().await);
    let url = format!("http://{}", proxy.address);
    let names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let variables = names.map(|name| (name, &*url));
    let process = Process::with(&directory.path().join("log.db"), &[], &variables).await;
    process.register(&receiver, json!({})).await;
    process.post("/api/push", &json!({ "message": "straight" })).await.expect("pushed");
    receiver.gets_message("straight").await;
    assert_eq!(proxy.connections(), 0);
    process.kill().await;
}

#[tokio::test]
async fn a_delivery_names_the_log_that_it_comes_from() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    gateway.register(&receiver, json!({})).await;
    gateway.push("default", "a").await;
    assert_eq!(receiver.got()[0].header("fanfare-via"), gateway.hub.epoch().to_string());
}
