//! Tests of each kind with bodies of the shape that its sender uses, and with bodies that no sender would send.

mod gitlab;
mod known;
mod looking;
mod signed;
mod unsigned;

use std::sync::Arc;

use proptest::prelude::*;
use ring::hmac;
use serde_json::{Value, json};

use crate::inbound::PlainSecret;
use crate::ingest::{Incoming, Kind, Read, Secrets, read};
use crate::secret::Secret;
use crate::verify::{Headers, Key};
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;
use fanfare_core::principal::{Door, Source};
use fanfare_core::timestamp::Timestamp;

const NOW: i64 = 1_795_132_800;

fn now() -> Timestamp {
    Timestamp::from_micros(NOW * 1_000_000)
}

fn secrets() -> Secrets {
    let plain = |text: &str| PlainSecret::new(text).expect("not empty");
    Secrets {
        github: vec![plain("old"), plain("new")],
        standard_webhooks: vec![Key::Secret(Secret::from_random([7; 32]))],
        stripe: vec![plain("whsec_stripe")],
    }
}

fn tag(secret: &str, content: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), content);
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn all(kind: Kind, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<NewEvent>, Invalid> {
    let headers: Headers<'_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let source = Source { principal: Arc::from("local"), door: Door::Ingest, agent: None };
    let incoming = Incoming { name: kind.as_str(), headers: &headers, body, source: &source };
    match read(kind, incoming, &secrets().verifier(kind), now())? {
        Read::Events(events, _) => Ok(events),
        Read::Challenge(challenge) => panic!("{challenge:?}"),
    }
}

fn one(kind: Kind, headers: &[(&str, &str)], body: &str) -> Result<NewEvent, Invalid> {
    let mut events = all(kind, headers, body.as_bytes())?;
    assert_eq!(events.len(), 1);
    Ok(events.remove(0))
}

fn github(name: &str, body: &Value) -> NewEvent {
    let body = body.to_string();
    let signature = format!("sha256={}", tag("new", body.as_bytes()));
    let headers =
        [("X-GitHub-Event", name), ("X-GitHub-Delivery", "72d3"), ("X-Hub-Signature-256", &signature)];
    one(Kind::GitHub, &headers, &body).expect("signed")
}

fn stripe(body: &Value) -> NewEvent {
    let body = body.to_string();
    let signature = format!("t={NOW},v1={}", tag("whsec_stripe", format!("{NOW}.{body}").as_bytes()));
    one(Kind::Stripe, &[("Stripe-Signature", &signature)], &body).expect("signed")
}

#[test]
fn kinds_have_names_and_channels() {
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.as_str()), Some(kind));
        assert_eq!(super::channel(kind.as_str()).as_str(), format!("ingest.{kind}"));
    }
    assert_eq!(Kind::named("gihub"), None);
}

#[test]
fn a_kind_whose_sender_signs_takes_nothing_without_a_secret() {
    let source = Source { principal: Arc::from("local"), door: Door::Ingest, agent: None };
    let headers = Headers::default();
    let incoming = Incoming { name: "x", headers: &headers, body: b"{}", source: &source };
    for (kind, variable) in [
        (Kind::GitHub, "FANFARE_INGEST_SECRET_GITHUB"),
        (Kind::StandardWebhooks, "FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS"),
        (Kind::Stripe, "FANFARE_INGEST_SECRET_STRIPE"),
    ] {
        let error = Secrets::default().has(kind).expect_err("nothing to check with");
        assert_eq!(error.code.as_str(), "secret_missing");
        assert!(error.fix.contains(variable), "{}", error.fix);
        assert!(Secrets::default().verifier(kind).lacks_secret() && !secrets().verifier(kind).lacks_secret());
        for known in [Secrets::default(), secrets()] {
            let error = read(kind, incoming, &known.verifier(kind), now()).expect_err("not signed");
            assert_eq!(error.code.as_str(), "invalid_signature");
        }
    }
    assert!(read(Kind::Generic, incoming, &Secrets::default().verifier(Kind::Generic), now()).is_ok());
}

proptest! {
    #[test]
    fn no_body_makes_a_kind_panic(body in ".{0,200}", name in ".{0,80}") {
        for kind in [Kind::Alertmanager, Kind::ClaudeCode, Kind::Generic] {
            let _ = all(kind, &[("content-type", &name)], body.as_bytes());
        }
        let object = json!({"hook_event_name": name, "type": name, "action": body, "alerts": [{"labels": {"alertname": body}}]});
        let _ = (github(if name.trim().is_empty() { "push" } else { &name }, &object), stripe(&object));
        let _ = all(Kind::Alertmanager, &[], object.to_string().as_bytes()).expect("alerts");
    }
}
