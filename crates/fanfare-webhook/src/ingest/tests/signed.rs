//! Senders that sign: GitHub, Stripe, and those that follow Standard Webhooks.

use serde_json::{Value, json};

use super::{NOW, github, one, stripe, tag};
use crate::ingest::Kind;
use crate::rotation::Rotation;
use crate::secret::Secret;
use crate::signature::SigningKeys;
use fanfare_core::event::EventType;
use fanfare_core::priority::Priority;
use fanfare_core::timestamp::Timestamp;

#[test]
fn what_github_says_becomes_a_sentence() {
    let by = |rest: Value| {
        let mut body = json!({"repository": {"full_name": "octo/web"}, "sender": {"login": "mona"}});
        let members = body.as_object_mut().expect("an object");
        members.extend(rest.as_object().expect("an object").clone());
        body
    };
    for (name, body, sentence) in [
        (
            "ping",
            by(json!({"zen": "Keep it logically awesome.", "hook_id": 1})),
            "octo/web: webhook set up: Keep it logically awesome.",
        ),
        (
            "push",
            by(
                json!({"ref": "refs/heads/main", "commits": [{}, {}], "head_commit": {"message": "Fix the build\n\nLong story"}}),
            ),
            "octo/web: mona pushed 2 commits to main: Fix the build",
        ),
        (
            "push",
            by(json!({"ref": "refs/heads/a/b", "commits": [], "forced": true})),
            "octo/web: mona force-pushed no new commits to a/b",
        ),
        ("push", by(json!({"ref": "refs/tags/v1", "commits": []})), "octo/web: mona pushed tag v1"),
        ("push", by(json!({"ref": "refs/heads/old", "deleted": true})), "octo/web: mona deleted branch old"),
        (
            "pull_request",
            by(
                json!({"action": "opened", "pull_request": {"number": 7, "title": "Faster", "merged": false}}),
            ),
            "octo/web: mona opened pull request #7: Faster",
        ),
        (
            "pull_request",
            by(json!({"action": "closed", "pull_request": {"number": 7, "title": "Faster", "merged": true}})),
            "octo/web: mona merged pull request #7: Faster",
        ),
        (
            "pull_request_review",
            by(
                json!({"action": "submitted", "review": {"state": "changes_requested"}, "pull_request": {"number": 7, "title": "Faster"}}),
            ),
            "octo/web: mona reviewed pull request #7 (changes requested): Faster",
        ),
        (
            "issues",
            by(json!({"action": "closed", "issue": {"number": 3, "title": "It is slow"}})),
            "octo/web: mona closed issue #3: It is slow",
        ),
        (
            "issue_comment",
            by(json!({"action": "created", "issue": {"number": 3}, "comment": {"body": "Me too\nreally"}})),
            "octo/web: mona commented on #3: Me too",
        ),
        (
            "release",
            by(json!({"action": "published", "release": {"tag_name": "v2", "name": ""}})),
            "octo/web: mona published release v2",
        ),
        (
            "workflow_run",
            by(
                json!({"action": "completed", "workflow_run": {"name": "CI", "conclusion": "failure", "head_branch": "main"}}),
            ),
            "octo/web: workflow run \"CI\" failure on main",
        ),
        (
            "workflow_run",
            by(json!({"action": "requested", "workflow_run": {"name": "CI", "conclusion": null}})),
            "octo/web: workflow run \"CI\" requested",
        ),
        ("star", by(json!({"action": "created"})), "octo/web: mona starred the repository"),
        (
            "merge_group",
            by(json!({"action": "checks_requested"})),
            "octo/web: merge group checks requested by mona",
        ),
        ("installation", json!({}), "installation by somebody"),
    ] {
        let event = github(name, &body);
        assert_eq!(&*event.message, sentence);
        assert_eq!(event.event_type.as_str(), format!("github.{name}"));
        assert_eq!(event.data.as_ref().map(|data| data.as_str()), Some(&*body.to_string()));
        assert_eq!(
            event.idempotency_key.map(|key| key.as_str().to_owned()),
            Some("ingest:github:72d3".to_owned())
        );
        assert_eq!(event.channel.as_str(), "ingest.github");
    }
    let failed = by(json!({"action": "completed", "workflow_run": {"conclusion": "failure"}}));
    assert_eq!(github("workflow_run", &failed).priority, Priority::High);
    assert_eq!(github("dependabot_alert", &by(json!({"action": "created"}))).priority, Priority::High);
    assert_eq!(github("push", &by(json!({}))).priority, Priority::Default);
}

#[test]
fn github_may_send_a_form_and_rotates_its_secret() {
    let body = "payload=%7B%22zen%22%3A%22A+%26+B%22%7D";
    for secret in ["old", "new"] {
        let signature = format!("sha256={}", tag(secret, body.as_bytes()));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-github-event", "ping"),
            ("x-hub-signature-256", &*signature),
        ];
        let event = one(Kind::GitHub, &headers, body).expect("signed");
        assert_eq!(&*event.message, "webhook set up: A & B");
        assert_eq!(event.data.expect("data").as_str(), r#"{"zen":"A & B"}"#);
        assert_eq!(event.idempotency_key, None, "nobody said which delivery");
        let error = one(Kind::GitHub, &headers[2..], body).expect_err("no event");
        assert_eq!((error.code.as_str(), &*error.at), ("invalid_type", "X-GitHub-Event:"));
    }
}

#[test]
fn what_stripe_says_has_its_amount() {
    for (body, sentence, kind, priority) in [
        (
            json!({"id": "evt_1", "type": "invoice.paid", "livemode": true, "data": {"object": {"id": "in_1", "amount_paid": 2005, "currency": "eur"}}}),
            "invoice.paid in_1, 20.05 EUR",
            "stripe.invoice.paid",
            Priority::Default,
        ),
        (
            json!({"id": "evt_2", "type": "payment_intent.payment_failed", "livemode": false, "data": {"object": {"id": "pi_1", "amount": 500, "currency": "jpy"}}}),
            "payment_intent.payment_failed pi_1, 500 JPY (test)",
            "stripe.payment_intent.payment_failed",
            Priority::High,
        ),
        (
            json!({"id": "evt_3", "type": "v2.core.account[x].updated", "related_object": {"id": "acct_1"}}),
            "v2.core.account[x].updated acct_1",
            "stripe.v2.core.account_x_.updated",
            Priority::Default,
        ),
        (
            json!({"type": "balance.available", "data": {"object": {"amount": -7, "currency": "kwd"}}}),
            "balance.available, -0.007 KWD",
            "stripe.balance.available",
            Priority::Default,
        ),
    ] {
        let event = stripe(&body);
        assert_eq!((&*event.message, event.event_type.as_str(), event.priority), (sentence, kind, priority));
        let id = body["id"].as_str().map(|id| format!("ingest:stripe:{id}"));
        assert_eq!(event.idempotency_key.map(|key| key.as_str().to_owned()), id);
    }
}

#[test]
fn standard_webhooks_are_believed_for_five_minutes_and_known_by_their_id() {
    let signed = |at: i64, id: &str, body: &str| {
        let keys =
            SigningKeys { secrets: Rotation::new(Secret::from_random([7; 32])), ed25519: None, hub: false };
        let signed =
            keys.sign(&id.parse().expect("an id"), Timestamp::from_micros(at * 1_000_000), body.as_bytes());
        let headers: Vec<_> = signed.iter().collect();
        one(Kind::StandardWebhooks, &headers, body)
    };
    let body = r#"{"type":"user.created","timestamp":"2026-11-21T08:00:00Z","data":{"id":"u1"}}"#;
    let event = signed(NOW, "msg_1", body).expect("signed");
    assert_eq!((&*event.message, event.event_type.as_str()), ("user.created", "user.created"));
    assert_eq!(event.idempotency_key.expect("a key").as_str(), "ingest:standard-webhooks:msg_1");
    let ours = r#"{"message":"disk full","type":"error","priority":"max","id":"k3f9x2ab-1"}"#;
    let event = signed(NOW - 299, "k3f9x2ab-1", ours).expect("signed");
    assert_eq!(
        (&*event.message, event.event_type, event.priority),
        ("disk full", EventType::Error, Priority::Max)
    );
    let forged = r#"{"type":"fanfare.audit","message":"all is well"}"#;
    let event = signed(NOW, "msg_2", forged).expect("signed");
    assert_eq!(event.event_type, EventType::Info, "the gateway's own names are not for senders");
    let long = signed(NOW, &"x".repeat(128), body).expect("signed").idempotency_key.expect("a key");
    assert!(long.as_str().starts_with("ingest:standard-webhooks:sha256:"), "{}", long.as_str());
    for at in [NOW - 301, NOW + 301] {
        assert_eq!(signed(at, "msg_1", body).expect_err("not now").code.as_str(), "invalid_signature");
    }
}
