//! Tests of valid and invalid registrations, and of the way to the store and back, on which nothing is lost.

use proptest::prelude::*;

use crate::options::Options;
use crate::patch::{Change, Patch, Registration};
use fanfare_core::start::Start;

const EVERYTHING: &str = r#"{"webhook_url":"http://localhost:3000/webhook","channels":["builds.*","a"],
    "types":["error"],"min_priority":"high","text":"Fail","payload":"cloudevents",
    "headers":{"X-Api-Key":"k3y-of-mine"},"auth":{"kind":"basic","username":"u","password":"p4ss-word"},
    "concurrency":4,"rate_per_second":50,"ordered":true,"batch":{"max_events":10,"max_wait":"500ms"},
    "description":"to the pager","retry":["1s","10s"],"signatures":["v1","v1a","hub"],
    "secret":"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","since":"earliest"}"#;

fn options(text: &str) -> Options {
    let mut options = Options::default();
    options.apply(Patch::parse(text.as_bytes()).expect(text)).expect(text);
    options
}

#[test]
fn everything_can_be_registered_and_comes_back_from_the_store() {
    let registration = Registration::parse(EVERYTHING.as_bytes()).expect("well formed");
    assert_eq!(registration.url.reveal(), "http://localhost:3000/webhook");
    assert_eq!(registration.start, Some(Start::Earliest));
    assert!(registration.secret.is_some());
    let mut options = Options::default();
    options.apply(registration.options).expect("no contradiction");
    assert_eq!((options.concurrency, options.in_flight_max()), (4, 1));
    assert_eq!(Options::from_stored(&options.to_stored()).expect("as stored"), options);
    let debug = format!("{options:?}");
    for hidden in ["k3y-of-mine", "p4ss-word"] {
        assert!(options.to_stored().contains(hidden));
        assert!(!debug.contains(hidden), "{debug}");
    }
}

#[test]
fn the_seeds_registration_is_enough() {
    let registration =
        Registration::parse(br#"{"webhook_url":"http://your-server:3000/webhook"}"#).expect("the seed's");
    assert!(registration.options.is_empty() && registration.secret.is_none() && registration.start.is_none());
    assert_eq!(Options::from_stored(&Options::default().to_stored()).expect("as stored"), Options::default());
}

#[test]
fn a_change_leaves_the_rest_and_null_puts_the_default_back() {
    let mut all = Options::default();
    all.apply(Registration::parse(EVERYTHING.as_bytes()).expect("well formed").options).expect("fits");
    let before = all.clone();
    all.apply(Patch::parse(b"{}").expect("nothing")).expect("nothing");
    assert_eq!(all, before);
    all.apply(Patch::parse(br#"{"types":["info"],"text":null}"#).expect("a change")).expect("fits");
    assert_eq!(all.filter.patterns(), before.filter.patterns());
    assert_eq!((all.filter.text(), all.description.as_deref()), (None, Some("to the pager")));
    let members = [
        "channels",
        "types",
        "min_priority",
        "text",
        "payload",
        "headers",
        "auth",
        "concurrency",
        "rate_per_second",
        "ordered",
        "ca",
        "batch",
        "description",
        "retry",
        "signatures",
    ];
    let nulls = members.map(|name| format!("\"{name}\":null")).join(",");
    all.apply(Patch::parse(format!("{{{nulls}}}").as_bytes()).expect("nulls")).expect("defaults");
    assert_eq!(all, Options::default());
}

#[test]
fn a_contradiction_changes_nothing() {
    let mut all = options(r#"{"auth":{"kind":"bearer","token":"t"},"description":"kept"}"#);
    let before = all.clone();
    let patch =
        Patch::parse(br#"{"headers":{"authorization":"Token x"},"description":"lost"}"#).expect("by itself");
    assert_eq!(all.apply(patch).expect_err("two of them").at, "/auth");
    assert_eq!(all, before);
}

#[test]
fn a_refusal_names_the_member_and_the_bound() {
    let long = "x".repeat(257);
    let many = vec!["\"a\""; 65].join(",");
    let soon = vec!["1"; 33].join(",");
    for (text, code, at) in [
        ("", "invalid_json", ""),
        ("[]", "invalid_json", ""),
        (r#"{"pattern":["a"]}"#, "unknown_field", "/pattern"),
        (r#"{"channels":"a"}"#, "invalid_webhook", "/channels"),
        (r#"{"channels":["a","b..c"]}"#, "invalid_pattern", "/channels/1"),
        (&format!(r#"{{"channels":[{many}]}}"#), "invalid_webhook", "/channels"),
        (r#"{"types":["gap"]}"#, "invalid_type", "/types/0"),
        (r#"{"min_priority":"urgent"}"#, "invalid_priority", "/min_priority"),
        (&format!(r#"{{"text":"{long}"}}"#), "invalid_webhook", "/text"),
        (r#"{"payload":"xml"}"#, "invalid_webhook", "/payload"),
        (r#"{"headers":["a"]}"#, "invalid_webhook", "/headers"),
        (r#"{"headers":{"X-A":1}}"#, "invalid_webhook", "/headers/X-A"),
        (r#"{"headers":{"Host":"x"}}"#, "invalid_webhook", "/headers/Host"),
        (r#"{"headers":{"X-A":"a\r\nb"}}"#, "invalid_webhook", "/headers/X-A"),
        (r#"{"auth":{}}"#, "invalid_webhook", "/auth/kind"),
        (r#"{"auth":{"bearer":"t"}}"#, "invalid_webhook", "/auth/kind"),
        (r#"{"auth":{"kind":"digest"}}"#, "invalid_webhook", "/auth/kind"),
        (r#"{"auth":{"kind":"basic","username":"a","token":"t"}}"#, "unknown_field", "/auth/token"),
        (r#"{"auth":{"kind":"basic","username":"a:b"}}"#, "invalid_webhook", "/auth/username"),
        (r#"{"auth":{"kind":"basic","username":"a","password":"\r"}}"#, "invalid_webhook", "/auth/password"),
        (r#"{"auth":{"kind":"bearer"}}"#, "invalid_webhook", "/auth/token"),
        (r#"{"auth":{"kind":"bearer","token":"a b"}}"#, "invalid_webhook", "/auth/token"),
        (r#"{"concurrency":0}"#, "invalid_webhook", "/concurrency"),
        (r#"{"concurrency":129}"#, "invalid_webhook", "/concurrency"),
        (r#"{"concurrency":1.5}"#, "invalid_webhook", "/concurrency"),
        (r#"{"rate_per_second":4294967297}"#, "invalid_webhook", "/rate_per_second"),
        (r#"{"ordered":"yes"}"#, "invalid_webhook", "/ordered"),
        (r#"{"batch":{"max_events":1001}}"#, "invalid_webhook", "/batch/max_events"),
        (r#"{"batch":{"max_wait":"61s"}}"#, "invalid_duration", "/batch/max_wait"),
        (r#"{"batch":{"max_wait":61}}"#, "invalid_duration", "/batch/max_wait"),
        (r#"{"batch":{"max_wait":true}}"#, "invalid_duration", "/batch/max_wait"),
        (r#"{"batch":{"wait":"1s"}}"#, "unknown_field", "/batch/wait"),
        (r#"{"description":"a\nb"}"#, "invalid_webhook", "/description"),
        (r#"{"retry":"5s,5m"}"#, "invalid_webhook", "/retry"),
        (r#"{"retry":["5s","5m;"]}"#, "invalid_duration", "/retry/1"),
        (r#"{"retry":["5s",0.001]}"#, "invalid_duration", "/retry/1"),
        (r#"{"retry":["7d","7d","7d","7d","7d"]}"#, "invalid_webhook", "/retry"),
        (&format!(r#"{{"retry":[{soon}]}}"#), "invalid_webhook", "/retry"),
        (r#"{"signatures":["v1","v3"]}"#, "invalid_webhook", "/signatures/1"),
        (r#"{"a/b~c":1}"#, "unknown_field", "/a~1b~0c"),
    ] {
        let error = Patch::parse(text.as_bytes()).expect_err(text);
        assert_eq!((error.code.as_str(), error.at.as_str()), (code, at), "{text}: {error}");
        assert!(!error.fix.is_empty());
    }
    for (text, code, at) in [
        (r#"{}"#, "invalid_url", "/webhook_url"),
        (r#"{"webhook_url":null}"#, "invalid_url", "/webhook_url"),
        (r#"{"webhook_url":7}"#, "invalid_webhook", "/webhook_url"),
        (r#"{"webhook_url":"ftp://x"}"#, "invalid_url", "/webhook_url"),
        (r#"{"webhook_url":"http://a","after":"x"}"#, "invalid_webhook", "/after"),
        (r#"{"webhook_url":"http://a","after":"k3f9x2ab-1","since":"1m"}"#, "invalid_webhook", "/since"),
        (r#"{"webhook_url":"http://a","since":"x"}"#, "invalid_time", "/since"),
        (r#"{"webhook_url":"http://a","nothing":1}"#, "unknown_field", "/nothing"),
        (
            r#"{"webhook_url":"http://a","auth":{"kind":"bearer","token":"t"},"headers":{"Authorization":"x"}}"#,
            "invalid_webhook",
            "/auth",
        ),
    ] {
        let error = Registration::parse(text.as_bytes()).expect_err(text);
        assert_eq!((error.code.as_str(), error.at.as_str()), (code, at), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn what_is_accepted_comes_back_from_the_store(
        concurrency in 1..=128u32, rate in prop::option::of(1..=10_000u32), ordered: bool,
        header in "[ -~]{0,20}", password in "[^\\p{Cc}]{0,20}", description in "[^\\p{Cc}]{1,20}", wait in 0..60_000u32,
    ) {
        let text = serde_json::json!({
            "concurrency": concurrency, "rate_per_second": rate, "ordered": ordered,
            "headers": { "X-Key": header.trim() }, "auth": { "kind": "basic", "username": "u", "password": password },
            "description": description, "batch": { "max_wait": format!("{wait}ms") },
        });
        let options = options(&text.to_string());
        prop_assert_eq!(Options::from_stored(&options.to_stored()).expect("as stored"), options);
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(body: Vec<u8>) {
        let _ = (Patch::parse(&body), Registration::parse(&body));
    }

    #[test]
    fn no_json_makes_the_parsers_panic(
        body in "\\{\"(auth|batch|headers|retry|channels|webhook_url)\":(\"[a-z,:/0-9]{0,12}\"|[0-9]{1,3}|null|\\{\"(kind|max_wait)\":(null|\"basic\"|\\{\\})\\}|\\[(\"[a-z0-9]{0,3}\"|[0-9]{0,3})\\])\\}"
    ) {
        let _ = (Patch::parse(body.as_bytes()), Registration::parse(body.as_bytes()));
    }
}

#[test]
fn a_change_may_move_a_webhook_but_not_take_its_address() {
    let change = Change::parse(br#"{"webhook_url":"http://localhost:1/x","ordered":true}"#).expect("fine");
    assert_eq!(change.url.map(|url| url.reveal().to_owned()).as_deref(), Some("http://localhost:1/x"));
    assert_eq!(change.options.ordered, Some(true));
    assert_eq!(Change::parse(b"{}").expect("nothing to change"), Change::default());
    for body in [&br#"{"webhook_url":null}"#[..], br#"{"webhook_url":7}"#, br#"{"secret":"x"}"#, b"[]"] {
        assert!(Change::parse(body).is_err(), "{}", String::from_utf8_lossy(body));
    }
}
