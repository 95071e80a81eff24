//! Pushing: accepted events, answers, and refusals without a trace.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::reader::Transport;
use crate::support::{Engine, until};

/// Returns every event ever written, oldest first.
async fn log(gateway: &Gateway) -> Vec<Value> {
    let page = gateway.get("/api/events?order=oldest&limit=1000").await.json();
    page["events"].as_array().expect("events").clone()
}

async fn messages(gateway: &Gateway) -> Vec<String> {
    let text = |event: &Value| event["message"].as_str().expect("a message").to_owned();
    log(gateway).await.iter().map(text).collect()
}

#[tokio::test]
async fn the_answer_is_that_of_the_seeds_with_more() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let _reader = gateway.listen(Transport::Sse1, ">").await;
        let answer = gateway.post_json("/api/push", &json!({"message": "deployed"})).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        let event = log(&gateway).await.remove(0);
        assert_eq!(
            answer.text(),
            format!(
                r#"{{"status":"success","message":"deployed","timestamp":{},"webhooks_notified":0,"total_webhooks":0,"id":{},"channel":"default","stream_clients":1}}"#,
                event["timestamp"], event["id"]
            )
        );
        assert_eq!(
            event,
            json!({
                "id": event["id"], "channel": "default", "type": "info", "message": "deployed",
                "priority": "default", "timestamp": event["timestamp"],
                "source": {"principal": "local", "door": "http"}, "audience": "all",
            })
        );
        assert_eq!(event["id"], gateway.position(1));
    }
}

#[tokio::test]
async fn every_form_of_a_body_is_taken() {
    let gateway = Gateway::start().await;
    let text = [
        ("application/x-www-form-urlencoded", "form=a&b=c+d%20"),
        ("text/plain", "plain\nlines\n"),
        ("text/plain; charset=utf-8", "ünïcödé"),
        ("TEXT/PLAIN", "shouted"),
        ("application/octet-stream", "octets"),
    ];
    for (content_type, body) in text {
        let answer = gateway.post("/api/push/builds.web", content_type, body).await;
        assert_eq!(answer.status, 200, "{content_type}: {}", answer.text());
        assert_eq!(answer.json()["message"], body.strip_suffix('\n').unwrap_or(body), "{content_type}");
        assert_eq!(answer.json()["channel"], "builds.web");
    }
    let bare = gateway.request("POST", "/api/push/builds.web", |request| request.body("no type")).await;
    assert_eq!((bare.status, bare.json()["message"].clone()), (200, "no type".into()));

    let one = json!({"message": "one"});
    let answer = gateway.post_json("/api/push/builds.web", &one).await.json();
    assert_eq!((answer["channel"].clone(), answer.get("ids")), ("builds.web".into(), None));
    let agrees = json!({"message": "one", "channel": "builds.web"});
    assert_eq!(gateway.post_json("/api/push/builds.web", &agrees).await.status, 200);
    assert_eq!(gateway.post("/api/push", "application/cloudevents+json", one.to_string()).await.status, 200);

    for (content_type, body) in [
        ("application/json", " [{\"message\":\"1\"},\r\n{\"message\":\"2\",\"channel\":\"b\"}] "),
        ("application/x-ndjson", "{\"message\":\"1\"}\n\n  \n{\"message\":\"2\",\"channel\":\"b\"}\r\n"),
    ] {
        let last = gateway.hub.last().seq;
        let answer = gateway.post("/api/push", content_type, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (first, second) = (gateway.position(last + 1), gateway.position(last + 2));
        let at = gateway.get(&format!("/api/events/{second}")).await.json()["timestamp"].clone();
        assert_eq!(
            answer.text(),
            format!(
                r#"{{"status":"success","count":2,"first_id":"{first}","last_id":"{second}","timestamp":{at},"webhooks_notified":0,"total_webhooks":0,"stream_clients":0,"ids":["{first}","{second}"]}}"#
            )
        );
    }
}

#[tokio::test]
async fn the_query_gives_plain_text_what_json_has_inside() {
    let gateway = Gateway::start().await;
    let path = "/api/push/a?type=error&priority=max&key=k%201&idempotency_key=once&expires_in=10m";
    let first = gateway.post(path, "text/plain", "x").await.json();
    let again = gateway.post(path, "text/plain", "x").await.json();
    assert_eq!((&again["id"], &again["repeated"]), (&first["id"], &json!(true)));
    assert_eq!((&again["timestamp"], &again["message"]), (&first["timestamp"], &json!("x")));
    let event = log(&gateway).await.remove(0);
    assert_eq!(
        (&event["type"], &event["priority"], &event["key"]),
        (&json!("error"), &json!("max"), &json!("k 1"))
    );
    assert!(event["expires_at"].is_string());
    for (query, status, code, at) in [
        ("type=a%20b", 400, "invalid_type", "?type"),
        ("priority=big", 400, "invalid_priority", "?priority"),
        ("key=", 400, "invalid_key", "?key"),
        ("idempotency_key=", 400, "invalid_idempotency_key", "?idempotency_key"),
        ("expires_in=0", 400, "invalid_duration", "?expires_in"),
        ("expires_in=soon", 400, "invalid_duration", "?expires_in"),
        ("type=a&type=b", 400, "invalid_query", "?type"),
        ("chanel=a", 400, "invalid_query", "?chanel"),
    ] {
        let answer = gateway.post(&format!("/api/push/a?{query}"), "text/plain", "x").await;
        assert_eq!(answer.problem(status, code)["at"], at, "{query}");
    }
    let answer = gateway.post_json("/api/push/a?type=error", &json!({"message": "x"})).await;
    assert_eq!(answer.problem(400, "invalid_query")["at"], "?type");
    assert_eq!(messages(&gateway).await, ["x"]);
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_place_and_leaves_no_trace() {
    let gateway = Gateway::start().await;
    let long = "x".repeat(256 * 1024 + 1);
    let huge_data = format!(r#"{{"message":"x","data":"{long}"}}"#);
    let long_message = format!(r#"{{"message":"{long}"}}"#);
    let many = format!("[{}]", vec![r#"{"message":"x"}"#; 10_001].join(","));
    let long_key = format!(r#"{{"message":"x","key":"{}"}}"#, "k".repeat(129));
    let json_cases: &[(&str, u16, &str, &str)] = &[
        ("", 400, "invalid_json", ""),
        ("{", 400, "invalid_json", ""),
        ("\"text\"", 400, "invalid_json", ""),
        ("null", 400, "invalid_json", ""),
        ("{\"message\":\"x\"} trailing", 400, "invalid_json", ""),
        ("{\"message\":\"x\",\"message\":\"y\"}", 400, "invalid_json", ""),
        ("[{\"message\":\"x\"},3]", 400, "invalid_json", "/1"),
        ("{}", 422, "invalid_message", "/message"),
        ("{\"message\":3}", 422, "invalid_message", "/message"),
        ("{\"message\":null}", 422, "invalid_message", "/message"),
        (&long_message, 422, "invalid_message", "/message"),
        (&huge_data, 422, "invalid_data", "/data"),
        ("{\"message\":\"x\",\"channel\":\"a..b\"}", 422, "invalid_channel", "/channel"),
        ("{\"message\":\"x\",\"channel\":\"a.*\"}", 422, "invalid_channel", "/channel"),
        ("{\"message\":\"x\",\"channel\":\"\"}", 422, "invalid_channel", "/channel"),
        ("{\"message\":\"x\",\"type\":\"a b\"}", 422, "invalid_type", "/type"),
        ("{\"message\":\"x\",\"type\":\"gap\"}", 422, "invalid_type", "/type"),
        ("{\"message\":\"x\",\"priority\":\"urgent\"}", 422, "invalid_priority", "/priority"),
        ("{\"message\":\"x\",\"key\":\"\"}", 422, "invalid_key", "/key"),
        (&long_key, 422, "invalid_key", "/key"),
        (
            "{\"message\":\"x\",\"idempotency_key\":\"a\\nb\"}",
            422,
            "invalid_idempotency_key",
            "/idempotency_key",
        ),
        ("{\"message\":\"x\",\"expires_in\":0}", 422, "invalid_duration", "/expires_in"),
        ("{\"message\":\"x\",\"expires_in\":-1}", 422, "invalid_duration", "/expires_in"),
        ("{\"message\":\"x\",\"expires_in\":1e300}", 422, "invalid_duration", "/expires_in"),
        ("{\"message\":\"x\",\"expires_in\":\"soon\"}", 422, "invalid_duration", "/expires_in"),
        ("{\"message\":\"x\",\"audience\":\"nobody\"}", 422, "invalid_audience", "/audience"),
        ("{\"message\":\"x\",\"mesage\":\"y\"}", 422, "unknown_field", "/mesage"),
        ("[]", 422, "empty_batch", ""),
        (&many, 422, "too_many_events", ""),
        ("[{\"message\":\"x\"},{\"message\":\"y\",\"channel\":\".\"}]", 422, "invalid_channel", "/1/channel"),
        ("[{\"message\":\"x\"},{\"x\":1,\"message\":\"y\"}]", 422, "unknown_field", "/1/x"),
    ];
    for (body, status, code, at) in json_cases {
        let answer = gateway.post("/api/push", "application/json", (*body).to_owned()).await;
        let shown = &body[..body.len().min(80)];
        let problem = answer.problem(*status, code);
        assert_eq!(problem["at"].as_str().unwrap_or_default(), *at, "{shown}");
        assert!(answer.body.len() < 1_000, "an answer that repeats the body: {shown}");
    }
    for (path, content_type, body, status, code, at) in [
        (
            "/api/push",
            "application/x-ndjson",
            "{\"message\":\"x\"}\n{\"message\":}",
            400,
            "invalid_json",
            "/1",
        ),
        ("/api/push", "application/x-ndjson", "\n\n", 422, "empty_batch", ""),
        ("/api/push", "text/plain", "x", 415, "unsupported_media_type", "Content-Type:"),
        ("/api/push/a", "image/png", "x", 415, "unsupported_media_type", "Content-Type:"),
        ("/api/push/a..b", "text/plain", "x", 400, "invalid_channel", "{channel}"),
        ("/api/push/a", "text/plain", "", 422, "invalid_message", ""),
        (
            "/api/push/a",
            "application/json",
            "{\"message\":\"x\",\"channel\":\"b\"}",
            422,
            "invalid_channel",
            "/channel",
        ),
        (
            "/api/push/a",
            "application/json",
            "[{\"message\":\"x\"},{\"message\":\"x\",\"channel\":\"b\"}]",
            422,
            "invalid_channel",
            "/1/channel",
        ),
        ("/api/push?wiat=1s", "application/json", "{\"message\":\"x\"}", 400, "invalid_query", "?wiat"),
    ] {
        let problem = gateway.post(path, content_type, body).await.problem(status, code);
        assert_eq!(problem["at"].as_str().unwrap_or_default(), at, "{path} {body}");
    }
    let answer = gateway.post("/api/push/a", "text/plain", vec![b'a', 0xff]).await;
    answer.problem(422, "invalid_message");
    assert_eq!(gateway.hub.last().seq, 0, "something was written");
}

#[tokio::test]
async fn a_repeated_push_appends_nothing() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let mut reader = gateway.listen(Transport::Sse1, ">").await;
        let one = json!({"message": "x", "channel": "a", "idempotency_key": "k1"});
        let first = gateway.post_json("/api/push", &one).await.json();
        assert_eq!(first.get("repeated"), None);
        let again = gateway.post_json("/api/push", &one).await.json();
        assert_eq!((&again["id"], &again["timestamp"]), (&first["id"], &first["timestamp"]));
        assert_eq!((&again["message"], &again["repeated"]), (&json!("x"), &json!(true)));

        let batch = |keys: &[&str]| -> Vec<Value> {
            let event = |key: &&str| match *key {
                "k1" => one.clone(),
                key => json!({"message": key, "idempotency_key": key}),
            };
            keys.iter().map(event).collect()
        };
        let ids = gateway.push_batch(batch(&["k2", "k1", "k2", "k3"])).await;
        let wanted = [2, 1, 2, 3].map(|seq| gateway.position(seq));
        assert_eq!(ids, wanted, "{engine:?}");
        assert_eq!(messages(&gateway).await, ["x", "k2", "k3"]);
        assert_eq!(reader.messages(3).await, ["x", "k2", "k3"]);
        // A whole batch again.
        assert_eq!(gateway.push_batch(batch(&["k2", "k1", "k2", "k3"])).await, wanted);
        assert_eq!(gateway.hub.last().seq, 3);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whatever_it_announces() {
    let gateway = Gateway::start().await;
    let len = 16 * 1024 * 1024 + 1;
    let head = "POST /api/push HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

    // Announced: refused before it is sent, which is the purpose of `Expect: 100-continue`.
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(format!("{head}content-length: {len}\r\nexpect: 100-continue\r\n\r\n")).await;
    let answer = raw.head().await;
    assert_eq!((answer.status, answer.header("connection")), (413, "close"));

    // Not announced: refused when it passes the limit. A client that does not stop still gets to read the answer.
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(format!("{head}transfer-encoding: chunked\r\n\r\n")).await;
    let piece = vec![b' '; 1024 * 1024];
    for _ in 0..17 {
        raw.send(format!("{:x}\r\n", piece.len())).await;
        raw.send(&piece).await;
        raw.send("\r\n").await;
    }
    let answer = raw.head().await;
    assert_eq!((answer.status, answer.header("connection")), (413, "close"));
    let problem: Value = serde_json::from_slice(&raw.body(&answer).await).expect("JSON");
    assert_eq!(problem["code"], "body_too_large");

    // A client that sends all of it first, as most do.
    let answer = gateway.post("/api/push/a", "text/plain", vec![b'x'; 40 * 1024 * 1024]).await;
    answer.problem(413, "body_too_large");

    // The limit concerns the body, not the message: JSON with room in it.
    let mut body = br#"{"message":"fits"}"#.to_vec();
    body.resize(len - 1, b' ');
    assert_eq!(gateway.post("/api/push", "application/json", body).await.status, 200);
    assert_eq!(messages(&gateway).await, ["fits"]);
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_or_breaks_off() {
    let gateway = Gateway::start().await;
    let head = "POST /api/push/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n";
    // In pieces, also in the middle of a letter.
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(format!("{head}transfer-encoding: chunked\r\n\r\n")).await;
    for piece in [&b"2\r\na\xc3"[..], b"\r\n3\r\n\xa9bc\r\n", b"0\r\n\r\n"] {
        raw.send(piece).await;
        raw.stream.writable().await.expect("writable");
    }
    let answer = raw.head().await;
    assert_eq!(answer.status, 200);
    raw.body(&answer).await;
    // The connection continues.
    raw.send(format!("{head}content-length: 3\r\n\r\nyes")).await;
    assert_eq!(raw.head().await.status, 200);

    // A body that ends before the announced length was not pushed.
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(format!("{head}content-length: 10\r\n\r\nfive.")).await;
    tokio::io::AsyncWriteExt::shutdown(&mut raw.stream).await.expect("a shutdown");
    raw.rest().await;
    // Neither a length nor chunks: no body.
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(format!("{head}\r\n")).await;
    assert_eq!(raw.head().await.status, 422);
    assert_eq!(messages(&gateway).await, ["aébc", "yes"]);
}

#[tokio::test]
async fn a_push_is_in_the_log_when_it_is_answered_and_the_pusher_waits_for_no_reader() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let mut lazy = Raw::connect_narrow(gateway.address).await;
        lazy.get("/stream", "").await;
        for number in 0..20 {
            let id = gateway.push("a", &format!("{number} {}", "x".repeat(100_000))).await;
            assert_eq!(gateway.get(&format!("/api/events/{id}")).await.status, 200);
        }
        until("the reader to be told apart", async || {
            let clients = gateway.get("/api/clients").await.json();
            (clients["clients"][0]["state"] == "stalled").then_some(())
        })
        .await;
    }
}
