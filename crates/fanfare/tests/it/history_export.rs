//! `GET /api/events` with `Accept: application/x-ndjson`: the whole history, as lines.

use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;

const ACCEPT: &str = "application/x-ndjson";

async fn export(gateway: &Gateway, query: &str) -> Answer {
    gateway.request("GET", &format!("/api/events?{query}"), |request| request.header("accept", ACCEPT)).await
}

fn messages(answer: &Answer) -> Vec<String> {
    assert_eq!((answer.status, answer.header("content-type")), (200, ACCEPT), "{}", answer.text());
    let text = answer.text();
    let event = |line: &str| serde_json::from_str::<Value>(line).expect("an event on each line");
    text.lines().map(|line| event(line)["message"].as_str().expect("a message").to_owned()).collect()
}

#[tokio::test]
async fn every_event_is_on_a_line_as_a_page_has_it() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let event = |number: u64| {
            let channel = if number.is_multiple_of(3) { "c" } else { "d" };
            json!({"channel": channel, "message": number.to_string(), "data": {"n": 1.50}})
        };
        gateway.push_batch((1..=2_500).map(event).collect()).await;
        let all: Vec<String> = (1..=2_500).map(|number: u64| number.to_string()).collect();
        assert_eq!(messages(&export(&gateway, "order=oldest").await), all, "on {engine:?}");
        assert_eq!(messages(&export(&gateway, "order=oldest&since=earliest").await), all);
        let newest: Vec<String> = all.iter().rev().cloned().collect();
        assert_eq!(messages(&export(&gateway, "").await), newest);
        assert_eq!(messages(&export(&gateway, "limit=1200").await), newest[..1_200]);
        let rare = messages(&export(&gateway, "channel=c&order=oldest&limit=2").await);
        assert_eq!(rare, ["3", "6"]);
        let (after, before) = (gateway.position(10), gateway.position(13));
        let range = export(&gateway, &format!("after={after}&before={before}&order=oldest")).await;
        assert_eq!(messages(&range), ["11", "12"]);
        let page = gateway.get("/api/events?limit=1").await;
        assert_eq!(page.header("vary"), "accept");
        let line = export(&gateway, "limit=1").await.text();
        assert_eq!(line.trim_end(), serde_json::to_string(&page.json()["events"][0]).expect("JSON"));
        assert_eq!(export(&gateway, "channel=nobody").await.text(), "");
    }
}

#[tokio::test]
async fn an_export_can_wait_for_its_first_event() {
    let gateway = Gateway::start().await;
    let act = async {
        gateway.clients(1).await;
        gateway.push("a", "first").await;
    };
    let (answer, ()) = tokio::join!(export(&gateway, "wait=55s"), act);
    assert_eq!(messages(&answer), ["first"]);
}

#[tokio::test]
async fn a_mistake_is_a_problem_and_not_a_line() {
    let gateway = Gateway::start().await;
    for (query, code, at) in [("limit=0", "invalid_query", "?limit"), ("since=x", "invalid_time", "?since")] {
        assert_eq!(export(&gateway, query).await.problem(400, code)["at"], at);
    }
}

/// Fills the log with more than sockets hold, and starts an export that is not read.
async fn begin(gateway: &Gateway) -> Raw {
    let text = "x".repeat(250_000);
    for _ in 0..10 {
        gateway.push_batch((0..8).map(|_| json!({"message": text})).collect()).await;
    }
    let mut raw = Raw::connect_narrow(gateway.address).await;
    let head = raw.get("/api/events?order=oldest", &format!("accept: {ACCEPT}\r\n")).await;
    assert_eq!((head.status, head.header("transfer-encoding")), (200, "chunked"));
    raw
}

/// Reads to the end; returns the number of lines, and whether the last chunk came.
async fn lines(mut raw: Raw) -> (usize, bool) {
    let mut lines = 0;
    while let Some(chunk) = raw.chunk().await {
        lines += chunk.iter().filter(|byte| **byte == b'\n').count();
    }
    (lines, raw.is_whole())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_read_as_the_client_takes_them_and_a_failure_breaks_the_body_off() {
    let (gateway, memory) = Gateway::on_memory().await;
    assert_eq!(lines(begin(&gateway).await).await, (80, true));
    // Had all of it been read ahead, the log could not be missed.
    let raw = begin(&gateway).await;
    memory.lose(1);
    gateway.push("a", "in another log").await;
    let (lines, is_whole) = lines(raw).await;
    assert!(!is_whole && lines < 160, "{lines} lines");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_is_not_read_does_not_hold_up_the_end() {
    let gateway = Gateway::start().await;
    let raw = begin(&gateway).await;
    gateway.begin_stop();
    let (_, is_whole) = lines(raw).await;
    assert!(!is_whole, "the gateway stopped within it");
    gateway.stop().await;
}
