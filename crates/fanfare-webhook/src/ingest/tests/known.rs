//! Senders that `generic` knows by their headers or the shape of their bodies, with bodies of the shape that each
//! documents.

use serde_json::{Value, json};

use super::{all, one};
use crate::ingest::Kind;
use fanfare_core::new_event::NewEvent;
use fanfare_core::priority::Priority;

pub(super) const ZEROS: &str = "0000000000000000000000000000000000000000";

pub(super) fn sent(headers: &[(&str, &str)], body: &Value) -> NewEvent {
    let event = one(Kind::Generic, headers, &body.to_string()).expect("any JSON");
    assert_eq!(event.data.as_ref().expect("data").as_str(), body.to_string());
    event
}

pub(super) fn merged(one: &Value, other: Value) -> Value {
    let mut both = one.clone();
    let members = both.as_object_mut().expect("an object");
    members.extend(other.as_object().expect("an object").clone());
    both
}

#[test]
fn what_bitbucket_says_becomes_a_sentence() {
    let cloud = json!({"actor": {"display_name": "Emma", "nickname": "emmap1"}, "repository": {"full_name": "team/web"}});
    let server =
        json!({"actor": {"displayName": "Emma"}, "repository": {"slug": "web", "project": {"key": "TEAM"}}});
    let change = |rest: Value| json!({"push": {"changes": [rest]}});
    for (key, body, sentence) in [
        (
            "repo:push",
            merged(
                &cloud,
                change(
                    json!({"new": {"type": "branch", "name": "main", "target": {"message": "Fix\nx"}}, "old": {"name": "main"}, "commits": [{}, {}], "created": false}),
                ),
            ),
            "team/web: Emma pushed 2 commits to main: Fix",
        ),
        (
            "repo:push",
            merged(
                &cloud,
                change(
                    json!({"new": {"type": "branch", "name": "topic"}, "old": null, "created": true, "commits": []}),
                ),
            ),
            "team/web: Emma created branch topic",
        ),
        (
            "repo:push",
            merged(
                &cloud,
                change(json!({"new": null, "old": {"type": "tag", "name": "v1"}, "closed": true})),
            ),
            "team/web: Emma deleted tag v1",
        ),
        (
            "pullrequest:fulfilled",
            merged(&cloud, json!({"pullrequest": {"id": 7, "title": "Faster"}})),
            "team/web: Emma merged pull request #7: Faster",
        ),
        (
            "pullrequest:comment_created",
            merged(&cloud, json!({"pullrequest": {"id": 7}, "comment": {"content": {"raw": "Nice"}}})),
            "team/web: Emma commented on pull request #7: Nice",
        ),
        (
            "issue:created",
            merged(&cloud, json!({"issue": {"id": 3, "title": "It is slow"}})),
            "team/web: Emma created issue #3: It is slow",
        ),
        (
            "repo:commit_status_updated",
            merged(
                &cloud,
                json!({"commit_status": {"name": "Unit tests", "state": "FAILED", "description": "2 of 9"}}),
            ),
            "team/web: Unit tests reported failed: 2 of 9",
        ),
        (
            "repo:refs_changed",
            merged(
                &server,
                json!({"changes": [{"type": "UPDATE", "ref": {"displayId": "main", "type": "BRANCH"}}], "commits": [{"message": "Fix"}]}),
            ),
            "TEAM/web: Emma pushed to main: Fix",
        ),
        (
            "pr:comment:added",
            json!({"actor": {"displayName": "Emma"}, "pullRequest": {"id": 2, "title": "Faster", "toRef": {"repository": {"slug": "web"}}}, "comment": {"text": "Nice"}}),
            "web: Emma commented on pull request #2: Nice",
        ),
        ("diagnostics:ping", json!({"test": true}), "webhook set up"),
    ] {
        let event = sent(&[("X-Event-Key", key), ("X-Request-UUID", "u1")], &body);
        assert_eq!(&*event.message, sentence);
        assert_eq!(event.event_type.as_str(), format!("bitbucket.{}", key.replace(':', ".")));
        assert_eq!(event.idempotency_key.expect("a key").as_str(), "ingest:generic:u1");
        assert_eq!(event.priority == Priority::High, sentence.contains("failed"), "{sentence}");
    }
}

#[test]
fn what_gitea_and_gogs_say_becomes_a_sentence() {
    let by = json!({"repository": {"full_name": "octo/web"}, "sender": {"login": "mona"}});
    let push = |before: &str| json!({"ref": "refs/heads/main", "before": before, "commits": [{}], "head_commit": {"message": "Fix"}});
    for (header, prefix) in [("X-Gitea-Event", "gitea"), ("X-Gogs-Event", "gogs")] {
        for (name, body, sentence) in [
            ("push", push("1f3c"), "octo/web: mona pushed 1 commit to main: Fix"),
            ("push", push(ZEROS), "octo/web: mona created branch main with 1 commit: Fix"),
            ("create", json!({"ref": "v1", "ref_type": "tag"}), "octo/web: mona created tag v1"),
            (
                "issues",
                json!({"action": "opened", "issue": {"number": 3, "title": "Slow"}}),
                "octo/web: mona opened issue #3: Slow",
            ),
            (
                "pull_request_approved",
                json!({"action": "reviewed", "pull_request": {"number": 7, "title": "Faster"}}),
                "octo/web: mona approved pull request #7: Faster",
            ),
            (
                "release",
                json!({"action": "published", "release": {"tag_name": "v2", "name": "Two"}}),
                "octo/web: mona published release Two",
            ),
        ] {
            // Both send GitHub's header, too.
            let event = sent(&[(header, name), ("X-GitHub-Event", name)], &merged(&by, body));
            assert_eq!(
                (&*event.message, event.event_type.as_str()),
                (sentence, &*format!("{prefix}.{name}"))
            );
        }
    }
}

#[test]
fn what_azure_devops_docker_hub_linear_and_sentry_say_becomes_a_sentence() {
    let azure = |kind: &str, said: Value, resource: Value| json!({"id": "03c1", "eventType": kind, "publisherId": "tfs", "message": said, "resource": resource});
    let sentry = |action: &str, data: Value| json!({"action": action, "installation": {"uuid": "u"}, "data": data, "actor": {"type": "application", "name": "Sentry"}});
    let linear = |action: &str, kind: &str, rest: Value| {
        merged(&json!({"action": action, "type": kind, "actor": {"name": "Ada"}}), rest)
    };
    for (headers, body, sentence, kind, priority) in [
        (
            &[][..],
            azure(
                "git.push",
                json!({"text": "Jamal pushed updates to branch main of web"}),
                json!({"pushId": 14}),
            ),
            "Jamal pushed updates to branch main of web",
            "azure-devops.git.push",
            Priority::Default,
        ),
        (
            &[],
            azure("build.complete", json!({"text": "Build web_1.2 failed"}), json!({"result": "failed"})),
            "Build web_1.2 failed",
            "azure-devops.build.complete",
            Priority::High,
        ),
        (
            &[],
            json!({"callback_url": "https://registry.hub.docker.com/u/x", "push_data": {"pusher": "mona", "tag": "latest"}, "repository": {"repo_name": "octo/web"}}),
            "octo/web: mona pushed tag latest",
            "docker-hub.push",
            Priority::Default,
        ),
        (
            &[("Linear-Event", "Issue"), ("Linear-Delivery", "234d")],
            linear(
                "create",
                "Issue",
                json!({"data": {"identifier": "ENG-12", "title": "It is slow", "priority": 1}}),
            ),
            "Ada created ENG-12: It is slow",
            "linear.issue.create",
            Priority::High,
        ),
        (
            &[("Linear-Event", "Issue")],
            linear(
                "update",
                "Issue",
                json!({"updatedFrom": {"stateId": "s"}, "data": {"identifier": "ENG-12", "title": "It is slow", "state": {"name": "Done"}}}),
            ),
            "Ada moved ENG-12 to Done: It is slow",
            "linear.issue.update",
            Priority::Default,
        ),
        (
            &[("Linear-Event", "Comment")],
            linear(
                "create",
                "Comment",
                json!({"data": {"body": "Me too", "issue": {"identifier": "ENG-12"}}}),
            ),
            "Ada commented on ENG-12: Me too",
            "linear.comment.create",
            Priority::Default,
        ),
        (
            &[("Linear-Event", "ProjectUpdate")],
            linear("create", "ProjectUpdate", json!({"data": {"body": "On track"}})),
            "Ada created project update: On track",
            "linear.projectupdate.create",
            Priority::Default,
        ),
        (
            &[("Sentry-Hook-Resource", "issue"), ("Request-ID", "r1")],
            sentry(
                "created",
                json!({"issue": {"shortId": "WEB-1", "title": "TypeError: x", "level": "error", "project": {"slug": "web"}}}),
            ),
            "web: WEB-1 created: TypeError: x",
            "sentry.issue.created",
            Priority::High,
        ),
        (
            &[("Sentry-Hook-Resource", "metric_alert")],
            sentry(
                "critical",
                json!({"description_title": "Critical: too slow", "description_text": "p95 is 3 s"}),
            ),
            "Critical: too slow is critical: p95 is 3 s",
            "sentry.metric_alert.critical",
            Priority::Max,
        ),
        (
            &[("Sentry-Hook-Resource", "event_alert")],
            sentry("triggered", json!({"triggered_rule": "Any error", "event": {"title": "TypeError: x"}})),
            "Any error triggered: TypeError: x",
            "sentry.event_alert.triggered",
            Priority::High,
        ),
        (
            &[("X-GitHub-Event", "ping")],
            json!({"zen": "Keep it simple."}),
            "webhook set up: Keep it simple.",
            "github.ping",
            Priority::Default,
        ),
    ] {
        let event = sent(headers, &body);
        assert_eq!((&*event.message, event.event_type.as_str(), event.priority), (sentence, kind, priority));
    }
}

#[test]
fn a_cloud_event_is_the_same_in_each_mode_and_is_taken_once() {
    let event = json!({
        "specversion": "1.0", "id": "A234-1", "source": "/shop/é", "type": "com.example.order.created",
        "subject": "order 7", "datacontenttype": "application/json", "data": {"total": 12},
    });
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "A234-1"),
        ("ce-source", "/shop/%C3%A9"),
        ("ce-type", "com.example.order.created"),
        ("ce-subject", "\"order 7\""),
        ("content-type", "application/json"),
    ];
    let structured = [("content-type", "application/cloudevents+json; charset=utf-8")];
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let list = json!([event, merged(&event, json!({"id": "A234-2", "data": {"message": "a second one"}}))]);
    let mut read = all(Kind::Generic, &batch, list.to_string().as_bytes()).expect("a batch");
    assert_eq!(&*read.pop().expect("two").message, "a second one");
    read.push(one(Kind::Generic, &structured, &event.to_string()).expect("structured"));
    read.push(one(Kind::Generic, &binary, r#"{"total":12}"#).expect("binary"));
    for one in read {
        assert_eq!(
            (&*one.message, one.event_type.as_str()),
            ("com.example.order.created order 7", "com.example.order.created")
        );
        assert_eq!(one.idempotency_key.expect("a key").as_str(), "ingest:generic:/shop/é A234-1");
        let data: Value = serde_json::from_str(one.data.expect("data").as_str()).expect("JSON");
        assert_eq!(data, event);
    }
    let text = [&binary[..5], &[("content-type", "text/plain")]].concat();
    assert_eq!(&*one(Kind::Generic, &text, "shipped").expect("text").message, "shipped");
    let empty = one(Kind::Generic, &binary[..5], "").expect("no data");
    assert_eq!(&*empty.message, "com.example.order.created order 7");
    for (headers, body, at) in
        [(&binary[..3], "{}", "ce-type:"), (&structured[..], r#"{"specversion":"1.0","id":"1"}"#, "/source")]
    {
        let error = one(Kind::Generic, headers, body).expect_err("no event");
        assert_eq!((error.code.as_str(), &*error.at), ("invalid_json", at));
    }
    let many = json!(vec![event; 10_001]).to_string();
    assert_eq!(
        all(Kind::Generic, &batch, many.as_bytes()).expect_err("many").code.as_str(),
        "too_many_events"
    );
}

#[test]
fn the_data_of_a_cloud_event_is_what_its_sender_wrote_in_each_mode() {
    let long = "x".repeat(100_000);
    let written = format!(r#"{{"z":1.10,"a":12345678901234567890123,"text":"\ud83d","long":"{long}"}}"#);
    let attributes =
        r#""specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/json""#;
    let event = format!("{{{attributes},\"data\":{written}}}");
    let batch = format!("\u{feff}[{event},{event}]");
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/s"),
        ("ce-type", "t%+f"),
        ("content-type", "application/json"),
    ];
    let mut events =
        all(Kind::Generic, &[("content-type", "application/cloudevents-batch+json")], batch.as_bytes())
            .expect("a batch");
    events
        .push(one(Kind::Generic, &[("content-type", "application/cloudevents+json")], &event).expect("one"));
    events.push(one(Kind::Generic, &binary, &written).expect("binary"));
    assert_eq!(events.len(), 4);
    for one in &events {
        let data = one.data.as_ref().expect("data").as_str();
        assert!(data.contains(&written), "{}", &data[..200]);
    }
    assert!(events[3].data.as_ref().is_some_and(|data| data.as_str().contains("\"t%+f\"")));
    let refused = one(Kind::Generic, &binary, r#"1},"id":{"a":1"#).expect_err("it is not JSON by itself");
    assert_eq!(refused.code.as_str(), "invalid_json");
}
