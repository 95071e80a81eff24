//! The choice of where webhooks go: callers that are not certainly on this machine get the strict rules.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use fanfare::engines::StoreSpec;
use fanfare_delivery::client::resolve::Resolver;
use fanfare_server::mcp::toolset::Toolset;
use fanfare_server::net::origin::Cors;
use fanfare_store_suite::disk::not_checked;
use fanfare_webhook::policy::Mode;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::process::Process;
use crate::support::receiver::{Receiver, Script};
use crate::support::tools::Era;

/// What a request has that may come from elsewhere: through a proxy, or from a page of another site.
const ELSEWHERE: [(&str, &str); 7] = [
    ("x-forwarded-for", "203.0.113.7"),
    ("x-forwarded-host", "push.example.com"),
    ("forwarded", "for=203.0.113.7"),
    ("x-real-ip", "203.0.113.7"),
    ("via", "1.1 proxy"),
    ("cf-connecting-ip", "203.0.113.7"),
    ("origin", "https://app.example.com"),
];

async fn send(gateway: &Gateway, header: (&str, &str), method: &str, path: &str, body: &Value) -> Answer {
    let build = |request: reqwest::RequestBuilder| {
        request.header(header.0, header.1).header("content-type", "application/json").body(body.to_string())
    };
    gateway.request(method, path, build).await
}

/// A gateway in local mode that lets a page of another site in.
async fn local(engine: Engine) -> Gateway {
    Gateway::with(engine, |config| {
        config.mcp.toolset = Toolset::All;
        config.http.cors = Cors::parse(&["https://app.example.com".to_owned()]).expect("an origin");
        config.webhooks.attempt_max = Duration::from_secs(1);
        config.webhooks.resolver = Resolver::Given(Arc::new(|_: &str| {
            std::future::ready(Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])).boxed()
        }));
    })
    .await
}

#[tokio::test]
async fn who_may_be_elsewhere_cannot_send_webhooks_to_this_machine() {
    let receiver = Receiver::start().await;
    let gateway = local(Engine::Memory).await;
    let mine = gateway.register_url(&receiver.url_of("/mine"), json!({})).await;
    let elsewhere = receiver.url_of("/theirs");
    let change = format!("/api/webhooks/{}", mine.id);
    // It waits for nobody: what is sent below is sent by hand.
    gateway.post_json(&format!("{change}/pause"), &json!({})).await;
    let event = gateway.push("default", "a").await;
    let resend = format!("{change}/deliveries/{event}/resend");
    let revision = async || gateway.get(&change).await.header("etag").to_owned();
    let before = revision().await;
    for header in ELSEWHERE {
        for (path, body) in [
            (format!("{change}/test"), json!({})),
            (resend.clone(), json!({})),
            (resend.clone(), json!({ "body": { "of": "their choice" } })),
            (format!("{change}/secret/rotate"), json!({})),
            (format!("{change}/secret/rotate"), json!({ "kind": "ed25519" })),
        ] {
            send(&gateway, header, "POST", &path, &body).await.problem(422, "target_refused");
        }
        for (name, arguments) in [
            ("test_webhook", json!({ "webhook_id": mine.id })),
            ("resend_delivery", json!({ "webhook_id": mine.id, "event_id": event })),
        ] {
            let params = json!({ "name": name, "arguments": arguments });
            let told = gateway.call_tool(Era::Modern, params, &[header]).await;
            assert!(told.is_error && told.text.contains("--allow-target"), "{header:?}: {}", told.text);
        }
        for (method, path, body) in [
            ("POST", "/api/register", json!({ "webhook_url": elsewhere })),
            ("POST", "/api/register", json!({ "webhook_url": receiver.url_of("/mine") })),
            ("POST", "/api/webhooks", json!({ "webhook_url": elsewhere })),
            ("POST", "/api/webhooks/test", json!({ "webhook_url": elsewhere })),
            ("PATCH", &change, json!({ "webhook_url": elsewhere })),
            ("PATCH", &change, json!({ "headers": { "X-A": "b" } })),
        ] {
            let answer = send(&gateway, header, method, path, &body).await;
            assert_eq!(answer.problem(422, "target_refused")["at"], "/webhook_url", "{header:?} {path}");
        }
        let params = json!({ "name": "register_webhook", "arguments": { "webhook_url": elsewhere } });
        let told = gateway.call_tool(Era::Modern, params, &[header]).await;
        assert!(told.is_error && told.text.contains("--allow-target"), "{header:?}: {}", told.text);
    }
    assert_eq!((gateway.webhooks.count(), receiver.connections()), (1, 0));
    let kept = gateway.get(&change).await.json();
    assert_eq!((&kept["locked"], &kept["header_names"]), (&json!(false), &json!([])));
    let attempts = gateway.get(&format!("{change}/attempts")).await.json();
    assert_eq!((&attempts["attempts"], revision().await), (&json!([]), before));
    // What was registered here goes on.
    gateway.post_json(&format!("{change}/resume"), &json!({})).await;
    assert_eq!(receiver.gets(1).await[0].message(), "a");
}

#[tokio::test]
async fn a_gateway_that_does_not_know_its_own_addresses_sends_nowhere_for_who_is_elsewhere() {
    let gateway = Gateway::with(Engine::Memory, |config| config.webhooks.policy.interfaces = None).await;
    let body = json!({ "webhook_url": "https://93.184.215.14/" });
    let answer = send(&gateway, ELSEWHERE[0], "POST", "/api/webhooks", &body).await;
    let problem = answer.problem(422, "target_refused");
    assert!(
        problem["fix"].as_str().is_some_and(|fix| fix.contains("--allow-target 93.184.215.14")),
        "{problem}"
    );
    let answer = send(&gateway, ("x-nothing", ""), "POST", "/api/webhooks", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[tokio::test]
async fn a_peer_that_is_not_loopback_cannot_send_webhooks_to_this_machine() {
    let own = if_addrs::get_if_addrs().expect("addresses").into_iter().map(|interface| interface.ip());
    let Some(ip) = own.into_iter().find(|ip| ip.is_ipv4() && !ip.is_loopback()) else {
        return not_checked("not checked: this machine has no address but loopback");
    };
    let gateway =
        Gateway::with(Engine::Memory, |config| config.listen = vec![std::net::SocketAddr::new(ip, 0).into()])
            .await;
    let body = json!({ "webhook_url": "http://127.0.0.1:9/" });
    gateway.post_json("/api/register", &body).await.problem(422, "target_refused");
}

#[tokio::test]
async fn a_webhook_from_elsewhere_stays_under_the_strict_rules_until_its_url_is_chosen_here() {
    let receiver = Receiver::start().await;
    let gateway = local(Engine::Embedded).await;
    let url = format!("https://receiver.example:{}/", receiver.address.port());
    let body = json!({ "webhook_url": url, "retry": [] });
    // The name looks public; that it leads to this machine is found when it is called.
    let answer = send(&gateway, ELSEWHERE[0], "POST", "/api/webhooks", &body).await;
    assert_eq!((answer.status, &answer.json()["locked"]), (201, &json!(true)));
    let path = format!("/api/webhooks/{}", answer.json()["id"].as_str().expect("an id"));
    let outcome = async |gateway: &Gateway| {
        gateway.post_json(&format!("{path}/test"), &json!({})).await.json()["outcome"].clone()
    };
    assert_eq!(outcome(&gateway).await, "target_refused");
    // A change that is not of its URL leaves it as it is, also one from here.
    gateway.request("PATCH", &path, |request| request.body(r#"{"description":"x"}"#)).await;
    let gateway = gateway.restart().await;
    assert_eq!(outcome(&gateway).await, "target_refused");
    assert_eq!(receiver.connections(), 0);

    gateway.request("PATCH", &path, |request| request.body(json!({ "webhook_url": url }).to_string())).await;
    assert_eq!(gateway.get(&path).await.json()["locked"], false);
    assert_eq!(outcome(&gateway).await, "timeout", "it waits for TLS, which the receiver does not speak");
    assert_eq!(receiver.connections(), 1);

    // A caller elsewhere changes it under the strict rules again.
    let change = json!({ "description": "y" });
    assert_eq!(send(&gateway, ELSEWHERE[0], "PATCH", &path, &change).await.json()["locked"], true);
    assert_eq!(outcome(&gateway).await, "target_refused");
    assert_eq!(receiver.connections(), 1);
}

/// Lets a receiver on this machine answer with an error and a body, and returns the path of the attempt.
async fn answered(gateway: &Gateway, body: &str) -> String {
    let receiver = Receiver::playing(vec![], Script::Answer(500, String::new(), body.to_owned())).await;
    let hook = gateway.register(&receiver, json!({ "retry": [] })).await;
    gateway.push("default", "a").await;
    gateway.failed_deliveries(&hook, 1).await;
    let attempts = gateway.get(&format!("/api/webhooks/{}/attempts", hook.id)).await.json();
    format!("/api/attempts/{}", attempts["attempts"][0]["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn what_a_public_receiver_answered_is_shown_in_locked_mode_too() {
    let gateway = local(Engine::Embedded).await;
    let path = answered(&gateway, "the error of a public server").await;
    // No test can reach a public address: the row says that one answered.
    let gateway = gateway
        .restart_with(|config| {
            config.webhooks.policy.mode = Mode::Locked;
            let StoreSpec::Embedded(file) = &config.store else { panic!("no file") };
            let change = r#"UPDATE attempts SET detail = replace(detail, '"public":false', '"public":true')"#;
            let conn = rusqlite::Connection::open(file).expect("a database");
            assert_eq!(conn.execute(change, ()), Ok(1));
        })
        .await;
    for header in [("x-nothing", ""), ELSEWHERE[0]] {
        let attempt =
            gateway.request("GET", &path, |request| request.header(header.0, header.1)).await.json();
        assert_eq!(attempt["answer"]["body"], "the error of a public server");
        assert_eq!(attempt.get("answer_is_hidden"), None);
    }
}

#[tokio::test]
async fn what_a_machine_of_this_network_answered_is_shown_to_nobody_elsewhere() {
    let gateway = local(Engine::Embedded).await;
    let path = answered(&gateway, "the secret of an internal server").await;
    let here = gateway.get(&path).await.json();
    assert_eq!(here["answer"]["body"], "the secret of an internal server");
    assert_eq!(here.get("answer_is_hidden"), None);
    let hidden = |attempt: Value| {
        assert_eq!((&attempt["status_code"], &attempt["answer_is_hidden"]), (&json!(500), &json!(true)));
        assert_eq!(attempt.get("answer"), None);
        assert!(!attempt.to_string().contains("secret"), "{attempt}");
    };
    for header in ELSEWHERE {
        hidden(gateway.request("GET", &path, |request| request.header(header.0, header.1)).await.json());
    }
    // The same from the store.
    let gateway = gateway.restart().await;
    assert_eq!(gateway.get(&path).await.json()["answer"]["body"], "the secret of an internal server");
    // Once others can reach the gateway, nobody sees it.
    let gateway = gateway.restart_with(|config| config.webhooks.policy.mode = Mode::Locked).await;
    hidden(gateway.get(&path).await.json());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_others_can_reach_starts_locked_and_says_so() {
    for (arguments, mode) in [
        (&[] as &[&str], "local"),
        (&["--cors", "http://localhost:3000", "--allowed-host", "app.localhost"], "local"),
        (&["--allowed-host", "127.0.0.1"], "local"),
        (&["--allowed-host", "push.example.com"], "locked"),
        (&["--allowed-host", "192.168.1.5"], "locked"),
        (&["--cors", "https://app.example.com"], "locked"),
        (&["--cors", "*"], "locked"),
        (&["--allowed-host", "push.example.com", "--webhook-mode", "local"], "local"),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let process = Process::with(&directory.path().join("log.db"), arguments, &[]).await;
        assert_eq!(process.said["webhooks"], mode, "{arguments:?}");
        let body = json!({ "webhook_url": "http://127.0.0.1:9/" });
        let answer = process.post("/api/register", &body).await.expect("an answer");
        let expected = if mode == "local" { json!(null) } else { json!("target_refused") };
        assert_eq!(answer["code"], expected, "{arguments:?}");
        process.kill().await;
    }
}
