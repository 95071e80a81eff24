//! Deliveries that the reference library in Rust verifies, and the vectors that ours and the others agree on.
//! (`interop/` does the same with the libraries of other languages.)

use fanfare_core::Timestamp;
use fanfare_webhook::inbound::{PlainSecret, verify_hub};
use fanfare_webhook::message_id::MessageId;
use fanfare_webhook::rotation::Rotation;
use fanfare_webhook::secret::{Secret, SigningKey};
use fanfare_webhook::signature::{SigningKeys, hub_signature};
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::support::gateway::Gateway;
use crate::support::receiver::{Got, Receiver};

const VECTORS: &str = include_str!("../../../../interop/webhook_vectors.json");
const ANOTHER_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const MESSAGE: &str = "grün ☃ 😀 \"quoted\"\n\u{2028}";

fn accepts(secret: &str, body: &[u8], headers: &HeaderMap) -> bool {
    Webhook::new(secret).expect("a secret").verify(body, headers).is_ok()
}

fn is_believed(secret: &str, received: &Got) -> bool {
    accepts(secret, &received.body, &headers(received))
}

fn headers(received: &Got) -> HeaderMap {
    let header = |(name, value): &(String, String)| {
        (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value"))
    };
    received.headers.iter().map(header).collect()
}

#[tokio::test]
async fn the_reference_library_believes_every_payload_and_nothing_that_was_changed() {
    for payload in ["seed", "event", "cloudevents"] {
        let gateway = Gateway::start().await;
        let receiver = Receiver::start().await;
        let hook = gateway.register(&receiver, json!({ "payload": payload })).await;
        gateway.push_event(json!({ "message": MESSAGE, "data": { "größe": 1.0 } })).await;
        let received = receiver.next().await;
        assert!(is_believed(&hook.secret, &received), "{payload}");
        assert!(!is_believed(ANOTHER_SECRET, &received));

        let mut body = received.body.clone();
        *body.last_mut().expect("a body") ^= 1;
        assert!(!accepts(&hook.secret, &body, &headers(&received)));
        let another_id = {
            let mut headers = headers(&received);
            headers.insert("webhook-id", "another".parse().expect("a value"));
            headers
        };
        assert!(!accepts(&hook.secret, &received.body, &another_id));
    }
}

#[tokio::test]
async fn the_reference_library_believes_both_secrets_while_one_replaces_the_other() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let hook = gateway.register(&receiver, json!({})).await;
    let rotate = format!("/api/webhooks/{}/secret/rotate", hook.id);
    let rotated = async |overlap: &str| {
        let answer = gateway.post_json(&rotate, &json!({ "overlap": overlap })).await.json();
        answer["secret"].as_str().expect("a secret").to_owned()
    };
    let new = rotated("1h").await;
    gateway.push("default", "during").await;
    let during = receiver.next().await;
    assert!(is_believed(&hook.secret, &during) && is_believed(&new, &during));
    let newest = rotated("0s").await;
    gateway.push("default", "after").await;
    let after = receiver.next().await;
    let believed = [&hook.secret, &new, &newest].map(|secret| is_believed(secret, &after));
    assert_eq!(believed, [false, false, true]);
}

#[test]
fn our_signatures_and_those_of_the_reference_library_are_those_of_the_vectors() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("vectors");
    for vector in rows(&vectors, "symmetric") {
        let secrets = vector["secrets"].as_array().expect("secrets").iter();
        let secrets: Vec<&str> = secrets.map(|secret| secret.as_str().expect("text")).collect();
        let (id, time, body) = (text(vector, "id"), seconds(vector), text(vector, "body").as_bytes());
        // The newest signs first, followed by the keys that it has replaced.
        let mut keys = Rotation::new(secret(secrets[secrets.len() - 1]));
        for newer in secrets.iter().rev().skip(1) {
            keys.rotate(secret(newer), std::time::Duration::from_secs(60), at(time)).expect("room");
        }
        let keys = SigningKeys { secrets: keys, ed25519: None, hub: false };
        let ours = keys.sign(&id.parse::<MessageId>().expect("an id"), at(time), body).signature;
        let theirs = secrets
            .iter()
            .map(|secret| Webhook::new(secret).expect("a secret").sign(id, time, body).expect("a signature"));
        assert_eq!(ours, text(vector, "signature"), "ours: {}", text(vector, "of"));
        assert_eq!(theirs.collect::<Vec<_>>().join(" "), ours, "theirs: {}", text(vector, "of"));
    }
    for vector in rows(&vectors, "ed25519") {
        let key: SigningKey = text(vector, "signing_key").parse().expect("a key");
        assert_eq!(key.verifying().to_string(), text(vector, "public_key"));
        let keys = SigningKeys {
            secrets: Rotation::new(secret(ANOTHER_SECRET)),
            ed25519: Some(Rotation::new(key)),
            hub: false,
        };
        let id = text(vector, "id").parse::<MessageId>().expect("an id");
        let signed = keys.sign(&id, at(seconds(vector)), text(vector, "body").as_bytes()).signature;
        assert_eq!(signed.split(' ').nth(1), Some(text(vector, "signature")), "{}", text(vector, "of"));
    }
    for vector in rows(&vectors, "hub") {
        let (plain, body) = (text(vector, "secret"), text(vector, "body").as_bytes());
        let headers = [("x-hub-signature-256", text(vector, "signature").as_bytes())].into_iter().collect();
        let known = [PlainSecret::new(plain).expect("not empty")];
        assert_eq!(verify_hub(&headers, body, &known), Ok(()), "{}", text(vector, "of"));
        assert!(verify_hub(&headers, b"another body", &known).is_err());
        // We sign with secrets of ours alone.
        if let Ok(secret) = plain.parse() {
            assert_eq!(hub_signature(&secret, body), text(vector, "signature"), "{}", text(vector, "of"));
        }
    }
}

fn rows<'a>(vectors: &'a Value, kind: &str) -> &'a [Value] {
    let rows = vectors[kind].as_array().expect("vectors");
    assert!(rows.len() >= 2, "{kind}");
    rows
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().expect("text")
}

fn seconds(vector: &Value) -> i64 {
    vector["timestamp"].as_i64().expect("seconds")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn secret(text: &str) -> Secret {
    text.parse().expect("a secret")
}
