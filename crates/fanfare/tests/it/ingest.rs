//! `POST /ingest/{kind}` without a signature: any JSON, alerts, and the hooks of an agent.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use fanfare_webhook::policy::Mode;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;

async fn log(gateway: &Gateway) -> Vec<Value> {
    let page = gateway.get("/api/events?order=oldest&limit=1000").await.json();
    page["events"].as_array().expect("events").clone()
}

#[tokio::test]
async fn anything_becomes_an_event_with_the_whole_body() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let body = r#"{"text":"backup done","seconds":12.50}"#;
        let answer = gateway.post("/ingest/generic", "application/json", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let event = log(&gateway).await.remove(0);
        let answer = answer.json();
        assert_eq!(
            (&answer["status"], &answer["id"], &answer["webhooks_notified"]),
            (&json!("success"), &event["id"], &json!(0))
        );
        assert_eq!(
            (&event["channel"], &event["message"], &event["data"]["seconds"]),
            (&json!("ingest.generic"), &json!("backup done"), &json!(12.5))
        );
        assert_eq!(event["source"], json!({"principal": "local", "door": "ingest"}));
    }
}

#[tokio::test]
async fn whoever_sets_up_the_sender_chooses_channel_type_and_priority() {
    let gateway = Gateway::start().await;
    let path = "/ingest/generic?channel=backups.db&type=success&priority=low";
    assert_eq!(gateway.post(path, "text/plain", "done\n").await.status, 200);
    let event = log(&gateway).await.remove(0);
    assert_eq!(
        (&event["channel"], &event["type"], &event["priority"], &event["message"], event.get("data")),
        (&json!("backups.db"), &json!("success"), &json!("low"), &json!("done"), None)
    );
    for (path, status, code, at) in [
        ("/ingest/generic?channel=a..b", 400, "invalid_channel", "?channel"),
        ("/ingest/generic?chanel=a", 400, "invalid_query", "?chanel"),
        ("/ingest/gitlab", 404, "not_found", "{kind}"),
        ("/ingest/claude-code", 400, "invalid_json", ""),
        ("/ingest/alertmanager", 400, "invalid_json", ""),
    ] {
        let problem = gateway.post(path, "text/plain", "x").await.problem(status, code);
        assert_eq!(problem["at"].as_str().unwrap_or_default(), at, "{path}");
    }
    assert_eq!(log(&gateway).await.len(), 1, "what is refused leaves no trace");
}

#[tokio::test]
async fn a_repetition_with_the_same_key_changes_nothing() {
    let gateway = Gateway::start().await;
    let send = async || {
        let build = |request: reqwest::RequestBuilder| request.header("Idempotency-Key", "k-1").body("paid");
        gateway.request("POST", "/ingest/generic", build).await.json()
    };
    let (first, second) = (send().await, send().await);
    assert_eq!((&first["id"], first.get("repeated")), (&second["id"], None));
    assert_eq!(second["repeated"], true);
    assert_eq!(log(&gateway).await.len(), 1);
}

#[tokio::test]
async fn a_body_past_the_bound_is_refused_and_a_page_from_elsewhere_too() {
    let gateway = Gateway::start().await;
    let build = |request: reqwest::RequestBuilder| request.header("origin", "https://evil.example").body("x");
    gateway.request("POST", "/ingest/generic", build).await.problem(403, "origin_not_allowed");
    let build = |request: reqwest::RequestBuilder| request.header("host", "evil.example").body("x");
    gateway.request("POST", "/ingest/claude-code", build).await.problem(421, "host_not_allowed");
    gateway.request("PUT", "/ingest/generic", |request| request).await.problem(405, "method_not_allowed");
    // The last, because the connection ends with it: the rest of that body is not read.
    let large = "x".repeat(16 * 1024 * 1024 + 1);
    gateway.post("/ingest/generic", "text/plain", large).await.problem(413, "body_too_large");
    assert_eq!(gateway.hub.last().seq, 0);
}

#[tokio::test]
async fn who_looks_first_is_answered_and_nothing_is_appended() {
    let gateway = Gateway::start().await;
    let ask = async |method: &'static str, path: &str, headers: &[(&'static str, &'static str)]| {
        let build = |request: reqwest::RequestBuilder| {
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
        };
        gateway.request(method, path, build).await
    };
    for kind in ["alertmanager", "claude-code", "generic", "github", "standard-webhooks", "stripe"] {
        for method in ["GET", "HEAD"] {
            assert_eq!(ask(method, &format!("/ingest/{kind}"), &[]).await.status, 200, "{method} {kind}");
        }
    }
    ask("GET", "/ingest/nosuch", &[]).await.problem(404, "not_found");
    for (method, path, text) in [
        (
            "GET",
            "/ingest/generic?hub.mode=subscribe&hub.verify_token=t&hub.challenge=1158201444",
            "1158201444",
        ),
        (
            "POST",
            "/ingest/generic?channel=mail&validationToken=Validation%3A%20Testing",
            "Validation: Testing",
        ),
        ("GET", "/ingest/generic?challenge=%3Cb%3Ehi", "<b>hi"),
    ] {
        let answer = ask(method, path, &[("content-type", "text/plain")]).await;
        assert_eq!((answer.status, answer.text()), (200, text.to_owned()), "{path}");
        assert!(answer.header("content-type").starts_with("text/plain"), "{}", answer.header("content-type"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let slack = json!({"token": "Jhj5dZrVaK7ZwHHjRyZWjbDl", "challenge": "3eZbrw1aBm2rZgRNFdxV", "type": "url_verification"});
    let answer = gateway.post_json("/ingest/generic", &slack).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"challenge": "3eZbrw1aBm2rZgRNFdxV"})));
    let grid = json!([{"id": "2d17", "topic": "/subscriptions/x", "subject": "", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d38b6"}}]);
    let answer = gateway.post_json("/ingest/generic", &grid).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"validationResponse": "512d38b6"})));
    let wanted = [("webhook-request-origin", "eventemitter.example.com"), ("webhook-request-rate", "120")];
    let answer = ask("OPTIONS", "/ingest/generic", &wanted).await;
    assert_eq!(
        (answer.status, answer.header("webhook-allowed-origin"), answer.header("webhook-allowed-rate")),
        (200, "eventemitter.example.com", "*")
    );
    assert!(answer.header("allow").contains("POST"), "{}", answer.header("allow"));
    assert_eq!(gateway.hub.last().seq, 0);

    let empty = ask("POST", "/ingest/generic", &[]).await;
    assert_eq!(
        (empty.status, empty.json()["message"].clone()),
        (200, json!("received a request without a body"))
    );
}

#[tokio::test]
async fn forms_cloud_events_and_known_senders_are_understood() {
    let gateway = Gateway::start().await;
    let form = gateway
        .post("/ingest/generic", "application/x-www-form-urlencoded", "From=%2B49151&Body=On+my+way")
        .await;
    assert_eq!((form.status, form.json()["message"].clone()), (200, json!("On my way")));
    let cloud = json!({"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.example.paid", "data": {"total": 12}});
    for (content_type, body, repeated) in [
        ("application/cloudevents+json", cloud.to_string(), None),
        ("application/cloudevents-batch+json", json!([cloud]).to_string(), None),
        ("application/cloudevents+json", cloud.to_string(), Some(&json!(true))),
    ] {
        let answer = gateway.post("/ingest/generic", content_type, body).await;
        assert_eq!((answer.status, answer.json().get("repeated")), (200, repeated), "{}", answer.text());
    }
    let push = json!({
        "object_kind": "push", "ref": "refs/heads/main", "user_name": "Ada", "total_commits_count": 1,
        "project": {"path_with_namespace": "octo/web"}, "commits": [{"title": "Fix the build"}],
    });
    let build = |request: reqwest::RequestBuilder| {
        request
            .header("x-gitlab-event", "Push Hook")
            .header("content-type", "application/json")
            .body(push.to_string())
    };
    assert_eq!(gateway.request("POST", "/ingest/generic", build).await.status, 200);
    let events = log(&gateway).await;
    let seen: Vec<_> =
        events.iter().map(|event| (event["type"].as_str(), event["message"].as_str())).collect();
    assert_eq!(
        seen,
        [
            (Some("info"), Some("On my way")),
            (Some("com.example.paid"), Some("com.example.paid")),
            (Some("gitlab.push"), Some("octo/web: Ada pushed 1 commit to main: Fix the build")),
        ]
    );
    assert_eq!((&events[0]["data"]["From"], &events[1]["data"]), (&json!("+49151"), &cloud));
}

#[tokio::test]
async fn each_alert_of_a_group_is_an_event() {
    let gateway = Gateway::start().await;
    let alert = |status: &str, fingerprint: &str, severity: &str| {
        json!({
            "status": status, "fingerprint": fingerprint, "startsAt": "2026-11-21T08:00:00Z",
            "labels": {"alertname": "DiskFull", "instance": "db-1", "severity": severity},
            "annotations": {"summary": "3 % left"}, "generatorURL": "http://prometheus.test/graph",
        })
    };
    let body = json!({
        "version": "4", "groupKey": "{}:{alertname=\"DiskFull\"}", "truncatedAlerts": 0, "status": "firing",
        "receiver": "fanfare", "groupLabels": {"alertname": "DiskFull"}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager.test:9093",
        "alerts": [alert("firing", "ab12", "critical"), alert("resolved", "cd34", "critical")],
    });
    let answer = gateway.post_json("/ingest/alertmanager", &body).await;
    assert_eq!((answer.status, answer.json()["count"].clone()), (200, json!(2)), "{}", answer.text());
    let events = log(&gateway).await;
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            let text = |name: &str| event[name].as_str().expect("text").to_owned();
            (text("message"), text("type"), text("priority"), text("key"))
        })
        .collect();
    let row = |words: [&str; 4]| {
        let [message, kind, priority, key] = words.map(str::to_owned);
        (message, kind, priority, key)
    };
    assert_eq!(
        seen,
        [
            row(["DiskFull is firing on db-1: 3 % left", "alertmanager.firing", "max", "ab12"]),
            row(["DiskFull is resolved on db-1: 3 % left", "alertmanager.resolved", "default", "cd34"]),
        ]
    );
    assert_eq!(events[1]["data"]["alert"], body["alerts"][1]);
    assert_eq!(events[1]["data"]["externalURL"], body["externalURL"]);
}

#[tokio::test]
async fn what_is_large_is_an_event_that_says_what_it_leaves_out() {
    let gateway = Gateway::start().await;
    let image = "iVBORw0KGgo".repeat(500_000);
    let hook = json!({
        "hook_event_name": "PostToolUse", "cwd": "/home/me/web", "tool_name": "Screenshot",
        "tool_response": {"type": "image", "source": {"type": "base64", "data": image}},
    });
    assert_eq!(gateway.post_json("/ingest/claude-code", &hook).await.status, 200);
    let alert = json!({"status": "firing", "labels": {"alertname": "Down"}, "annotations": {"summary": "s".repeat(1_000)}});
    let answer = gateway.post_json("/ingest/alertmanager", &json!({"alerts": vec![alert; 1_200]})).await;
    assert_eq!((answer.status, answer.json()["count"].clone()), (200, json!(1_001)), "{}", answer.text());
    let events = log(&gateway).await;
    let data = &events[0]["data"];
    assert_eq!(
        (&events[0]["message"], &data["tool_name"]),
        (&json!("web: used Screenshot"), &hook["tool_name"])
    );
    let omitted = data["omitted_bytes"].as_u64().expect("a number");
    assert!(omitted > 5_000_000 && data["tool_response"]["source"]["type"] == "base64", "{omitted}");
    let newest = gateway.get("/api/events?limit=1").await.json();
    let note = newest["events"][0]["message"].as_str().expect("text");
    assert!(note.contains("the first 1000 of 1200 alerts"), "{note}");
}

#[tokio::test]
async fn a_hook_is_answered_at_once_and_without_words() {
    let gateway = Gateway::with(Engine::Embedded, |config| config.webhooks.policy.mode = Mode::Local).await;
    // No one accepts the connection: a push would wait ten seconds for this webhook.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", silent.local_addr().expect("an address"));
    assert_eq!(gateway.post_json("/api/register", &json!({"webhook_url": url})).await.status, 200);
    let hook = json!({
        "session_id": "5b1f6a8e-0d0e-4c8e-9f43-3b8d7c9f0a11", "transcript_path": "/home/me/.claude/projects/web/t.jsonl",
        "cwd": "/home/me/web", "permission_mode": "default", "hook_event_name": "Notification",
        "message": "Claude is waiting for your input", "notification_type": "idle_prompt",
    });
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        let begun = Instant::now();
        let answer = gateway.post_json("/ingest/claude-code", &hook).await;
        fastest = fastest.min(begun.elapsed());
        assert_eq!((answer.status, answer.text()), (200, "{}".to_owned()));
    }
    // The fastest counts, because machines that run tests are busy; a push that waits for the webhook is never fast.
    assert!(fastest < Duration::from_millis(50), "{fastest:?}");
    let events = log(&gateway).await;
    assert_eq!(events.len(), 20, "a hook that fires again is another event");
    assert_eq!(events[0]["message"], "web: Claude is waiting for your input");
    assert_eq!(
        (&events[0]["type"], &events[0]["priority"], &events[0]["channel"]),
        (&json!("agent.notification"), &json!("high"), &json!("ingest.claude-code"))
    );
    assert_eq!((&events[0]["key"], &events[0]["data"]), (&hook["session_id"], &hook));
}
