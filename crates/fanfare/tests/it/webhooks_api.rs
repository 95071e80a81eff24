//! Managing webhooks: showing, changing, pausing, testing, and rotating keys.

use fanfare_webhook::breaker::FAILURES_MAX;
use fanfare_webhook::policy::{Mode, Policy};
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::receiver::{Got, Receiver, Script};
use crate::support::tools::Era;
use crate::support::{Engine, until};

/// Registers a webhook; returns its path and its secret.
pub(crate) async fn register(gateway: &Gateway, body: Value) -> (String, String) {
    let answer = gateway.post_json("/api/register", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let text = |name: &str| answer[name].as_str().expect(name).to_owned();
    (format!("/api/webhooks/{}", text("id")), text("secret"))
}

async fn patch(gateway: &Gateway, path: &str, body: Value) -> crate::support::answer::Answer {
    let body = body.to_string();
    gateway
        .request("PATCH", path, |request| request.header("content-type", "application/json").body(body))
        .await
}

fn is_signed_with(received: &Got, secret: &str) -> bool {
    received.verified(secret, fanfare_runtime::clock::now()).is_ok()
}

#[tokio::test]
async fn a_webhook_is_changed_and_its_secret_is_never_shown_again() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let (path, secret) = register(&gateway, json!({"webhook_url": receiver.url_of("/a")})).await;
        let (other, _) = register(&gateway, json!({"webhook_url": receiver.url_of("/b")})).await;
        let webhook = gateway.get(&path).await.json();
        assert_eq!(
            (&webhook["state"], &webhook["lag"], &webhook["waiting"], &webhook["failed"]),
            (&json!("active"), &json!(0), &json!(0), &json!(0))
        );

        let change = json!({"webhook_url": receiver.url_of("/c"), "channels": ["builds.*"], "description": "CI",
                            "auth": {"kind": "bearer", "token": "hush-hush"}, "headers": {"X-Key": "hush-hush"}});
        let changed = patch(&gateway, &path, change).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!(changed.json()["webhook_url"], receiver.url_of("/c"));
        assert_eq!(changed.json()["channels"], json!(["builds.*"]));
        assert_eq!(changed.json()["header_names"], json!(["X-Key"]));
        assert_eq!(changed.json()["auth"], json!({"kind": "bearer"}));
        // Another filter, and another address: from the next event on.
        gateway.push("noise", "not for it").await;
        gateway.push("builds.web", "for it").await;
        let mut got = [receiver.next().await, receiver.next().await, receiver.next().await];
        got.sort_by_key(|received| received.path.clone());
        assert_eq!(got.each_ref().map(|received| received.path.as_str()), ["/b", "/b", "/c"]);
        assert_eq!(got[2].json()["message"], "for it");
        assert_eq!(got[2].header("authorization"), "Bearer hush-hush");
        assert!(is_signed_with(&got[2], &secret));

        for shown in ["/api/webhooks?details=true", &path, &format!("{path}/attempts")] {
            let text = gateway.get(shown).await.text();
            assert!(!text.contains(&secret) && !text.contains("hush-hush"), "{shown}: {text}");
        }
        let problem = patch(&gateway, &path, json!({"webhook_url": receiver.url_of("/b")})).await;
        problem.problem(409, "webhook_exists");
        let problem =
            patch(&gateway, &path, json!({"webhook_url": null})).await.problem(422, "invalid_webhook");
        assert_eq!(problem["at"], "/webhook_url");
        patch(&gateway, &path, json!({"colour": "red"})).await.problem(422, "unknown_field");

        let gone = gateway.request("DELETE", &other, |request| request).await;
        assert_eq!((gone.status, &gone.json()["id"]), (200, &json!(other.rsplit('/').next())));
        assert_eq!(gateway.get("/api/webhooks").await.json()["total"], 1);
        for (method, path) in [
            ("GET", other.clone()),
            ("PATCH", other.clone()),
            ("DELETE", other.clone()),
            ("POST", format!("{other}/test")),
            ("POST", format!("{other}/pause")),
            ("GET", format!("{other}/attempts")),
            ("GET", format!("{other}/deliveries")),
        ] {
            gateway.request(method, &path, |request| request.body("{}")).await.problem(404, "not_found");
        }
        let problem = gateway.get("/api/webhooks/wh_nope").await.problem(404, "not_found");
        assert_eq!(problem["at"], "{id}");
    }
}

#[tokio::test]
async fn a_webhook_that_is_paused_gets_what_it_missed_when_it_is_resumed() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let url = receiver.url_of("/");
        let (path, _) = register(&gateway, json!({"webhook_url": url, "ordered": true})).await;
        let paused = gateway.post_json(&format!("{path}/pause"), &json!({})).await.json();
        assert_eq!((&paused["state"], &paused["paused_reason"]), (&json!("paused"), &json!("by_hand")));
        assert!(paused["explanation"].as_str().is_some_and(|words| words.contains("resume")), "{paused}");
        // No one waits for it.
        let pushed = gateway.post_json("/api/push", &json!({"message": "one"})).await.json();
        assert_eq!((&pushed["webhooks_notified"], &pushed["total_webhooks"]), (&json!(0), &json!(1)));
        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
        }
        gateway.push("default", "two").await;
        assert!(receiver.is_quiet());
        let shown = gateway.get(&path).await.json();
        assert_eq!((&shown["state"], &shown["lag"]), (&json!("paused"), &json!(2)));

        // A test is still sent.
        let test = gateway.post_json(&format!("{path}/test"), &json!({})).await.json();
        assert_eq!((&test["outcome"], &test["kind"]), (&json!("delivered"), &json!("test")), "{test}");
        assert_eq!(receiver.next().await.json()["type"], "fanfare.test");

        let resumed = gateway.post_json(&format!("{path}/resume"), &json!({})).await.json();
        assert_eq!(resumed["state"], "active");
        assert_eq!(receiver.next_messages(2).await, ["one", "two"]);
    }
}

#[tokio::test]
async fn a_test_tells_what_came_back() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let url = receiver.url_of("/");
        let (path, secret) = register(&gateway, json!({"webhook_url": url, "payload": "event"})).await;
        let test = format!("{path}/test");
        let answer = gateway.post_json(&test, &json!({})).await.json();
        assert_eq!(
            (&answer["outcome"], &answer["status_code"]),
            (&json!("delivered"), &json!(200)),
            "{answer}"
        );
        assert!(answer["times"]["total_us"].as_u64().is_some_and(|micros| micros > 0), "{answer}");
        assert!(answer.get("answer").is_none(), "what a receiver says is not for whoever tests: {answer}");
        let first = receiver.next().await;
        assert!(is_signed_with(&first, &secret));
        assert_eq!(first.json()["type"], "fanfare.test");

        receiver.answer(500);
        let answer = gateway.post_json(&test, &json!({})).await.json();
        assert_eq!(
            (&answer["outcome"], &answer["status_code"]),
            (&json!("http_5xx"), &json!(500)),
            "{answer}"
        );
        let second = receiver.next().await;
        assert_ne!(first.header("webhook-id"), second.header("webhook-id"), "a receiver would drop it");
        // It is in no log, and changes nothing.
        assert_eq!(gateway.get("/api/events").await.json()["events"], json!([]));
        let shown = gateway.get(&path).await.json();
        assert_eq!(
            (&shown["failures"], &shown["failed"], &shown["waiting"]),
            (&json!(0), &json!(0), &json!(0))
        );
        let attempts = gateway.get(&format!("{path}/attempts")).await.json();
        assert_eq!(attempts["attempts"].as_array().map(Vec::len), Some(2), "{attempts}");
        let id = attempts["attempts"][0]["id"].as_str().expect("an id");
        let whole = gateway.get(&format!("/api/attempts/{id}")).await.json();
        assert_eq!(
            (&whole["answer"]["body"], &whole["status_code"]),
            (&json!("noted"), &json!(500)),
            "{whole}"
        );
        assert_eq!(whole["request"]["headers"]["content-type"], "application/json");
    }
}

#[tokio::test]
async fn a_delivery_shows_what_is_sent_and_an_attempt_what_was_sent() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let options = json!({"webhook_url": receiver.url(), "channels": ["builds.*"], "payload": "cloudevents", "retry": []});
        let (path, _) = register(&gateway, options).await;
        let event = gateway
            .push_event(json!({"channel": "builds.web", "message": "built", "data": {"n": 1.000}}))
            .await;
        let sent = receiver.next().await;
        let shown = gateway.get(&format!("{path}/deliveries/{event}")).await.json();
        assert_eq!((&shown["state"], &shown["body"]), (&json!("delivered"), &sent.json()));

        // The sent body is kept with the attempt, even if it was written by hand.
        let resend = format!("{path}/deliveries/{event}/resend");
        let edited = gateway.post_json(&resend, &json!({"body": {"by": "hand"}})).await.json();
        assert_eq!(receiver.next().await.json(), json!({"by": "hand"}));
        let whole =
            gateway.get(&format!("/api/attempts/{}", edited["id"].as_str().expect("an id"))).await.json();
        assert_eq!(
            (&whole["request"]["body"], &whole["request"]["is_cut"]),
            (&json!("{\"by\":\"hand\"}"), &json!(false))
        );

        receiver.answer(500);
        let failed = gateway.push_event(json!({"channel": "builds.web", "message": "not taken"})).await;
        let shown = gateway.get(&format!("{path}/deliveries/{failed}")).await.json();
        assert_eq!(shown["state"], "failed", "{shown}");
        let other = gateway.push("chat", "not for it").await;
        let shown = gateway.get(&format!("{path}/deliveries/{other}")).await.json();
        assert!(shown.get("state").is_none(), "{shown}");
        assert_eq!(shown["body"]["subject"], "chat");
        let unknown = gateway.position(99);
        gateway.get(&format!("{path}/deliveries/{unknown}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn an_address_is_tried_before_it_is_registered() {
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let body = json!({"webhook_url": receiver.url(), "secret": SECRET, "payload": "event", "headers": {"X-Key": "k"}});
    let trial = gateway.post_json("/api/webhooks/test", &body).await.json();
    assert_eq!(
        (&trial["outcome"], &trial["kind"], &trial["status_code"]),
        (&json!("delivered"), &json!("test"), &json!(200))
    );
    let received = receiver.next().await;
    received.assert_signed(SECRET);
    assert_eq!((received.path.as_str(), received.header("x-key")), ("/hook", "k"));
    assert_eq!(received.json()["type"], "fanfare.test");

    receiver.answer(500);
    let trial = gateway.post_json("/api/webhooks/test", &body).await.json();
    assert_eq!((&trial["outcome"], &trial["status_code"]), (&json!("http_5xx"), &json!(500)));
    let mut members: Vec<&String> = trial.as_object().expect("an object").keys().collect();
    members.sort();
    assert_eq!(members, ["advice", "kind", "message_id", "outcome", "started_at", "status_code", "times"]);

    // Nothing of it is kept, and the rules are those of a registration.
    assert_eq!(gateway.get("/api/webhooks").await.json()["total"], 0);
    let refused =
        gateway.post_json("/api/webhooks/test", &json!({"webhook_url": "http://169.254.169.254/"})).await;
    assert_eq!(refused.problem(422, "target_refused")["at"], "/webhook_url");
    let body = json!({"webhook_url": receiver.url(), "colour": "red"});
    gateway.post_json("/api/webhooks/test", &body).await.problem(422, "unknown_field");
}

#[tokio::test]
async fn what_fares_badly_says_how_badly_and_until_when() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let (path, _) = register(&gateway, json!({"webhook_url": receiver.url(), "retry": []})).await;
    gateway.push("default", "taken").await;
    receiver.next().await;
    receiver.answer(500);
    for _ in 0..FAILURES_MAX {
        gateway.push("default", "refused").await;
    }
    gateway.post_json(&format!("{path}/test"), &json!({})).await;
    let shown = gateway.get(&path).await.json();
    assert_eq!(shown["state"], "held", "{shown}");
    assert!(
        shown["held_until"]
            .as_str()
            .is_some_and(|until| until > shown["last_failure_at"].as_str().unwrap_or(""))
    );
    let paused = gateway.post_json(&format!("{path}/pause"), &json!({})).await.json();
    assert!(paused.get("held_until").is_none(), "{paused}");
    let resumed = gateway.post_json(&format!("{path}/resume"), &json!({})).await.json();
    assert_eq!(resumed["state"], "active", "{resumed}");
    assert!(resumed.get("held_until").is_none(), "{resumed}");
}

#[tokio::test]
async fn what_a_receiver_says_is_only_for_who_looks_at_the_attempt() {
    const SAID: &str = "said-by-the-receiver";
    let gateway = Gateway::start().await;
    let answer =
        format!("HTTP/1.1 500 {SAID}\r\nx-said: {SAID}\r\ncontent-length: {}\r\n\r\n{SAID}", SAID.len());
    let receiver = Receiver::playing(vec![], Script::Bytes(answer.into_bytes())).await;
    let (path, _) = register(&gateway, json!({"webhook_url": receiver.url(), "retry": []})).await;
    let mut seen = Vec::new();
    let pushed = gateway.post_json("/api/push", &json!({"message": "x"})).await;
    let id = pushed.json()["id"].as_str().expect("an id").to_owned();
    until("a failed delivery", async || (gateway.get(&path).await.json()["failed"] == 1).then_some(())).await;
    seen.push(("a push".to_owned(), pushed.text()));
    for post in [format!("{path}/test"), format!("{path}/deliveries/{id}/resend")] {
        let answer = gateway.request("POST", &post, |request| request).await;
        assert_eq!(answer.json()["outcome"], "http_5xx", "{}", answer.text());
        seen.push((post, answer.text()));
    }
    for get in [
        path.clone(),
        format!("{path}/attempts"),
        format!("{path}/deliveries"),
        format!("/api/events/{id}/receipts"),
        "/api/webhooks?details=true".to_owned(),
        "/api/status".to_owned(),
        "/metrics".to_owned(),
    ] {
        let answer = gateway.get(&get).await;
        assert_eq!(answer.status, 200, "{get}: {}", answer.text());
        seen.push((get, answer.text()));
    }
    for (tool, arguments) in [
        ("push_webhook", json!({"message": "y"})),
        ("delivery_status", json!({"event_id": id})),
        ("list_targets", json!({})),
    ] {
        let told = gateway.tool(Era::Modern, tool, arguments).await;
        seen.push((tool.to_owned(), format!("{} {}", told.text, told.structured)));
    }
    for (what, text) in seen {
        assert!(!text.contains(SAID), "{what}: {text}");
    }
    let list = gateway.get(&format!("{path}/attempts")).await.json();
    let attempt = list["attempts"][0]["id"].as_str().expect("an id").to_owned();
    let whole = gateway.get(&format!("/api/attempts/{attempt}")).await.text();
    assert_eq!(whole.matches(SAID).count(), 2, "a header and the body, for the operator: {whole}");
}

#[tokio::test]
async fn a_new_secret_signs_beside_the_old_one_until_that_is_revoked() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let (path, old) = register(&gateway, json!({"webhook_url": receiver.url_of("/")})).await;
        let rotate = format!("{path}/secret/rotate");
        let rotated = gateway.post_json(&rotate, &json!({"overlap": "1h"})).await.json();
        let new = rotated["secret"].as_str().expect("the new secret").to_owned();
        assert!(rotated["previous_until"].is_string(), "{rotated}");
        gateway.push("default", "both").await;
        let received = receiver.next().await;
        assert!(is_signed_with(&received, &old) && is_signed_with(&received, &new));
        let shown = gateway.get(&path).await;
        assert_eq!(shown.json()["earlier_secrets_until"].as_array().map(Vec::len), Some(1));
        assert!(!shown.text().contains(&new), "it is shown once");

        let rotated = gateway.post_json(&rotate, &json!({"overlap": "0s"})).await.json();
        let newest = rotated["secret"].as_str().expect("the newest secret");
        gateway.push("default", "one").await;
        let received = receiver.next().await;
        assert!(!is_signed_with(&received, &old) && !is_signed_with(&received, &new));
        assert!(is_signed_with(&received, newest));

        let before = gateway.get(&path).await.json()["public_key"].clone();
        let pair = gateway.post_json(&rotate, &json!({"kind": "ed25519"})).await.json();
        assert_ne!(pair["public_key"], before);
        assert_eq!(pair["public_key"], gateway.get(&path).await.json()["public_key"]);
        for (body, code, at) in [
            (json!({"secret": "whsec_short"}), "invalid_webhook", "/secret"),
            (json!({"overlap": "9d"}), "invalid_duration", "/overlap"),
            (json!({"overlap": 777_600}), "invalid_duration", "/overlap"),
            (json!({"overlap": "soon"}), "invalid_duration", "/overlap"),
            (json!({"kind": "rsa"}), "invalid_webhook", "/kind"),
        ] {
            let problem = gateway.post_json(&rotate, &body).await.problem(422, code);
            assert_eq!(problem["at"], at, "{problem}");
        }
    }
}

#[tokio::test]
async fn in_locked_mode_no_change_leads_into_the_private_network() {
    let policy = Policy {
        mode: Mode::Locked,
        allow: vec!["127.0.0.1".parse().expect("an address")],
        interfaces: Some(Vec::new()),
        ..Policy::default()
    };
    let gateway = Gateway::with(Engine::Memory, |config| config.webhooks.policy = policy).await;
    let receiver = Receiver::start().await;
    let (path, _) = register(&gateway, json!({"webhook_url": receiver.url_of("/")})).await;
    for url in ["https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "http://8.8.8.8/"] {
        let problem =
            patch(&gateway, &path, json!({"webhook_url": url})).await.problem(422, "target_refused");
        assert_eq!(problem["at"], "/webhook_url", "{url}");
    }
    assert_eq!(gateway.get(&path).await.json()["webhook_url"], receiver.url_of("/"));
}
