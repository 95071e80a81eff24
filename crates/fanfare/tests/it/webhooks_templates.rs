//! Templates: bodies as chat services and pagers take them, and templates with a text.

use serde_json::{Value, json};

use crate::cli::Gateway as Shell;
use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::receiver::{Got, Receiver, Script};
use crate::support::services::{Verdict, discord, ntfy, pagerduty, slack, teams, telegram};
use crate::support::tools::Era;

/// A message that would notify everybody, break out of JSON, and turn the text around.
const HOSTILE: &str =
    "<!channel> @everyone <@U123> & \"quoted\" \\ line\nnext \u{202e}🎉\u{2028} {{ id }} </at>";

type Judge = fn(&Got) -> Verdict;

/// Each preset, the path of its service, and the service.
const SERVICES: [(&str, &str, Judge); 6] = [
    ("slack", "/services/T0AB/B0CD/s3cr3t", slack),
    ("discord", "/api/webhooks/12/s3cr3t", discord),
    ("teams", "/workflows/a/triggers/manual/paths/invoke?sig=s3cr3t", teams),
    ("telegram", "/bot12:s3cr3t/sendMessage?chat_id=-100", telegram),
    ("ntfy", "/?topic=builds", ntfy),
    ("pagerduty", "/v2/enqueue?routing_key=s3cr3t", pagerduty),
];

#[tokio::test]
async fn each_service_takes_what_its_preset_makes_and_notifies_nobody() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        for (preset, path, judge) in SERVICES {
            let receiver = Receiver::start().await;
            let plain = gateway.register_url(&receiver.url_of(path), json!({})).await;
            gateway.push("default", "hi").await;
            let verdict = judge(&receiver.next().await);
            assert!(verdict.status >= 400, "{preset} takes what it does not document: {verdict:?}");
            gateway.remove(&plain).await;

            let hook = gateway.register_url(&receiver.url_of(path), json!({ "template": preset })).await;
            if engine == Engine::Embedded {
                gateway = gateway.restart().await;
            }
            let details = gateway.get(&format!("/api/webhooks/{}", hook.id)).await.json();
            assert_eq!(details["template"], preset);
            let long = "🎉\"<".repeat(10_000);
            for message in [HOSTILE, &long] {
                let event = json!({ "channel": "builds.web", "type": "error", "message": message, "priority": "max" });
                let id = gateway.push_event(event).await;
                let got = receiver.next().await;
                got.assert_signed(&hook.secret);
                assert_eq!((got.id(), got.path.as_str()), (&*id, path));
                let verdict = judge(&got);
                assert!((200..300).contains(&verdict.status), "{preset}: {verdict:?}");
                assert!(!verdict.pings, "{preset} notifies people: {}", verdict.text);
                let is_there = verdict.text.contains(message) || verdict.text.contains("…");
                assert!(
                    is_there && (message != HOSTILE || verdict.text.contains(HOSTILE)),
                    "{preset}: {}",
                    verdict.text
                );
            }
            gateway.remove(&hook).await;
        }
    }
}

#[tokio::test]
async fn a_text_of_ones_own_makes_the_body() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let text = "{\"text\": {{ channel ~ ': ' ~ message }}, \"url\": {{ data.url | default(none) }}}";
        let hook = gateway.register(&receiver, json!({ "template": text })).await;
        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
        }
        gateway.push_event(json!({ "message": HOSTILE, "data": { "url": "https://ci/1" } })).await;
        let got = receiver.next().await;
        got.assert_signed(&hook.secret);
        assert_eq!(got.json(), json!({ "text": format!("default: {HOSTILE}"), "url": "https://ci/1" }));
        gateway.push("default", "hi").await;
        assert_eq!(receiver.next().await.json(), json!({ "text": "default: hi", "url": null }));

        // Other types have other escapes.
        let path = format!("/api/webhooks/{}", hook.id);
        let patch = json!({ "template": "text={{ message }}&chat=7", "content_type": "application/x-www-form-urlencoded" });
        let changed = gateway.request("PATCH", &path, |request| request.json(&patch)).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        gateway.push("default", "a&chat=8").await;
        let got = receiver.next().await;
        assert_eq!(got.header("content-type"), "application/x-www-form-urlencoded");
        assert_eq!(got.body, b"text=a%26chat%3D8&chat=7");

        let patch = json!({ "template": null, "content_type": null });
        gateway.request("PATCH", &path, |request| request.json(&patch)).await;
        gateway.push("default", "plain").await;
        assert_eq!(receiver.next().await.message(), "plain");
    }
}

#[tokio::test]
async fn a_template_that_cannot_be_is_refused_with_its_line() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    for (options, at, what) in [
        (json!({ "template": "{\n\"text\": {{ mesage }}}" }), "/template", "line 2: the name `mesage`"),
        (json!({ "template": "{\n\n\"text\": {{ message | }}}" }), "/template", "line 3"),
        (json!({ "template": "{\"text\": \"{{ message }}\"}" }), "/template", "not valid JSON"),
        (json!({ "template": "{{ [1] * 100000000 ~ message }}" }), "/template", "line 1: `*`"),
        (json!({ "template": "slak" }), "/template", "neither a preset"),
        (json!({ "template": 7 }), "/template", "template"),
        (json!({ "template": "slack", "batch": {} }), "/template", "batch"),
        (json!({ "template": "slack", "content_type": "text/plain" }), "/content_type", "JSON"),
        (json!({ "template": "telegram" }), "/webhook_url", "chat_id"),
        (json!({ "template": "pagerduty" }), "/webhook_url", "routing_key"),
    ] {
        let mut options = options;
        options["webhook_url"] = json!(receiver.url());
        for path in ["/api/register", "/api/webhooks", "/api/webhooks/test", "/api/webhooks/preview"] {
            let refused = gateway.post_json(path, &options).await;
            let problem = refused.json();
            assert_eq!((refused.status, &problem["at"]), (422, &json!(at)), "{path} {options}");
            let message = problem["message"].as_str().or(problem["detail"].as_str()).unwrap_or_default();
            assert!(message.contains(what), "{options}: {problem}");
        }
    }
    let hook = gateway.register(&receiver, json!({ "template": "slack" })).await;
    let path = format!("/api/webhooks/{}", hook.id);
    for patch in [json!({ "batch": {} }), json!({ "template": "ntfy" })] {
        let refused = gateway.request("PATCH", &path, |request| request.json(&patch)).await;
        assert_eq!(refused.status, 422, "{patch}");
    }
    assert_eq!(gateway.get(&path).await.json()["template"], "slack", "nothing has changed");
}

#[tokio::test]
async fn a_retry_sends_the_same_bytes() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::playing(vec![Script::status(500)], Script::status(200)).await;
        let options = json!({ "template": "slack", "retry": ["10ms"] });
        gateway.register(&receiver, options).await;
        gateway.push_only("default", HOSTILE).await;
        let (first, second) = (receiver.next().await, receiver.next().await);
        assert_eq!((first.id(), &first.body), (second.id(), &second.body));
    }
}

#[tokio::test]
async fn an_event_that_the_template_cannot_take_fails_at_once_and_the_others_arrive() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        // Not JSON as soon as there are two.
        let text = "{\"all\": [{% for one in data.all %}{{ one }}{% endfor %}]}";
        let hook = gateway.register(&receiver, json!({ "template": text })).await;
        gateway.push_event(json!({ "message": "one", "data": { "all": [1] } })).await;
        let broken = gateway.push_event(json!({ "message": "two", "data": { "all": [[1], 2] } })).await;
        gateway.push_event(json!({ "message": "none" })).await;
        assert_eq!(receiver.next().await.json(), json!({ "all": [1] }));
        assert_eq!(receiver.next().await.json(), json!({ "all": [] }));
        let failed = gateway.failed_deliveries(&hook, 1).await;
        assert_eq!(
            (&*failed[0].failure, failed[0].event.position.to_string()),
            ("template_error", broken.clone())
        );
        let path = format!("/api/webhooks/{}", hook.id);
        assert_eq!(gateway.get(&path).await.json()["state"], "active", "the receiver is fine");
        let attempts = gateway.get(&format!("{path}/attempts?delivered=false")).await.json();
        let attempt = &attempts["attempts"][0];
        assert_eq!(attempt["outcome"], "template_error", "{attempts}");
        assert!(attempt["problem"].as_str().is_some_and(|problem| problem.contains("preview")), "{attempt}");

        let preview = gateway.post_json(&format!("{path}/preview"), &json!({ "event_id": broken })).await;
        assert_eq!((preview.status, &preview.json()["at"]), (422, &json!("/template")), "{}", preview.text());
        let better = "{\"all\": {{ data.all | tojson }}}";
        let preview = gateway
            .post_json(&format!("{path}/preview"), &json!({ "event_id": broken, "template": better }))
            .await;
        assert_eq!(preview.json()["body"], "{\"all\": [[1],2]}", "{}", preview.text());
        let patch = json!({ "template": better });
        gateway.request("PATCH", &path, |request| request.json(&patch)).await;
        let resent =
            gateway.post_json(&format!("{path}/deliveries/{broken}/resend"), &json!({})).await.json();
        assert_eq!(resent["outcome"], "delivered", "{resent}");
        assert_eq!(receiver.next().await.json(), json!({ "all": [[1], 2] }));
        assert_eq!(receiver.count(), 3, "what could not be made was not sent");
    }
}

#[tokio::test]
async fn a_text_that_never_ends_holds_up_nobody_else() {
    let gateway = Gateway::start().await;
    let (hostile, other) = (Receiver::start().await, Receiver::start().await);
    let loops = "{% for a in data.all %}{% for b in data.all %}{% for c in data.all %}{% if a == b and b == c %}{% endif %}{% endfor %}{% endfor %}{% endfor %}{\"n\": 1}";
    let hook = gateway.register(&hostile, json!({ "template": loops })).await;
    gateway.register(&other, json!({ "template": "discord" })).await;
    gateway.push_event(json!({ "message": "hi", "data": { "all": vec!["x".repeat(100); 1_000] } })).await;
    assert_eq!(discord(&other.next().await).text, "**default** · info\nhi");
    let failed = gateway.failed_deliveries(&hook, 1).await;
    assert_eq!((&*failed[0].failure, hostile.count()), ("template_error", 0));
}

#[tokio::test]
async fn a_preview_shows_the_body_and_sends_nothing() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let url = receiver.url_of("/v2/enqueue?routing_key=s3cr3t");
    let body = json!({ "webhook_url": url, "template": "pagerduty", "test": { "message": "red", "priority": "high" } });
    let preview = gateway.post_json("/api/webhooks/preview", &body).await.json();
    assert_eq!(preview["content_type"], "application/json", "{preview}");
    let text = preview["body"].as_str().expect("a body");
    let shown: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!((&shown["payload"]["summary"], &shown["routing_key"]), (&json!("red"), &json!("***")));
    assert_eq!(preview["body_bytes"], text.len() + "s3cr3t".len() - "***".len());

    // Without a template, it is the payload.
    let hook = gateway.register(&receiver, json!({ "channels": ["never"] })).await;
    let path = format!("/api/webhooks/{}/preview", hook.id);
    let event = gateway.push_only("default", "stored").await;
    let preview = gateway.post_json(&path, &json!({ "event_id": event })).await.json();
    let shown: Value = serde_json::from_str(preview["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!((&shown["message"], &shown["id"]), (&json!("stored"), &json!(event)));
    let wanted =
        json!({ "template": "hi {{ message }}", "content_type": "text/plain", "test": { "message": "you" } });
    let preview = gateway.post_json(&path, &wanted).await.json();
    assert_eq!((&preview["body"], &preview["content_type"]), (&json!("hi you"), &json!("text/plain")));
    assert_eq!(gateway.get(&format!("/api/webhooks/{}", hook.id)).await.json().get("template"), None);
    let both = gateway.post_json(&path, &json!({ "event_id": event, "test": {} })).await;
    assert_eq!((both.status, &both.json()["at"]), (422, &json!("/test")));
    assert_eq!(receiver.count(), 0);
}

#[tokio::test]
async fn templates_are_set_and_previewed_from_the_shell() {
    let gateway = Shell::start().await;
    let receiver = Receiver::start().await;
    let url = receiver.url_of("/services/T0/B0/s3cr3t");
    let said = gateway.run(&["webhooks", "preview", &url, "--template", "slack", "-m", "<hi>"]).await;
    assert!(said.code == 0 && said.out.contains("&lt;hi&gt;"), "{said:?}");
    gateway.json(&["webhooks", "add", &url, "--template", "slack"]).await;
    let said = gateway.run(&["webhooks", "show", &url]).await;
    assert!(said.out.contains("as slack takes it") && !said.out.contains("s3cr3t"), "{said:?}");
    gateway.shell.write("own.jinja", "{\"text\": {{ message }},\n \"n\": {{ data.n }}}\n");
    gateway.json(&["webhooks", "edit", &url, "--template", "own.jinja"]).await;
    let preview = gateway.json(&["webhooks", "preview", &url, "-m", "red", "--json", "{\"n\":1}"]).await;
    assert_eq!(preview["body"], "{\"text\": \"red\",\n \"n\": 1}");
    let id = gateway.push(&["stored"]).await;
    assert_eq!(receiver.next().await.json(), json!({ "text": "stored", "n": null }));
    let preview = gateway.json(&["webhooks", "preview", &url, "--event", &id]).await;
    assert_eq!(preview["body"], "{\"text\": \"stored\",\n \"n\": null}");
    gateway.shell.write("wrong.jinja", "{\"text\":\n {{ mesage }}}");
    let said = gateway.run(&["webhooks", "edit", &url, "--template", "wrong.jinja"]).await;
    assert!(said.code == 2 && said.err.contains("line 2") && said.err.contains("wrong.jinja"), "{said:?}");
    let changed = gateway.json(&["webhooks", "edit", &url, "--reset", "template"]).await;
    assert_eq!(changed.get("template"), None);
}

#[tokio::test]
async fn an_agent_registers_a_service_by_its_preset() {
    let gateway = Gateway::with_every_tool(Engine::Memory).await;
    let receiver = Receiver::start().await;
    let arguments = json!({ "webhook_url": receiver.url_of("/services/T0/B0/s3cr3t"), "template": "slack" });
    let told = gateway.tool(Era::Modern, "register_webhook", arguments).await;
    assert!(!told.is_error && !told.text.contains("s3cr3t"), "{}", told.text);
    gateway.push("default", "hi").await;
    assert_eq!(slack(&receiver.next().await).text, "*default* · info\nhi");
    let arguments = json!({ "webhook_url": receiver.url(), "template": "{{ mesage }}" });
    let told = gateway.tool_error(Era::Modern, "register_webhook", arguments).await;
    assert!(told.contains("`mesage` is unknown"), "{told}");
}
