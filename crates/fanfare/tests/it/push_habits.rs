//! Habits of those who push: curl's `-T`, an address without `/api/push`, headers of ntfy, empty messages, and no
//! patience.

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::soon;

/// Sends `body` to the channel `a` in plain text with `headers`.
async fn push(gateway: &Gateway, query: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let path = format!("/api/push/a{query}");
    let build = |request: reqwest::RequestBuilder| {
        headers.iter().fold(request.body(body.to_owned()), |request, (name, value)| {
            request.header(*name, value.as_bytes())
        })
    };
    gateway.request("POST", &path, build).await
}

/// Returns the newest event.
async fn newest(gateway: &Gateway) -> Value {
    gateway.get("/api/events?limit=1").await.json()["events"][0].take()
}

#[tokio::test]
async fn a_push_to_a_channel_waits_for_webhooks_only_when_it_is_asked_to() {
    let gateway = Gateway::start().await;
    let slow = Receiver::playing(vec![], Script::Held).await;
    gateway.register(&slow, json!({})).await;
    let event = json!({ "message": "x" }).to_string();
    for (index, (method, content_type, body)) in [
        ("POST", "text/plain", "x"),
        ("PUT", "text/plain", "x"),
        ("POST", "application/json", &*event),
        ("POST", "application/x-ndjson", &event),
    ]
    .into_iter()
    .enumerate()
    {
        let build = |request: reqwest::RequestBuilder| {
            request.header("content-type", content_type).body(body.to_owned())
        };
        let answer = gateway.request(method, "/api/push/a", build).await.json();
        let counts = (&answer["webhooks_notified"], &answer["total_webhooks"]);
        assert_eq!(counts, (&json!(0), &json!(1)), "{method} {content_type}");
        // The receiver holds each request, so a push that waited would not have been answered before it.
        slow.gets(index + 1).await;
    }
    let mut pushing = Box::pin(async {
        tokio::join!(
            gateway.post("/api/push/a?wait=true", "text/plain", "y"),
            gateway.post("/api/push/a?wait=50s", "text/plain", "y"),
        )
    });
    tokio::select! {
        _ = &mut pushing => panic!("it does not wait"),
        got = slow.gets(6) => assert_eq!(got.len(), 6),
    }
    slow.release();
    let (most, long) = soon("both answers", pushing).await;
    assert_eq!(most.json()["webhooks_notified"], 1);
    assert_eq!(long.json()["webhooks_notified"], 1);
}

#[tokio::test]
async fn an_empty_message_needs_data() {
    let gateway = Gateway::start().await;
    for body in [json!({ "message": "" }), json!({ "message": "", "data": null })] {
        for path in ["/api/push", "/api/push/a"] {
            let problem = gateway.post_json(path, &body).await;
            assert_eq!(problem.problem(422, "invalid_message")["at"], "/message", "{path} {body}");
        }
        let batch = json!([{ "message": "x" }, body]);
        let problem = gateway.post_json("/api/push", &batch).await;
        assert_eq!(problem.problem(422, "invalid_message")["at"], "/1/message", "{batch}");
    }
    assert_eq!(gateway.hub.last().seq, 0, "nothing was appended");
    let answer = gateway.post_json("/api/push", &json!({ "message": "", "data": 0 })).await;
    assert_eq!((answer.status, &newest(&gateway).await["data"]), (200, &json!(0)));
}

#[tokio::test]
async fn a_file_can_be_put_to_a_channel() {
    let gateway = Gateway::start().await;
    // What `curl -T FILE` sends: no media type.
    let put = |body: &'static str| move |request: reqwest::RequestBuilder| request.body(body);
    let answer = gateway.request("PUT", "/api/push/builds?type=success", put("one\ntwo\n")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let event = newest(&gateway).await;
    assert_eq!(
        (&event["message"], &event["channel"], &event["type"]),
        (&json!("one\ntwo"), &json!("builds"), &json!("success"))
    );
    let problem = gateway.request("PUT", "/api/push", put("x")).await.problem(405, "method_not_allowed");
    let fix = problem["fix"].as_str().expect("a fix");
    assert!(fix.contains("`POST` or `PUT /api/push/{channel}`"), "{fix}");
}

#[tokio::test]
async fn a_push_to_an_address_without_the_route_is_told_the_route() {
    let gateway = Gateway::start().await;
    for (method, path, meant) in [
        ("POST", "/builds", "write `POST /api/push/builds`"),
        ("PUT", "/builds", "write `PUT /api/push/builds`"),
        ("POST", "/builds/web", "write `POST /api/push/builds.web`"),
        ("POST", "/api/push/builds/web", "write `POST /api/push/builds.web`"),
        ("GET", "/builds/json", "write `GET /stream?channel=builds`"),
    ] {
        let answer = gateway.request(method, path, |request| request.body("hi")).await;
        let problem = answer.problem(404, "not_found");
        let fix = problem["fix"].as_str().expect("a fix");
        assert!(fix.contains(meant), "{method} {path}: {fix}");
    }
    let problem = gateway.post_json("/", &json!({ "topic": "a", "message": "x" })).await;
    let problem = problem.problem(405, "method_not_allowed");
    assert!(problem["fix"].as_str().is_some_and(|fix| fix.contains("`POST /api/push`")), "{problem}");
    assert_eq!(gateway.hub.last().seq, 0, "nothing was appended");
}

#[tokio::test]
async fn headers_of_ntfy_describe_a_message_in_plain_text() {
    let gateway = Gateway::start().await;
    let headers =
        [("Title", "Disk füll"), ("Priority", "5"), ("Tags", "warning, skull"), ("Click", "https://a/")];
    let answer = push(&gateway, "", &headers, "91 %").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let event = newest(&gateway).await;
    let data = json!({ "title": "Disk füll", "tags": ["warning", "skull"], "click": "https://a/" });
    assert_eq!(
        (&event["message"], &event["priority"], &event["data"]),
        (&json!("91 %"), &json!("max"), &data)
    );

    for (query, headers, body, message, priority, data) in [
        ("", &[("X-Priority", "urgent"), ("X-Title", "T")][..], "x", "x", "max", json!({ "title": "T" })),
        ("", &[("prio", "2"), ("ta", "a")], "x", "x", "low", json!({ "tags": ["a"] })),
        ("?priority=high", &[("Priority", "1")], "x", "x", "high", Value::Null),
        ("?title=T&tags=a,b", &[], "x", "x", "default", json!({ "title": "T", "tags": ["a", "b"] })),
        ("", &[("Message", "from the header")], "", "from the header", "default", Value::Null),
        // Browsers send this one with every request, and proxies the others.
        (
            "",
            &[("Priority", "u=1, i"), ("X-Email", "a@b"), ("X-Cache", "no")],
            "x",
            "x",
            "default",
            Value::Null,
        ),
    ] {
        let answer = push(&gateway, query, headers, body).await;
        assert_eq!(answer.status, 200, "{query} {headers:?}: {}", answer.text());
        let event = newest(&gateway).await;
        let got = (&event["message"], &event["priority"], &event["data"]);
        assert_eq!(got, (&json!(message), &json!(priority), &data), "{query} {headers:?}");
    }

    for (headers, body, code, at) in [
        (&[("Priority", "big")][..], "x", "invalid_priority", "Priority:"),
        (&[("Delay", "30m")], "x", "invalid_header", "Delay:"),
        (&[("X-At", "tomorrow")], "x", "invalid_header", "X-at:"),
        (&[("Title", "=?UTF-8?B?8J+YgA==?=")], "x", "invalid_header", "Title:"),
        (&[("Message", "a")], "b", "invalid_header", "Message:"),
    ] {
        let problem = push(&gateway, "", headers, body).await.problem(400, code);
        assert_eq!(problem["at"], at, "{headers:?}");
        assert!(problem["fix"].is_string(), "{headers:?}");
    }
}

#[tokio::test]
async fn headers_change_nothing_about_a_body_in_json() {
    let gateway = Gateway::start().await;
    let headers = [("Title", "T"), ("Priority", "5"), ("Tags", "a"), ("Delay", "1h"), ("Message", "m")];
    for path in ["/api/push", "/api/push/a", "/api/push/a?title=T"] {
        let build = |request: reqwest::RequestBuilder| {
            let request = request.json(&json!({ "message": "x" }));
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
        };
        let answer = gateway.request("POST", path, build).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let event = newest(&gateway).await;
        let got = (&event["message"], &event["priority"], &event["data"]);
        assert_eq!(got, (&json!("x"), &json!("default"), &Value::Null), "{path}");
    }
}
