//! Signatures: nothing panics, our signatures are accepted, and anything else in the headers is not.

#![no_main]

use fanfare_core::Timestamp;
use fanfare_webhook::inbound::{PlainSecret, verify_hub, verify_stripe};
use fanfare_webhook::message_id::MessageId;
use fanfare_webhook::rotation::Rotation;
use fanfare_webhook::secret::{Secret, SigningKey, VerifyingKey};
use fanfare_webhook::signature::SigningKeys;
use fanfare_webhook::verify::{Headers, Key, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str, &[u8])| {
    let (id, timestamp, signature, body) = input;
    let now = Timestamp::from_micros(1_795_132_800_000_000);
    let (secret, signing) = (Secret::from_random([7; 32]), SigningKey::from_seed([8; 32]));
    let keys = [Key::Secret(secret.clone()), Key::Public(signing.verifying())];
    let plain = [PlainSecret::new(secret.reveal()).expect("not empty")];

    // No one can guess these keys, and neither can libFuzzer.
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
        ("X-Hub-Signature-256", signature),
        ("Stripe-Signature", signature),
    ];
    let forged: Headers<'_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    assert!(verify(&forged, body, &keys, now).is_err());
    assert!(verify_hub(&forged, body, &plain).is_err());
    assert!(verify_stripe(&forged, body, &plain, now).is_err());

    if let Ok(id) = id.parse::<MessageId>() {
        let own =
            SigningKeys { secrets: Rotation::new(secret), ed25519: Some(Rotation::new(signing)), hub: true };
        let signed = own.sign(&id, now, body);
        let list: Vec<_> = signed.iter().map(|(name, value)| (name, value.as_bytes())).collect();
        for key in keys {
            let believed = verify(&list.iter().copied().collect(), body, &[key], now);
            assert_eq!(believed.map(|verified| verified.id), Ok(id.as_str()));
        }
        assert_eq!(verify_hub(&list.into_iter().collect(), body, &plain), Ok(()));
    }

    for text in [id, timestamp, signature] {
        if let Ok(secret) = text.parse::<Secret>() {
            assert_eq!(secret.reveal(), text);
        }
        if let Ok(key) = text.parse::<SigningKey>() {
            assert_eq!(key.verifying().to_string().parse::<VerifyingKey>(), Ok(key.verifying()));
        }
    }
});
