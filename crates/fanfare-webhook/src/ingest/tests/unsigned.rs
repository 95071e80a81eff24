//! Senders that do not sign: Alertmanager, Claude Code, and any other program.

use serde_json::{Value, json};

use super::{all, one};
use crate::ingest::Kind;
use fanfare_core::new_event::NewEvent;
use fanfare_core::priority::Priority;

fn hook(body: &Value) -> NewEvent {
    one(Kind::ClaudeCode, &[], &body.to_string()).expect("a hook")
}

#[test]
fn a_group_of_alerts_becomes_an_event_for_each() {
    let body = json!({
        "version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "fanfare", "truncatedAlerts": 0,
        "groupLabels": {"alertname": "HighLatency"}, "externalURL": "http://am:9093",
        "alerts": [
            {"status": "firing", "fingerprint": "c1", "labels": {"alertname": "HighLatency", "instance": "web-1", "severity": "critical"}, "annotations": {"summary": "p99 is 2 s"}},
            {"status": "firing", "fingerprint": "c2", "labels": {"alertname": "HighLatency", "severity": "warning"}},
            {"status": "resolved", "fingerprint": "c3", "labels": {"alertname": "HighLatency", "severity": "critical"}, "annotations": {"description": "quiet"}},
        ],
    });
    let events = all(Kind::Alertmanager, &[], body.to_string().as_bytes()).expect("alerts");
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            (
                &*event.message,
                event.event_type.as_str(),
                event.priority,
                event.key.as_ref().map(|key| key.as_str()),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("HighLatency is firing on web-1: p99 is 2 s", "alertmanager.firing", Priority::Max, Some("c1")),
            ("HighLatency is firing", "alertmanager.firing", Priority::High, Some("c2")),
            ("HighLatency is resolved: quiet", "alertmanager.resolved", Priority::Default, Some("c3")),
        ]
    );
    let data: Value = serde_json::from_str(events[1].data.as_ref().expect("data").as_str()).expect("JSON");
    assert_eq!((&data["alert"], &data["groupKey"]), (&body["alerts"][1], &body["groupKey"]));
    assert_eq!(data.get("alerts"), None, "each has its own alone");
}

#[test]
fn groups_past_the_bounds_do_not_multiply() {
    let read = |body: &Value| all(Kind::Alertmanager, &[], body.to_string().as_bytes());
    let many = json!({"truncatedAlerts": 7, "alerts": vec![json!({}); 1_500]});
    let events = read(&many).expect("the first of them");
    assert_eq!(events.len(), 1_001);
    let note = &events[1_000];
    assert_eq!((note.event_type.as_str(), note.priority), ("alertmanager.truncated", Priority::High));
    assert!(
        note.message.contains("the first 1000 of 1500 alerts") && note.message.contains("left out 7"),
        "{}",
        note.message
    );
    let few = json!({"truncatedAlerts": 7, "alerts": [{}]});
    assert!(read(&few).expect("one")[1].message.starts_with("Alertmanager left out 7"));
    assert_eq!(read(&json!({"alerts": []})).expect_err("none").code.as_str(), "empty_batch");
    assert_eq!(read(&json!({"status": "firing"})).expect_err("none").at, "/alerts");
    let wide = json!({"status": "resolved", "commonLabels": {"x": "y".repeat(20_000)}, "alerts": vec![json!({}); 1000]});
    let events = read(&wide).expect("a thousand");
    assert_eq!(events.len(), 1000);
    let bytes: usize = events.iter().map(|event| event.data.as_ref().expect("data").as_str().len()).sum();
    assert!(bytes < 100_000, "{bytes}");
    assert_eq!(events[999].event_type.as_str(), "alertmanager.resolved");
}

#[test]
fn what_a_hook_of_claude_code_says_becomes_a_sentence() {
    for (body, sentence, kind, priority) in [
        (
            json!({"hook_event_name": "Notification", "message": "Claude needs your permission to use Bash", "notification_type": "permission_prompt"}),
            "Claude needs your permission to use Bash",
            "agent.notification",
            Priority::High,
        ),
        (
            json!({"hook_event_name": "Stop", "stop_hook_active": false, "last_assistant_message": "All tests pass.\nMore"}),
            "finished: All tests pass.",
            "agent.stop",
            Priority::Default,
        ),
        (json!({"hook_event_name": "Stop"}), "finished", "agent.stop", Priority::Default),
        (
            json!({"hook_event_name": "PermissionRequest", "tool_name": "Bash", "tool_input": {"command": "rm -r build"}}),
            "asks permission to use Bash: rm -r build",
            "agent.permission_request",
            Priority::High,
        ),
        (
            json!({"hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": {"file_path": "/src/a.rs"}}),
            "is using Edit: /src/a.rs",
            "agent.pre_tool_use",
            Priority::Low,
        ),
        (
            json!({"hook_event_name": "PostToolUseFailure", "tool_name": "Bash", "tool_input": {"command": "make"}, "error": "exit 2"}),
            "failed with Bash: make: exit 2",
            "agent.post_tool_use_failure",
            Priority::Default,
        ),
        (
            json!({"hook_event_name": "SubagentStop", "agent_type": "Explore"}),
            "subagent Explore finished",
            "agent.subagent_stop",
            Priority::Default,
        ),
        (
            json!({"hook_event_name": "SessionEnd", "reason": "logout"}),
            "session ended: logout",
            "agent.session_end",
            Priority::Default,
        ),
        (
            json!({"hook_event_name": "UserPromptSubmit", "prompt": "fix it"}),
            "received a prompt: fix it",
            "agent.user_prompt_submit",
            Priority::Default,
        ),
        (
            json!({"hook_event_name": "WorktreeCreate"}),
            "worktree create",
            "agent.worktree_create",
            Priority::Default,
        ),
    ] {
        let mut body = body;
        body["session_id"] = "0191-ab".into();
        body["cwd"] = "/home/me/web/".into();
        let event = hook(&body);
        assert_eq!(
            (&*event.message, event.event_type.as_str(), event.priority),
            (&*format!("web: {sentence}"), kind, priority)
        );
        assert_eq!(event.key.expect("a key").as_str(), "0191-ab");
        assert_eq!(event.data.expect("data").as_str(), body.to_string());
    }
    assert_eq!(&*hook(&json!({"hook_event_name": "Stop", "cwd": "/"})).message, "finished");
    let error = one(Kind::ClaudeCode, &[], "{}").expect_err("no hook");
    assert_eq!(error.at, "/hook_event_name");
}

#[test]
fn generic_takes_any_json_and_text() {
    const JSON: &[(&str, &str)] = &[("content-type", "application/json; charset=utf-8")];
    const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
    for (headers, body, message, has_data) in [
        (JSON, r#"{"text":"hi","n":1.50}"#, "hi", true),
        (FORM, r#" {"title":"a\nb"} "#, "a\nb", true),
        (JSON, r#"{"a":1,"b":2}"#, "received a, b", true),
        (JSON, "[1,2]", "received a list of length 2", true),
        (JSON, "7", "received 7", true),
        (JSON, "\"words\"", "words", true),
        (JSON, "null", "received null", true),
        (FORM, "deployed\n", "deployed", false),
        (&[], "{ no JSON", "{ no JSON", false),
        (&[], "[info] started", "[info] started", false),
    ] {
        let event = one(Kind::Generic, headers, body).expect(body);
        assert_eq!((&*event.message, event.data.is_some()), (message, has_data), "{body}");
        if let Some(data) = event.data {
            assert_eq!(data.as_str(), body.trim(), "to the digit");
        }
    }
    assert_eq!(one(Kind::Generic, JSON, "{").expect_err("half").code.as_str(), "invalid_json");
    for (headers, body) in [(FORM, "\n"), (JSON, ""), (&[], "")] {
        let event = one(Kind::Generic, headers, body).expect("nothing");
        assert_eq!((&*event.message, event.data), ("received a request without a body", None));
    }
    let keyed = one(Kind::Generic, &[("Idempotency-Key", "k1")], "x").expect("text").idempotency_key;
    assert_eq!(keyed.expect("a key").as_str(), "ingest:generic:k1");
}

#[test]
fn a_body_that_is_too_long_for_data_is_summarised() {
    let body =
        json!({"message": "m".repeat(10_000), "rest": "x".repeat(300_000), "tail": [1, 2]}).to_string();
    let event = one(Kind::Generic, &[], &body).expect("within the bounds of the door");
    let data: Value = serde_json::from_str(event.data.expect("data").as_str()).expect("JSON");
    assert!(data["omitted_bytes"].as_u64().is_some_and(|omitted| omitted > 250_000), "{data}");
    assert_eq!(data["tail"], json!([1, 2]));
    assert!(data["rest"].as_str().is_some_and(|text| text.len() > 10_000 && text.ends_with('…')), "{data}");
    assert!(event.message.len() < 5_000);

    let text = format!("{}é", "x".repeat(300_000));
    let event = one(Kind::Generic, &[], &text).expect("within the bounds of the door");
    assert!(event.message.len() > 260_000 && event.message.ends_with('…'), "{}", event.message.len());
    assert!(event.data.expect("data").as_str().contains("omitted_bytes"));
}

#[test]
fn what_only_some_parsers_refuse_is_taken_and_passed_on_as_it_is() {
    let alerts = r#"{"alerts":[{"labels":{"alertname":"cut \ud83d"},"value":1e999}]}"#;
    let hook = r#"{"hook_event_name":"Stop","last_assistant_message":"done \ud83d","tokens":-1e999}"#;
    let any = r#"{"text":"half \ude00","n":1e999}"#;
    for (kind, body, message) in [
        (Kind::Generic, any, "half \u{fffd}"),
        (Kind::ClaudeCode, hook, "finished: done \u{fffd}"),
        (Kind::Alertmanager, alerts, "cut \u{fffd} is firing"),
    ] {
        for body in [body.to_owned(), format!("\u{feff}{body}")] {
            let event = one(kind, &[("content-type", "application/json")], &body).expect(&body);
            assert_eq!(&*event.message, message);
            if kind != Kind::Alertmanager {
                assert_eq!(event.data.expect("data").as_str(), body.trim_start_matches('\u{feff}'));
            }
        }
    }
}
