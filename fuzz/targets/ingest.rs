//! Bodies of other programs: nothing panics, accepted values are bounded, and no sender is accepted without the secret.

#![no_main]

use std::sync::Arc;

use fanfare_webhook::ingest::{Incoming, Kind, Read, Secrets, read};
use fanfare_core::limits::{DATA_LEN_MAX, MESSAGE_LEN_MAX};
use fanfare_webhook::inbound::PlainSecret;
use fanfare_webhook::secret::Secret;
use fanfare_webhook::signature::hub_signature;
use fanfare_webhook::verify::{Headers, Key};
use fanfare_core::{Door, Source, Timestamp};
use libfuzzer_sys::fuzz_target;

const SECONDS: i64 = 1_795_132_800;

fuzz_target!(|input: (&str, &str, &[u8])| {
    let (name, content_type, body) = input;
    let now = Timestamp::from_micros(SECONDS * 1_000_000);
    let secret = Secret::from_random([7; 32]);
    let plain = || vec![PlainSecret::new(secret.reveal()).expect("not empty")];
    let secrets =
        Secrets { github: plain(), standard_webhooks: vec![Key::Secret(secret.clone())], stripe: plain() };
    let source = Source { principal: Arc::from("local"), door: Door::Ingest, agent: None };
    let ask = |kind: Kind, list: &[(&str, &str)]| {
        let headers: Headers<'_> = list.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        read(kind, Incoming { name: kind.as_str(), headers: &headers, body, source: &source }, &secrets.verifier(kind), now)
    };

    let hub = hub_signature(&secret, body);
    let stripe = hub_signature(&secret, &[SECONDS.to_string().as_bytes(), body].join(&b'.'));
    let stripe = format!("t={SECONDS},v1={}", stripe.trim_start_matches("sha256="));
    let signed = [
        ("content-type", content_type),
        ("idempotency-key", name),
        ("x-github-event", name),
        ("x-github-delivery", name),
        ("x-hub-signature-256", &*hub),
        ("stripe-signature", &*stripe),
    ];
    for kind in Kind::ALL {
        let Ok(Read::Events(events, _)) = ask(kind, &signed) else { continue };
        for event in events {
            assert!(event.message.len() <= MESSAGE_LEN_MAX);
            assert!(event.data.is_none_or(|data| data.as_str().len() <= DATA_LEN_MAX));
            assert_eq!(event.channel.as_str(), format!("ingest.{kind}"));
        }
    }
    // No one can guess the secret, and neither can libFuzzer.
    let forged = [
        ("x-github-event", name),
        ("x-hub-signature-256", name),
        ("stripe-signature", name),
        ("webhook-signature", name),
    ];
    for kind in [Kind::GitHub, Kind::StandardWebhooks, Kind::Stripe] {
        assert!(ask(kind, &forged).is_err());
    }
});
