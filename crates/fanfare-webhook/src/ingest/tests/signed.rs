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
        (
            "push",
            by(
                json!({"ref": "refs/heads/topic", "created": true, "commits": [], "head_commit": {"message": "Fix the build"}}),
            ),
            "octo/web: mona created branch topic: Fix the build",
        ),
        (
            "push",
            by(
                json!({"ref": "refs/heads/topic", "created": true, "commits": [{}], "head_commit": {"message": "Start"}}),
            ),
            "octo/web: mona created branch topic with 1 commit: Start",
        ),
        (
            "push",
            by(json!({"ref": "refs/tags/v1", "created": true, "commits": []})),
            "octo/web: mona pushed tag v1",
        ),
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
            "check_suite",
            by(
                json!({"action": "completed", "check_suite": {"conclusion": "failure", "head_branch": "main", "app": {"name": "GitHub Actions"}}}),
            ),
            "octo/web: check suite \"GitHub Actions\" failure on main",
        ),
        (
            "page_build",
            by(json!({"build": {"status": "errored", "error": {"message": "No such layout"}}})),
            "octo/web: page build errored: No such layout",
        ),
        (
            "pull_request",
            by(json!({"action": "synchronize", "pull_request": {"number": 7, "title": "Faster"}})),
            "octo/web: mona pushed to pull request #7: Faster",
        ),
        (
            "pull_request",
            by(json!({"action": "ready_for_review", "pull_request": {"number": 7, "title": "Faster"}})),
            "octo/web: mona marked pull request #7 as ready for review: Faster",
        ),
        (
            "issues",
            by(
                json!({"action": "labeled", "label": {"name": "bug"}, "issue": {"number": 3, "title": "It is slow"}}),
            ),
            "octo/web: mona added label bug to issue #3: It is slow",
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
    for (name, members) in [
        ("workflow_run", json!({"workflow_run": {"conclusion": "failure"}})),
        ("check_suite", json!({"check_suite": {"conclusion": "timed_out"}})),
        ("page_build", json!({"build": {"status": "errored"}})),
    ] {
        assert_eq!(github(name, &by(members)).priority, Priority::High, "{name}");
    }
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
fn the_amount_is_the_one_that_the_event_is_about() {
    // What Stripe sends has every one of these members, whatever happened.
    let charge = json!({"id": "ch_1", "amount": 1999, "amount_captured": 1500, "amount_refunded": 0, "currency": "eur"});
    let refunded = json!({"id": "ch_1", "amount": 1999, "amount_captured": 1999, "amount_refunded": 500, "currency": "eur"});
    let invoice = json!({"id": "in_1", "amount_due": 4900, "amount_paid": 0, "amount_remaining": 4900, "total": 4900, "currency": "usd"});
    let paid = json!({"id": "in_1", "amount_due": 4900, "amount_paid": 4900, "amount_remaining": 0, "currency": "usd"});
    let intent = json!({"id": "pi_1", "amount": 1000, "amount_capturable": 0, "amount_received": 0, "currency": "usd"});
    let held = json!({"id": "pi_1", "amount": 1000, "amount_capturable": 900, "amount_received": 0, "currency": "usd"});
    let session = json!({"id": "cs_1", "amount_subtotal": 900, "amount_total": 1071, "currency": "eur"});
    let transfer = json!({"id": "tr_1", "amount": 700, "amount_reversed": 200, "currency": "eur"});
    for (name, object, sentence) in [
        ("charge.failed", &charge, "charge.failed ch_1, 19.99 EUR"),
        ("charge.captured", &charge, "charge.captured ch_1, 15.00 EUR"),
        ("charge.succeeded", &charge, "charge.succeeded ch_1, 19.99 EUR"),
        ("charge.refunded", &refunded, "charge.refunded ch_1, 5.00 EUR"),
        ("invoice.payment_failed", &invoice, "invoice.payment_failed in_1, 49.00 USD"),
        ("invoice.finalized", &invoice, "invoice.finalized in_1, 49.00 USD"),
        ("invoice.payment_succeeded", &paid, "invoice.payment_succeeded in_1, 49.00 USD"),
        ("payment_intent.payment_failed", &intent, "payment_intent.payment_failed pi_1, 10.00 USD"),
        (
            "payment_intent.amount_capturable_updated",
            &held,
            "payment_intent.amount_capturable_updated pi_1, 9.00 USD",
        ),
        ("checkout.session.completed", &session, "checkout.session.completed cs_1, 10.71 EUR"),
        ("transfer.created", &transfer, "transfer.created tr_1, 7.00 EUR"),
        ("transfer.reversed", &transfer, "transfer.reversed tr_1, 2.00 EUR"),
    ] {
        let event = stripe(&json!({"id": "evt_1", "type": name, "data": {"object": object}}));
        assert_eq!(&*event.message, sentence);
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
