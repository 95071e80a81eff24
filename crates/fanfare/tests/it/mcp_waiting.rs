//! `wait_for`: later events, events between two calls, and the end of a wait.

use std::collections::HashSet;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::reader::{Listen, Transport};
use crate::support::tools::{Era, Told};
use crate::support::{Engine, soon};

/// Waits, and meanwhile does something when the gateway has the wait.
async fn while_waiting(gateway: &Gateway, era: Era, arguments: Value, act: impl AsyncFnOnce()) -> Told {
    let act = async {
        gateway.clients(1).await;
        act().await;
    };
    let (told, ()) =
        soon("an answer", async { tokio::join!(gateway.tool(era, "wait_for", arguments), act) }).await;
    told
}

#[tokio::test]
async fn an_event_ends_the_wait_at_once() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        for era in Era::ALL {
            gateway.push("a.b", "too early").await;
            let arguments = json!({"channels": ["a.*"], "types": ["error"], "wait": "50s"});
            let begun = Instant::now();
            let told = while_waiting(&gateway, era, arguments.clone(), async || {
                gateway.push("a.b", "of another type").await;
                gateway.push_event(json!({"channel": "c", "message": "elsewhere", "type": "error"})).await;
                gateway.push_event(json!({"channel": "a.b", "message": "this", "type": "error"})).await;
            })
            .await;
            assert!(begun.elapsed().as_secs() < 20, "it was waited for");
            assert_eq!((told.member("status").as_str(), told.messages()), ("event", vec!["this"]));
            assert_eq!(told.member("next_cursor"), gateway.last());
            assert!(told.text.contains(&format!("\"cursor\": \"{}\"", gateway.last())), "{}", told.text);
            gateway.clients(0).await;

            // Events between two calls are returned at once.
            gateway.push_event(json!({"channel": "a.x", "message": "between", "type": "error"})).await;
            let mut arguments = arguments;
            arguments["cursor"] = told.structured["next_cursor"].clone();
            let told = gateway.tool(era, "wait_for", arguments).await;
            assert_eq!((told.messages(), told.member("next_cursor")), (vec!["between"], gateway.last()));
        }
    }
}

#[tokio::test]
async fn a_wait_that_ends_in_vain_says_where_to_go_on() {
    let gateway = Gateway::start().await;
    let arguments = json!({"channels": ["a"], "wait": "1s"});
    let told = while_waiting(&gateway, Era::Modern, arguments, async || {
        gateway.push("elsewhere", "x").await;
    })
    .await;
    assert_eq!((told.member("status").as_str(), told.messages().len()), ("timed_out", 0));
    assert_eq!(told.member("next_cursor"), gateway.last(), "what does not match is behind the cursor");
    let id = gateway.push("a", "next").await;
    let arguments = json!({"channels": ["a"], "cursor": told.member("next_cursor")});
    let told = gateway.tool(Era::Legacy, "wait_for", arguments).await;
    assert_eq!((told.messages(), told.member("next_cursor")), (vec!["next"], id));
}

#[tokio::test]
async fn a_cursor_loses_and_repeats_nothing_under_load() {
    const EVENTS: usize = 3_000;
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let begin = gateway.position(0);
        let push = async {
            for chunk in 0..EVENTS / 30 {
                let event = |number: usize| {
                    let channel = if number.is_multiple_of(3) { "a.x" } else { "b" };
                    json!({"channel": channel, "message": number.to_string()})
                };
                gateway.push_batch((chunk * 30..(chunk + 1) * 30).map(event).collect()).await;
            }
        };
        let wait = async {
            let mut cursor = begin;
            let mut got = Vec::new();
            while got.len() < EVENTS / 3 {
                let arguments = json!({"channels": ["a.*"], "cursor": cursor, "limit": 7, "wait": "20s"});
                let told = gateway
                    .call_tool(Era::Modern, json!({"name": "wait_for", "arguments": arguments}), &[])
                    .await;
                assert_eq!(told.member("status"), "event", "{}", told.text);
                got.extend(
                    told.messages().into_iter().map(|number| number.parse::<usize>().expect("a number")),
                );
                cursor = told.member("next_cursor");
            }
            got
        };
        let ((), got) = tokio::join!(push, wait);
        let wanted: Vec<usize> = (0..EVENTS).filter(|number| number.is_multiple_of(3)).collect();
        assert_eq!(got, wanted);
    }
}

#[tokio::test]
async fn an_acknowledgement_ends_the_wait() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let id = gateway.push("a", "x").await;
        for name in ["backup", "mirror"] {
            let listen = Listen { reader: Some(name.to_owned()), ..Listen::earliest("a") };
            drop(gateway.open(Transport::Sse1, listen).await);
        }
        gateway.clients(0).await;
        for (era, reader) in [(Era::Modern, "backup"), (Era::Legacy, "mirror")] {
            let arguments = json!({"event_id": id, "reader": reader, "wait": "50s"});
            let acknowledge = async {
                // No one can observe that a client waits for this; earlier or later, the answer is the same.
                gateway.post_json(&format!("/api/readers/{reader}/ack"), &json!({"position": id})).await
            };
            let waits = gateway.tool(era, "wait_for", arguments);
            let (told, answer) =
                soon("an answer", Box::pin(async { tokio::join!(waits, acknowledge) })).await;
            assert_eq!(answer.status, 200);
            assert_eq!(told.member("status"), "acknowledged");
            let readers = told.structured["readers"].as_array().expect("readers");
            let names: HashSet<&str> = readers
                .iter()
                .filter(|row| row["acknowledged"] == true)
                .map(|row| row["reader"].as_str().expect("a name"))
                .collect();
            assert!(names.contains(reader), "{names:?}");
            assert!(told.text.contains(&format!("`{reader}`")), "{}", told.text);
        }
        let other = gateway.push("a", "y").await;
        let arguments = json!({"event_id": other, "wait": "1s"});
        let told = gateway.tool(Era::Modern, "wait_for", arguments).await;
        assert_eq!(told.member("status"), "timed_out");
        assert!(told.text.contains("still missing: `backup`, `mirror`"), "{}", told.text);
        let nobody = gateway.push("z", "z").await;
        let told = gateway.tool(Era::Modern, "wait_for", json!({"event_id": nobody, "wait": "1s"})).await;
        assert!(told.text.contains("No durable reader matches `z`"), "{}", told.text);
    }
}

#[tokio::test]
async fn an_acknowledgement_that_comes_while_one_waits_ends_the_wait() {
    let gateway = Gateway::start().await;
    let id = gateway.push("a", "x").await;
    let listen = Listen { reader: Some("backup".to_owned()), ..Listen::earliest("a") };
    let _reader = gateway.open(Transport::Sse1, listen).await;
    let mut raw = post(&gateway, json!({"event_id": id, "wait": "50s"}), true).await;
    // The head arrives once the wait has lasted for a while: by then the client is waiting.
    assert_eq!(raw.head().await.status, 200);
    gateway.post_json("/api/readers/backup/ack", &json!({"position": id})).await;
    let mut said = String::new();
    while !said.contains("acknowledged 1") && !said.contains(r#""status":"acknowledged""#) {
        said.push_str(&String::from_utf8(raw.chunk().await.expect("an answer")).expect("text"));
    }
}

/// Calls `wait_for` on a connection of its own, and does not wait for the answer.
async fn post(gateway: &Gateway, arguments: Value, with_progress: bool) -> Raw {
    let mut params = json!({"name": "wait_for", "arguments": arguments});
    if with_progress {
        params["_meta"] = json!({"progressToken": "p"});
    }
    let headers = Era::Modern.headers("tools/call", &params);
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = Era::Modern.request(1, "tools/call", params).to_string();
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    raw
}

#[tokio::test]
async fn who_hangs_up_waits_no_longer() {
    let gateway = Gateway::start().await;
    let mut waiting = Vec::new();
    for _ in 0..10 {
        waiting.push(post(&gateway, json!({"channels": ["a"], "wait": "50s"}), false).await);
    }
    gateway.clients(10).await;
    let told = gateway.tool(Era::Modern, "list_targets", json!({"kind": "clients"})).await;
    assert_eq!(told.structured["clients"][0]["transport"], "mcp");
    drop(waiting);
    gateway.clients(0).await;
}

#[tokio::test]
async fn a_session_cancels_a_wait_by_its_id() {
    let gateway = Gateway::start().await;
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let begun = gateway.rpc(Era::Legacy, "initialize", hello, &[]).await;
    let session = begun.header("mcp-session-id").to_owned();
    let send = async |body: Value| {
        let headers = [("mcp-session-id", session.as_str()), ("content-type", "application/json")];
        let add = |request: reqwest::RequestBuilder| {
            headers
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value))
                .body(body.to_string())
        };
        gateway.request("POST", "/mcp", add).await
    };
    let params = json!({"name": "wait_for", "arguments": {"channels": ["a"], "wait": "50s"}});
    let call = send(json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}));
    let cancel = async {
        gateway.clients(1).await;
        let params = json!({"requestId": 7});
        send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})).await
    };
    let (call, cancel) = Box::pin(async { tokio::join!(call, cancel) }).await;
    assert_eq!((call.status, call.text().as_str(), cancel.status), (202, "", 202));
    gateway.clients(0).await;
}

#[tokio::test]
async fn progress_is_told_while_one_waits() {
    let gateway = Gateway::start().await;
    let mut raw = post(&gateway, json!({"channels": ["a"], "wait": "50s"}), true).await;
    let head = raw.head().await;
    assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
    let mut said = String::new();
    while !said.contains("notifications/progress") {
        said.push_str(&String::from_utf8(raw.chunk().await.expect("progress")).expect("text"));
    }
    assert!(
        said.contains(
            r#""progressToken":"p","progress":5.0,"total":50.0,"message":"waiting for an event on `a`""#
        ),
        "{said}"
    );
    gateway.push("a", "there").await;
    while !said.contains(r#""status":"event""#) {
        said.push_str(&String::from_utf8(raw.chunk().await.expect("an answer")).expect("text"));
    }
}

#[tokio::test]
async fn a_wait_ends_when_the_gateway_does() {
    let gateway = Gateway::start().await;
    let id = gateway.push("a", "x").await;
    let mut event = post(&gateway, json!({"channels": ["a"], "wait": "50s"}), false).await;
    gateway.clients(1).await;
    let mut acknowledgement = post(&gateway, json!({"event_id": id, "wait": "50s"}), true).await;
    assert_eq!(acknowledgement.head().await.status, 200);
    gateway.begin_stop();
    for raw in [&mut event, &mut acknowledgement] {
        let mut said = String::new();
        while let Some(chunk) = raw.chunk().await {
            said.push_str(&String::from_utf8(chunk).expect("text"));
            if said.contains("the gateway is stopping") {
                break;
            }
        }
        assert!(said.contains("the gateway is stopping"), "{said}");
    }
    assert!(gateway.stop().await.as_secs() < 10);
}
