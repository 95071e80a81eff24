//! Changing the level of the log while the gateway runs.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::logged::Logged;

const PATH: &str = "/api/log-level";

async fn now(gateway: &Logged) -> Value {
    let answer = gateway.http.get(format!("{}{PATH}", gateway.url)).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

/// Opens a stream, which is logged at level `debug`.
async fn listen(gateway: &Logged) -> reqwest::Response {
    let url = format!("{}/stream", gateway.url);
    gateway.http.get(url).send().await.expect("a stream")
}

#[tokio::test]
async fn the_level_changes_while_the_gateway_runs() {
    let mut gateway = Logged::start(&[]).await;
    let _unseen = listen(&gateway).await;
    assert_eq!(now(&gateway).await, json!({ "level": "info", "filter": "warn,fanfare=info" }));
    let set = gateway.post(PATH, &json!({ "level": "debug" })).await;
    assert_eq!(set, json!({ "level": "debug", "filter": "warn,fanfare=debug" }));
    // The first line of all: the stream before was not logged.
    assert_eq!(gateway.line().await["message"], "changed the log level");
    let _seen = listen(&gateway).await;
    gateway.program.logs("subscribed").await;

    gateway.post(PATH, &json!({ "level": "error" })).await;
    let _unseen = listen(&gateway).await;
    assert_eq!(now(&gateway).await["level"], "error");
    let set = gateway.post(PATH, &json!({ "level": "default" })).await;
    assert_eq!(set["level"], "info");
    // The stream that was opened meanwhile left no line.
    loop {
        let line = gateway.line().await;
        let said = line["message"].as_str().expect("a message");
        if said == "changed the log level" {
            break;
        }
        assert!(!said.contains("subscribed"), "{line}");
    }
}

#[tokio::test]
async fn a_signal_sets_the_level_to_debug_and_back() {
    let mut gateway = Logged::start(&[]).await;
    for level in ["debug", "info"] {
        gateway.program.signal(Signal::USR1);
        gateway.program.logs("changed the log level").await;
        assert_eq!(now(&gateway).await["level"], level);
    }
}

#[tokio::test]
async fn only_callers_on_the_same_machine_see_and_set_the_level() {
    let gateway = Logged::start(&[]).await;
    for method in ["GET", "POST"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        for (name, value) in [("x-forwarded-for", "203.0.113.7"), ("via", "1.1 proxy")] {
            let request = gateway.http.request(method.clone(), format!("{}{PATH}", gateway.url));
            let answer = request.header(name, value).body("{\"level\": \"trace\"}").send().await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.status(), 403, "{method} {name}");
            assert_eq!(answer.json::<Value>().await.expect("JSON")["code"], "not_local");
        }
    }
    assert_eq!(now(&gateway).await["level"], "info");
}

#[tokio::test]
async fn a_level_that_is_none_is_refused() {
    let gateway = Logged::start(&[]).await;
    for (body, code) in [
        (json!({ "level": "loud" }), "invalid_query"),
        (json!({}), "invalid_query"),
        (json!({ "level": "debug", "for": "5m" }), "unknown_field"),
    ] {
        assert_eq!(gateway.post(PATH, &body).await["code"], code, "{body}");
    }
    assert_eq!(now(&gateway).await["level"], "info");
    // A gateway inside another program does not decide what that logs.
    Gateway::start().await.get(PATH).await.problem(404, "not_found");
}
