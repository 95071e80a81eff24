//! The behaviour of both MCP transports that send answers on a stream of their own.

use std::time::Duration;

use serde_json::json;

use crate::support::gateway::{Gateway, reqwest_client, send_apart};
use crate::support::mcp_stream::{Door, long_request, request, sessions};
use crate::support::raw::Raw;
use crate::support::{Engine, soon, until};

#[tokio::test]
async fn a_conversation_from_handshake_to_push() {
    for door in Door::ALL {
        let gateway = Gateway::start().await;
        let mut client = door.open(&gateway).await;
        let hello = json!({
            "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": { "name": "it", "version": "1" },
        });
        let said = client.ask(&gateway, 1, "initialize", hello).await;
        assert_eq!(said["result"]["protocolVersion"], "2024-11-05");
        assert_eq!(said["result"]["serverInfo"]["name"], "fanfare");
        client.send(&gateway, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        let tools = client.ask(&gateway, 2, "tools/list", json!({})).await;
        assert!(tools["result"]["tools"].as_array().is_some_and(|tools| !tools.is_empty()), "{tools}");
        let push = json!({ "name": "push_stream", "arguments": { "message": "built", "channel": "builds" } });
        let pushed = client.ask(&gateway, 3, "tools/call", push).await;
        let id = pushed["result"]["structuredContent"]["id"].as_str().expect("an id").to_owned();
        let event = gateway.get(&format!("/api/events/{id}")).await.json();
        assert_eq!(
            (&event["message"], &event["source"]["door"]),
            (&json!("built"), &json!("mcp")),
            "{door:?}"
        );
        let unknown = client.ask(&gateway, 4, "no/such", json!({})).await;
        assert_eq!(unknown["error"]["code"], -32601);
        let modern = client.ask(&gateway, 5, "tools/list", long_request(5)["params"].clone()).await;
        assert_eq!(modern["result"]["resultType"], "complete", "a request says by itself of which era it is");
    }
}

#[tokio::test]
async fn two_clients_get_their_own_answers() {
    for door in Door::ALL {
        let gateway = Gateway::start().await;
        let (mut one, mut two) = (door.open(&gateway).await, door.open(&gateway).await);
        for round in 0..20 {
            one.send(&gateway, &request(round, "ping", json!({}))).await;
            two.send(&gateway, &request(round, "no/such", json!({}))).await;
        }
        for round in 0..20 {
            let (first, second) = (one.message().await, two.message().await);
            assert_eq!((&first["id"], &first["result"]), (&json!(round), &json!({})));
            assert_eq!((&second["id"], &second["error"]["code"]), (&json!(round), &json!(-32601)));
        }
        drop(one);
        sessions(&gateway, 1).await;
        two.ask(&gateway, 99, "ping", json!({})).await;
    }
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_calls_along() {
    for door in Door::ALL {
        let gateway = Gateway::start().await;
        let mut client = door.open(&gateway).await;
        let id = client.id.clone();
        client.send(&gateway, &long_request(1)).await;
        assert_eq!(client.message().await["method"], "notifications/subscriptions/acknowledged");
        sessions(&gateway, 1).await;
        drop(client);
        sessions(&gateway, 0).await;
        let late = door.send(&gateway, &id, &request(2, "ping", json!({}))).await;
        assert_eq!(late.status, 404);
    }
}

#[tokio::test]
async fn a_flood_is_answered_and_bounded() {
    for door in Door::ALL {
        let gateway = Gateway::start().await;
        let mut client = door.open(&gateway).await;
        // The maximum of concurrent waits; each reports at once that it has started.
        for id in 0..64 {
            client.send(&gateway, &long_request(id)).await;
            client.message().await;
        }
        for id in 64..256 {
            client.send(&gateway, &long_request(id)).await;
            let refused = client.message().await;
            assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(id), &json!(429)), "{refused}");
        }
        // There is still room for a call that ends at once.
        assert_eq!(client.ask(&gateway, 256, "ping", json!({})).await["result"], json!({}));
        let cancel = json!({ "requestId": 7 });
        client
            .send(
                &gateway,
                &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel }),
            )
            .await;
        // A cancelled call is not answered, and makes room.
        until("room", async || {
            client.send(&gateway, &long_request(300)).await;
            (client.message().await["method"] == "notifications/subscriptions/acknowledged").then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_refused_and_then_cut_off() {
    const STALL: Duration = Duration::from_secs(2);
    /// More than sockets, outbox and work have room for.
    const MESSAGES_MAX: u64 = 20_000;
    for door in Door::ALL {
        let gateway = Gateway::with(Engine::Memory, |config| config.http.stall_timeout = STALL).await;
        let lazy = door.open_on(Raw::connect_narrow(gateway.address).await).await;
        let mut other = door.open(&gateway).await;
        let mut refused = None;
        for id in 0..MESSAGES_MAX {
            let answer = door.send(&gateway, &lazy.id, &request(id, "tools/list", json!({}))).await;
            if answer.status != 202 {
                refused = Some(answer);
                break;
            }
        }
        let refused = refused.unwrap_or_else(|| panic!("{MESSAGES_MAX} answers were kept"));
        assert_eq!(refused.status, 429, "{}", refused.text());
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.json()["error"]["code"], 429);
        // Others notice nothing.
        other.ask(&gateway, 1, "ping", json!({})).await;
        // Its waiting messages are dropped, though its connection is open.
        sessions(&gateway, 1).await;
        let gone = door.send(&gateway, &lazy.id, &request(1, "ping", json!({}))).await;
        assert_eq!(gone.status, 404);
        drop(lazy);
    }
}

#[tokio::test]
async fn streams_end_when_the_gateway_does() {
    for door in Door::ALL {
        let gateway = Gateway::start().await;
        let (mut idle, mut busy) = (door.open(&gateway).await, door.open(&gateway).await);
        busy.send(&gateway, &long_request(1)).await;
        busy.message().await;
        let path = if door == Door::HttpSse { "/sse" } else { "/mcp/sse" };
        let shared = send_apart(reqwest_client(true).get(gateway.url(path)));
        let mut shared = soon("a stream over HTTP/2", shared).await;
        // The opening may come in several frames: over HTTP+SSE it has the list of tools in it.
        let last = if door == Door::HttpSse { "event: tools" } else { "event: connected" };
        let mut opening = String::new();
        while !(opening.contains(last) && opening.ends_with("\n\n")) {
            let chunk = soon("its opening", shared.chunk()).await.expect("no break").expect("no end");
            opening.push_str(std::str::from_utf8(&chunk).expect("ASCII"));
        }
        gateway.begin_stop();
        assert_eq!(idle.next().await, None);
        while busy.next().await.is_some() {}
        // The rest of its opening comes first.
        while soon("its end", shared.chunk()).await.expect("no break").is_some() {}
        let took = gateway.stop().await;
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[tokio::test]
async fn one_door_does_not_open_the_sessions_of_another() {
    let gateway = Gateway::start().await;
    let (connection, session) = (Door::Connection.open(&gateway).await, Door::HttpSse.open(&gateway).await);
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "it", "version": "1" },
    });
    let streamable = gateway.post_json("/mcp", &request(1, "initialize", hello)).await;
    let streamable = streamable.header("mcp-session-id").to_owned();
    let ping = request(1, "ping", json!({}));
    for id in [&session.id, &streamable, "0123456789abcdef0123456789abcdef", ""] {
        let refused = Door::Connection.send(&gateway, id, &ping).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (404, &json!(404)), "{id}");
        assert!(refused.text().contains("GET /mcp/sse"), "{}", refused.text());
    }
    for id in [&connection.id, &streamable, "0123456789abcdef0123456789abcdef", ""] {
        let called = gateway.post_json("/sse", &json!({ "session_id": id, "tool": "push_stream" })).await;
        for refused in [Door::HttpSse.send(&gateway, id, &ping).await, called] {
            assert_eq!((refused.status, refused.header("content-type")), (404, "application/json"), "{id}");
            assert!(refused.text().contains("GET /sse"), "{}", refused.text());
        }
    }
}
