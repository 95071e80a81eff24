//! Answers over Streamable HTTP count in their caller's share from their creation until they are sent.

use http::HeaderValue;
use serde_json::{Value, json};

use crate::bounds_unread::{bytes_held, fill, long_answer};
use crate::support::gateway::Gateway;
use crate::support::mcp_stream::request;
use crate::support::raw::Raw;
use crate::support::{soon, until};

fn call(id: u64, tool: &str, arguments: Value) -> Value {
    request(id, "tools/call", json!({ "name": tool, "arguments": arguments }))
}

/// Sends a message or a batch, and reads nothing.
async fn post(gateway: &Gateway, accept: &str, message: &Value) -> Raw {
    let mut raw = Raw::connect_narrow(gateway.address).await;
    let body = message.to_string();
    raw.send(format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: {accept}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    raw
}

/// Fills the history, and returns the length of a long answer.
async fn filled(gateway: &Gateway) -> u64 {
    fill(gateway).await;
    let answer = gateway.post_json("/mcp", &long_answer(0)).await;
    let len = answer.text().len() as u64;
    assert!(answer.status == 200 && len > 512 * 1024, "{len}");
    nothing_held(gateway).await;
    len
}

async fn held(gateway: &Gateway, least: u64) {
    let what = format!("at least {least} bytes");
    until(&what, async || (bytes_held(gateway, "callers").await >= least).then_some(())).await;
}

async fn nothing_held(gateway: &Gateway) {
    until("an empty budget", async || (bytes_held(gateway, "callers").await == 0).then_some(())).await;
}

#[tokio::test]
async fn answers_of_a_batch_count_while_they_wait_for_the_last() {
    let gateway = Gateway::start().await;
    let len = filled(&gateway).await;
    let wait = call(0, "wait_for", json!({ "channels": ["last"], "wait": "50s" }));
    let batch: Vec<Value> = [wait].into_iter().chain((1..=6).map(long_answer)).collect();
    let mut raw = post(&gateway, "application/json", &batch.into()).await;
    held(&gateway, 6 * len).await;
    gateway.push("last", "now").await;
    // It is one message now, and still nobody has read it.
    let head = raw.head().await;
    held(&gateway, 6 * len).await;
    let answers: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
    let ids: Vec<_> =
        answers.as_array().expect("a list").iter().map(|answer| answer["id"].as_u64()).collect();
    assert_eq!(ids, (0..=6).map(Some).collect::<Vec<_>>());
    nothing_held(&gateway).await;
}

#[tokio::test]
async fn answers_that_nobody_reads_count_in_either_form() {
    let gateway = Gateway::start().await;
    let len = filled(&gateway).await;
    for accept in ["text/event-stream", "application/json"] {
        // Windows that are shorter than an answer, because the kernel takes all of it.
        let client = reqwest::Client::builder()
            .http2_prior_knowledge()
            .http2_initial_stream_window_size(64 * 1024)
            .http2_initial_connection_window_size(512 * 1024)
            .build()
            .expect("a client");
        let mut open = Vec::new();
        for id in 0..4 {
            let request = client.post(gateway.url("/mcp")).header("accept", accept);
            let request =
                request.header("content-type", "application/json").body(long_answer(id).to_string());
            let response = soon("an answer", request.send()).await.expect("an answer");
            assert_eq!(
                (response.status().as_u16(), &response.headers()["content-type"]),
                (200, &HeaderValue::from_static(accept))
            );
            open.push(response);
        }
        held(&gateway, 4 * len).await;
        drop((open, client));
        nothing_held(&gateway).await;
    }
}

#[tokio::test]
async fn an_answer_over_the_share_is_refused_by_its_id_and_what_was_done_is_told() {
    let gateway = Gateway::start().await;
    filled(&gateway).await;
    // What one caller has for large bodies.
    let part = vec![b'x'; (16 << 20) - 1];
    let mut bodies = Vec::new();
    for _ in 0..6 {
        let mut raw = Raw::connect(gateway.address).await;
        raw.send("POST /api/push/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 16777216\r\n\r\n").await;
        raw.send(&part).await;
        bodies.push(raw);
    }
    held(&gateway, 6 * part.len() as u64).await;

    let mut raw = post(&gateway, "application/json", &long_answer(7)).await;
    let head = raw.head().await;
    let refused: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
    let mut raw = post(&gateway, "text/event-stream", &long_answer(7)).await;
    raw.head().await;
    let event = raw.chunk().await.expect("an event");
    let event = String::from_utf8(event).expect("text");
    let said = event.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
    for refused in [refused, serde_json::from_str(said).expect("JSON")] {
        assert_eq!(refused["id"], 7, "{refused}");
        let said = refused["error"]["message"].as_str().expect("a message");
        assert!(said.contains("does not fit"), "{refused}");
    }

    let push = call(8, "push_stream", json!({ "channel": "b", "message": "done" }));
    let mut raw = post(&gateway, "application/json", &json!([push, long_answer(9)])).await;
    let head = raw.head().await;
    let answers: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
    assert_eq!((head.status, &answers[0]["id"], &answers[1]["id"]), (200, &json!(8), &json!(9)), "{answers}");
    assert!(answers[0]["result"]["structuredContent"]["id"].is_string(), "{answers}");
    assert!(
        answers[1]["error"]["message"].as_str().is_some_and(|said| said.contains("does not fit")),
        "{answers}"
    );
    drop(bodies);
    drop(raw);
    nothing_held(&gateway).await;
}
