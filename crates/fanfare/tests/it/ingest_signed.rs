//! `POST /ingest/{kind}` with a signature: accepted if it matches, and only once.

use fanfare::gateway;
use fanfare_core::Timestamp;
use fanfare_webhook::inbound::PlainSecret;
use fanfare_webhook::rotation::Rotation;
use fanfare_webhook::secret::{Secret, SigningKey};
use fanfare_webhook::signature::{SigningKeys, hub_signature};
use fanfare_webhook::verify::Key;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::answer::Answer;
use crate::support::gateway::Gateway;

const SECONDS_MAX: i64 = 300;

/// The secret that is being replaced, and the new one.
fn secrets() -> [Secret; 2] {
    [Secret::from_random([1; 32]), Secret::from_random([2; 32])]
}

fn pair() -> SigningKey {
    SigningKey::from_seed([3; 32])
}

fn configure(config: &mut gateway::Config) {
    let plain =
        || secrets().iter().map(|secret| PlainSecret::new(secret.reveal()).expect("not empty")).collect();
    config.http.ingest.github = plain();
    config.http.ingest.stripe = plain();
    let shared = secrets().into_iter().map(Key::Secret);
    config.http.ingest.standard_webhooks = shared.chain([Key::Public(pair().verifying())]).collect();
}

async fn gateway() -> Gateway {
    Gateway::with(Engine::Memory, configure).await
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end of time")
}

async fn send(gateway: &Gateway, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    gateway
        .request("POST", path, |mut request| {
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.header("content-type", "application/json").body(body.to_owned())
        })
        .await
}

async fn log(gateway: &Gateway) -> Vec<Value> {
    let page = gateway.get("/api/events?order=oldest").await.json();
    page["events"].as_array().expect("events").clone()
}

#[tokio::test]
async fn without_a_secret_nothing_that_has_to_be_signed_is_taken() {
    let gateway = Gateway::start().await;
    for (kind, variable) in [
        ("github", "FANFARE_INGEST_SECRET_GITHUB"),
        ("stripe", "FANFARE_INGEST_SECRET_STRIPE"),
        ("standard-webhooks", "FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS"),
    ] {
        let answer = gateway.post_json(&format!("/ingest/{kind}"), &json!({})).await;
        let problem = answer.problem(503, "secret_missing");
        assert!(problem["fix"].as_str().expect("words").contains(variable), "{problem}");
    }
    assert_eq!(gateway.hub.last().seq, 0);
}

#[tokio::test]
async fn a_push_to_github_is_a_sentence_and_taken_once() {
    let gateway = gateway().await;
    let body = json!({
        "ref": "refs/heads/main", "before": "0f3c", "after": "9d1e", "forced": false, "deleted": false,
        "repository": {"id": 17, "full_name": "octo/web"}, "pusher": {"name": "mona"}, "sender": {"login": "mona"},
        "commits": [{"id": "9d1e", "message": "Fix the build"}], "head_commit": {"id": "9d1e", "message": "Fix the build"},
    });
    let text = body.to_string();
    for (number, secret) in secrets().iter().enumerate() {
        let signature = hub_signature(secret, text.as_bytes());
        let headers = [
            ("X-GitHub-Event", "push"),
            ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            ("X-Hub-Signature-256", &*signature),
        ];
        let answer = send(&gateway, "/ingest/github", &headers, &text).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json().get("repeated"), (number == 1).then_some(&json!(true)));
        // One byte more than was signed.
        let forged = send(&gateway, "/ingest/github", &headers, &format!("{text} ")).await;
        let problem = forged.problem(401, "invalid_signature");
        assert!(!problem.to_string().contains(secret.reveal()), "{problem}");
    }
    send(&gateway, "/ingest/github", &[("X-GitHub-Event", "push")], &text)
        .await
        .problem(401, "invalid_signature");
    let events = log(&gateway).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["message"], "octo/web: mona pushed 1 commit to main: Fix the build");
    assert_eq!((&events[0]["type"], &events[0]["channel"]), (&json!("github.push"), &json!("ingest.github")));
    assert_eq!(events[0]["data"], body);
}

/// GitHub sends at most 25 MB, and never again what was refused.
#[tokio::test]
async fn the_largest_pushes_of_github_are_events() {
    let gateway = gateway().await;
    let commit = |number: usize| {
        let files: Vec<String> =
            (0..100).map(|file| format!("src/module_{number}/of_the_program/file_{file}.rs")).collect();
        json!({"id": format!("{number:040}"), "message": "Fix the build\n\nand more", "modified": files})
    };
    let body = json!({
        "ref": "refs/heads/main", "commits": (0..2_048).map(commit).collect::<Vec<_>>(),
        "padding": "x".repeat(12 * 1024 * 1024),
        "repository": {"full_name": "octo/web"}, "sender": {"login": "mona"}, "head_commit": {"message": "Merge"},
    })
    .to_string();
    assert!((20 << 20..25 << 20).contains(&body.len()), "{}", body.len());
    let post = async |body: &str| {
        let signature = hub_signature(&secrets()[0], body.as_bytes());
        send(
            &gateway,
            "/ingest/github",
            &[("X-GitHub-Event", "push"), ("X-Hub-Signature-256", &signature)],
            body,
        )
        .await
    };
    let answer = post(&body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let event = log(&gateway).await.remove(0);
    assert_eq!(event["message"], "octo/web: mona pushed 2048 commits to main: Merge");
    assert!(
        event["data"]["omitted_bytes"].as_u64().is_some_and(|omitted| omitted > 20 << 20),
        "what is missing"
    );
    assert_eq!(event["data"]["repository"]["full_name"], "octo/web");
    // The last, because the connection ends with it.
    post(&" ".repeat((25 << 20) + 1)).await.problem(413, "body_too_large");
}

#[tokio::test]
async fn stripe_is_believed_for_five_minutes() {
    let gateway = gateway().await;
    let body = json!({
        "id": "evt_1", "object": "event", "type": "invoice.paid", "livemode": true, "created": 1_795_132_800,
        "data": {"object": {"id": "in_1", "object": "invoice", "amount_paid": 2005, "currency": "eur"}},
    })
    .to_string();
    let header = |at: i64| {
        // Both are HMAC-SHA256 in hexadecimal, keyed with the text of the secret.
        let tag = hub_signature(&secrets()[1], format!("{at}.{body}").as_bytes());
        format!("t={at},v1={}", tag.trim_start_matches("sha256="))
    };
    let post = async |header: String| {
        send(&gateway, "/ingest/stripe?channel=money", &[("Stripe-Signature", &header)], &body).await
    };
    let answer = post(header(now())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["channel"], "money");
    // Stripe signs each attempt anew, with another timestamp; the event is the same.
    let again = post(header(now() - 60)).await;
    assert_eq!((again.status, again.json()["repeated"].clone()), (200, json!(true)));
    for at in [now() - SECONDS_MAX - 60, now() + SECONDS_MAX + 60] {
        post(header(at)).await.problem(401, "invalid_signature");
    }
    let events = log(&gateway).await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["message"], &events[0]["type"]),
        (&json!("invoice.paid in_1, 20.05 EUR"), &json!("stripe.invoice.paid"))
    );
}

#[tokio::test]
async fn standard_webhooks_are_taken_with_any_key_that_is_known_and_once_for_an_id() {
    let gateway = gateway().await;
    let body = r#"{"type":"user.created","timestamp":"2026-11-21T08:00:00Z","data":{"id":"u1"}}"#;
    let [old, new] = secrets();
    let stranger = Secret::from_random([9; 32]);
    let signed = |secret: &Secret, ed25519: bool, at: i64, id: &str| {
        let ed25519 = ed25519.then(|| Rotation::new(pair()));
        let keys = SigningKeys { secrets: Rotation::new(secret.clone()), ed25519, hub: false };
        let at = Timestamp::from_micros(at * 1_000_000);
        let headers = keys.sign(&id.parse().expect("an id"), at, body.as_bytes());
        headers.iter().map(|(name, value)| (name, value.to_owned())).collect::<Vec<_>>()
    };
    for (headers, wanted) in [
        (signed(&old, false, now(), "msg_1"), Ok(None)),
        (signed(&new, false, now() - 10, "msg_1"), Ok(Some(true))),
        (signed(&stranger, true, now(), "msg_2"), Ok(None)),
        (signed(&stranger, false, now(), "msg_3"), Err(())),
        (signed(&new, false, now() - SECONDS_MAX - 60, "msg_4"), Err(())),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = send(&gateway, "/ingest/standard-webhooks", &headers, body).await;
        match wanted {
            Ok(repeated) => {
                assert_eq!(answer.status, 200, "{}", answer.text());
                assert_eq!(answer.json().get("repeated").and_then(Value::as_bool), repeated);
            }
            Err(()) => drop(answer.problem(401, "invalid_signature")),
        }
    }
    let events = log(&gateway).await;
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0]["message"], &events[0]["type"]), (&json!("user.created"), &json!("user.created")));
}
