//! Test vectors of other implementations and of ours, each recomputed by a second library, and inputs that must be
//! refused.

use std::time::Duration;

use crate::inbound::{PlainSecret, verify_hub};
use crate::message_id::MessageId;
use crate::rotation::Rotation;
use crate::secret::{Secret, SigningKey, VerifyingKey};
use crate::signature::{SignatureHeaders, SigningKeys, hub_signature};
use crate::verify::{Headers, Key, Mismatch, verify};
use fanfare_core::timestamp::Timestamp;

const OURS: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OURS_NEW: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const OUR_ID: &str = "evt_0000000000000000000000001";
const OUR_TIME: i64 = 1_795_132_800;
const OUR_BODY: &str = r#"{"message":"héllo ☃","timestamp":"2026-11-20T00:00:00.000Z"}"#;
const OUR_SIGNATURE: &str = "v1,M6Mf3feloJjAscshiLSciibnlwuImhrisn4AakdZf24=";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn secret(text: &str) -> Secret {
    text.parse().expect("a secret")
}

fn keys(text: &str) -> SigningKeys {
    SigningKeys { secrets: Rotation::new(secret(text)), ed25519: None, hub: false }
}

fn sign(keys: &SigningKeys, id: &str, seconds: i64, body: &str) -> SignatureHeaders {
    keys.sign(&id.parse::<MessageId>().expect("an id"), at(seconds), body.as_bytes())
}

fn verified(headers: &[(&str, &str)], body: &str, keys: &[Key], now: i64) -> Result<(), Mismatch> {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect::<Headers<'_>>();
    verify(&headers, body.as_bytes(), keys, at(now)).map(|_| ())
}

#[test]
fn v1_of_the_reference_libraries() {
    for (text, id, time, body, signature) in [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (OURS, OUR_ID, OUR_TIME, OUR_BODY, OUR_SIGNATURE),
    ] {
        let headers = sign(&keys(text), id, time, body);
        assert_eq!((&*headers.id, headers.timestamp, &*headers.signature), (id, time.to_string(), signature));
        let time = time.to_string();
        let headers = [("webhook-id", id), ("webhook-timestamp", &*time), ("webhook-signature", signature)];
        assert_eq!(
            verified(&headers, body, &[Key::Secret(secret(text))], time.parse().expect("digits")),
            Ok(())
        );
    }
}

#[test]
fn during_a_rotation_both_secrets_sign() {
    let mut rotated = keys(OURS_NEW);
    rotated.secrets.rotate(secret(OURS), Duration::from_secs(60), at(OUR_TIME)).expect("room");
    let signed = sign(&rotated, OUR_ID, OUR_TIME, OUR_BODY);
    assert_eq!(signed.signature, format!("{OUR_SIGNATURE} v1,XI/WaNIN5Mcrzdsi653EE/bg5s+U2U5LNzvWZKsDzR0="));
    assert_eq!(sign(&rotated, OUR_ID, OUR_TIME + 60, OUR_BODY).signature.matches("v1,").count(), 1);
    for text in [OURS, OURS_NEW] {
        let headers: Vec<_> = signed.iter().collect();
        assert_eq!(verified(&headers, OUR_BODY, &[Key::Secret(secret(text))], OUR_TIME), Ok(()), "{text}");
    }
}

#[test]
fn v1a_of_the_standard_and_of_ours() {
    let whsk =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let mut ascending = [0; 32];
    for (index, byte) in ascending.iter_mut().enumerate() {
        *byte = index as u8;
    }
    for (key, public, id, time, body, signature) in [
        (
            whsk.parse().expect("a key"),
            "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
        ),
        (
            SigningKey::from_seed(ascending),
            "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
            OUR_ID,
            OUR_TIME,
            OUR_BODY,
            "v1a,FzUYRH1/yPu5AFcfLpv+a/mKOf18qZiVOTQ5WHyk5XE+na7144Mgwee625UKr2vkbxWLzNygWr3KkP6awvZ3Ag==",
        ),
    ] {
        assert_eq!(key.verifying().to_string(), public);
        let keys = SigningKeys { ed25519: Some(Rotation::new(key)), hub: true, ..keys(OURS) };
        let signed = sign(&keys, id, time, body);
        assert_eq!(signed.signature.split(' ').nth(1), Some(signature));
        assert_eq!(signed.iter().count(), 4);
        let public = Key::Public(public.parse::<VerifyingKey>().expect("a key"));
        let headers: Vec<_> = signed.iter().collect();
        assert_eq!(verified(&headers, body, std::slice::from_ref(&public), time), Ok(()));
        assert_eq!(verified(&headers, "{}", &[public], time), Err(Mismatch::NoMatch));
    }
}

#[test]
fn githubs_example_and_our_secret_in_githubs_way() {
    assert_eq!(
        hub_signature(&secret(OURS), OUR_BODY.as_bytes()),
        "sha256=847275ee406d85a1b311839d85e9192320611b663034d48f0a119b541e9e01d1"
    );
    let value = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let headers = Headers::from_iter([("X-Hub-Signature-256", value.as_bytes())]);
    let secrets = ["another", "It's a Secret to Everybody"].map(|text| PlainSecret::new(text).expect("text"));
    assert_eq!(verify_hub(&headers, b"Hello, World!", &secrets), Ok(()));
    assert_eq!(verify_hub(&headers, b"Hello, World?", &secrets), Err(Mismatch::NoMatch));
    assert_eq!(verify_hub(&headers, b"Hello, World!", &secrets[..1]), Err(Mismatch::NoMatch));
}

#[test]
fn what_was_not_signed_so_is_not_believed() {
    let time = OUR_TIME.to_string();
    let key = [Key::Secret(secret(OURS))];
    let check = |id: &str, signature: &str, body: &str| {
        let headers = [("webhook-id", id), ("webhook-timestamp", &*time), ("webhook-signature", signature)];
        verified(&headers, body, &key, OUR_TIME)
    };
    assert_eq!(check(OUR_ID, OUR_SIGNATURE, OUR_BODY), Ok(()));
    let changed = OUR_BODY.replace('h', "H");
    let again = OUR_BODY.replace("\":\"", "\": \"");
    let dotted = format!("{OUR_ID}.");
    let truncated = &OUR_SIGNATURE[..OUR_SIGNATURE.len() - 4];
    let v2 = OUR_SIGNATURE.replace("v1", "v2");
    let last = format!("v1,AAAA v2,x v1a,y nonsense {OUR_SIGNATURE}");
    for (id, signature, body, expected) in [
        (OUR_ID, OUR_SIGNATURE, &*changed, Err(Mismatch::NoMatch)),
        (OUR_ID, OUR_SIGNATURE, &*again, Err(Mismatch::NoMatch)),
        (&*dotted, OUR_SIGNATURE, OUR_BODY, Err(Mismatch::Unreadable("webhook-id"))),
        ("evt_1", OUR_SIGNATURE, OUR_BODY, Err(Mismatch::NoMatch)),
        (OUR_ID, truncated, OUR_BODY, Err(Mismatch::NoMatch)),
        (OUR_ID, "v1,", OUR_BODY, Err(Mismatch::NoMatch)),
        (OUR_ID, "v1", OUR_BODY, Err(Mismatch::NoKnownScheme)),
        (OUR_ID, &*v2, OUR_BODY, Err(Mismatch::NoKnownScheme)),
        (OUR_ID, "", OUR_BODY, Err(Mismatch::Missing("webhook-signature"))),
        ("", OUR_SIGNATURE, OUR_BODY, Err(Mismatch::Missing("webhook-id"))),
        (OUR_ID, &*last, OUR_BODY, Ok(())),
    ] {
        assert_eq!(check(id, signature, body), expected, "{id} {signature} {body}");
    }
    let other = [Key::Secret(secret(OURS_NEW))];
    let headers =
        [("webhook-id", OUR_ID), ("webhook-timestamp", &*time), ("webhook-signature", OUR_SIGNATURE)];
    assert_eq!(verified(&headers, OUR_BODY, &other, OUR_TIME), Err(Mismatch::NoMatch));
    assert_eq!(verified(&headers, OUR_BODY, &[], OUR_TIME), Err(Mismatch::NoKnownScheme));
}

#[test]
fn a_signature_is_believed_for_five_minutes_either_way() {
    let time = OUR_TIME.to_string();
    let key = [Key::Secret(secret(OURS))];
    let headers =
        [("webhook-id", OUR_ID), ("webhook-timestamp", &*time), ("webhook-signature", OUR_SIGNATURE)];
    for (later, expected) in [
        (300, Ok(())),
        (-300, Ok(())),
        (301, Err(Mismatch::TooOld { seconds: 301 })),
        (-301, Err(Mismatch::TooNew { seconds: 301 })),
    ] {
        assert_eq!(verified(&headers, OUR_BODY, &key, OUR_TIME + later), expected);
    }
    for text in ["x", "-1", "+1", "1e9", "99999999999999999999", " ", "1795132800.0"] {
        let headers =
            [("webhook-id", OUR_ID), ("webhook-timestamp", text), ("webhook-signature", OUR_SIGNATURE)];
        assert!(verified(&headers, OUR_BODY, &key, OUR_TIME).is_err(), "{text}");
    }
}

#[test]
fn header_names_have_no_case_and_stand_there_once() {
    let time = OUR_TIME.to_string();
    let key = [Key::Secret(secret(OURS))];
    let shouted =
        [("WEBHOOK-ID", OUR_ID), ("Webhook-Timestamp", &*time), ("wEbHoOk-sIgNaTuRe", OUR_SIGNATURE)];
    assert_eq!(verified(&shouted, OUR_BODY, &key, OUR_TIME), Ok(()));
    let svix = [("svix-id", OUR_ID), ("svix-timestamp", &*time), ("svix-signature", OUR_SIGNATURE)];
    assert_eq!(verified(&svix, OUR_BODY, &key, OUR_TIME), Ok(()));
    for missing in 0..3 {
        let mut headers = shouted.to_vec();
        headers.remove(missing);
        assert!(matches!(verified(&headers, OUR_BODY, &key, OUR_TIME), Err(Mismatch::Missing(_))));
        let mut twice = shouted.to_vec();
        twice.push(shouted[missing]);
        assert!(matches!(verified(&twice, OUR_BODY, &key, OUR_TIME), Err(Mismatch::Repeated(_))));
    }
}
