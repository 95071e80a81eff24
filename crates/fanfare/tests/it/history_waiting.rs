//! `GET /api/events?wait=…`: a later event, what is there already, and the end of a wait.

use std::time::Duration;

use serde_json::json;

use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::{Engine, soon};

/// Sends a request that waits, on a connection of its own, and does not wait for the answer.
async fn ask(gateway: &Gateway, query: &str) -> Raw {
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(format!("GET /api/events?{query} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
    raw
}

#[tokio::test]
async fn the_first_event_that_passes_ends_the_wait() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        gateway.push("a.b", "before").await;
        for order in ["newest", "oldest"] {
            let last = gateway.last();
            let path = format!("/api/events?channel=a.*&type=error&after={last}&order={order}&wait=55s");
            let act = async {
                gateway.clients(1).await;
                let clients = gateway.get("/api/clients").await.json();
                assert_eq!(clients["clients"][0]["transport"], "http");
                gateway.push("a.b", "of another type").await;
                gateway.push_event(json!({"channel": "b", "type": "error", "message": "elsewhere"})).await;
                gateway.push_event(json!({"channel": "a.b", "type": "error", "message": "wanted"})).await
            };
            let (answer, id) = soon("an answer", async { tokio::join!(gateway.get(&path), act) }).await;
            let page = answer.json();
            assert_eq!(page["events"][0]["id"], id, "{page}");
            assert_eq!(page["events"].as_array().map(Vec::len), Some(1));
            gateway.clients(0).await;
        }
    }
}

#[tokio::test]
async fn what_is_there_is_returned_at_once() {
    let gateway = Gateway::start().await;
    let first = gateway.push("a", "one").await;
    gateway.push("a", "two").await;
    for query in ["wait=55s", "wait=true", "wait=55&since=earliest", "wait=55s&since=1h&channel=a"] {
        let page = soon("a page", gateway.get(&format!("/api/events?{query}"))).await.json();
        assert_eq!(page["events"].as_array().map(Vec::len), Some(2), "{query}");
    }
    let cursor = format!("/api/events?order=oldest&wait=55s&cursor={first}");
    let page = soon("a page", gateway.get(&cursor)).await.json();
    assert_eq!(page["events"][0]["message"], "two");
}

#[tokio::test]
async fn nothing_comes_and_the_page_is_empty_when_the_time_is_over() {
    let gateway = Gateway::start().await;
    let last = gateway.push("a", "one").await;
    for wait in ["50ms", "0s", "false", "0"] {
        let page = soon("a page", gateway.get(&format!("/api/events?after={last}&wait={wait}"))).await.json();
        assert_eq!((&page["events"], &page["last"]), (&json!([]), &json!(last)), "{page}");
        assert_eq!(page.get("next_cursor"), None);
    }
    gateway.clients(0).await;
}

#[tokio::test]
async fn a_wait_goes_on_in_the_log_that_replaces_this_one() {
    let (gateway, memory) = Gateway::on_memory().await;
    let act = async {
        gateway.clients(1).await;
        memory.lose(0);
        gateway.push("a", "new").await;
    };
    let (answer, ()) =
        soon("an answer", async { tokio::join!(gateway.get("/api/events?wait=55s"), act) }).await;
    assert_eq!(answer.json()["events"][0]["message"], "new");
}

#[tokio::test]
async fn who_hangs_up_waits_no_longer() {
    let gateway = Gateway::start().await;
    let mut waiting = Vec::new();
    for _ in 0..10 {
        waiting.push(ask(&gateway, "channel=a&wait=55s").await);
    }
    gateway.clients(10).await;
    drop(waiting);
    gateway.clients(0).await;
}

#[tokio::test]
async fn a_wait_ends_when_the_gateway_does() {
    let gateway = Gateway::start().await;
    let mut raw = ask(&gateway, "wait=55s").await;
    gateway.clients(1).await;
    gateway.begin_stop();
    let head = raw.head().await;
    assert_eq!((head.status, head.header("connection")), (200, "close"));
    let body = String::from_utf8(raw.body(&head).await).expect("JSON");
    assert!(body.contains(r#""events":[]"#), "{body}");
    assert!(gateway.stop().await < Duration::from_secs(10));
}

#[tokio::test]
async fn a_wait_has_bounds_and_waits_only_for_what_can_come() {
    let gateway = Gateway::start().await;
    let id = gateway.push("a", "one").await;
    for (query, code) in [
        ("wait=56s".to_owned(), "invalid_duration"),
        ("wait=soon".to_owned(), "invalid_duration"),
        ("wait=-1".to_owned(), "invalid_duration"),
        (format!("wait=1s&before={id}"), "invalid_query"),
        ("wait=1s&until=1h".to_owned(), "invalid_query"),
        (format!("wait=1s&cursor={id}"), "invalid_query"),
    ] {
        let problem = gateway.get(&format!("/api/events?{query}")).await.problem(400, code);
        assert_eq!(problem["at"], "?wait", "{query}");
    }
}
