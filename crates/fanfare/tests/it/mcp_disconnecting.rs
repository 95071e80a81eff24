//! Sessions of MCP in the list of clients, and what becomes of one that a caller disconnects.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::cli::{self, Shell};
use crate::support::agent::Agent;
use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::mcp_stream::Door;
use crate::support::rpc::{Era, request};
use crate::support::socket::Socket;
use crate::support::stdio;
use crate::support::{soon, until};

async fn kick(gateway: &Gateway, client: &Value, query: &str) -> Answer {
    let id = client["id"].as_str().expect("an id");
    gateway.request("DELETE", &format!("/api/clients/{id}{query}"), |request| request).await
}

/// Returns the only client once it fits.
async fn only(gateway: &Gateway, fits: impl Fn(&Value) -> bool) -> Value {
    until("the client", async || {
        let list = gateway.get("/api/clients").await.json();
        let client = list["clients"][0].clone();
        (list["total"] == 1 && fits(&client)).then_some(client)
    })
    .await
}

async fn nobody(gateway: &Gateway) {
    until("nobody", async || (gateway.get("/api/clients").await.json()["total"] == 0).then_some(())).await;
}

fn begin(name: &str) -> Value {
    let client = json!({ "name": name, "version": "1.2" });
    json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client })
}

#[tokio::test]
async fn a_session_is_listed_with_what_it_waits_for_and_listens_to_nothing_until_then() {
    let gateway = Gateway::start().await;
    gateway.push("a", "x").await;
    let agent = Agent::begin(&gateway, Era::Legacy).await;
    let client = only(&gateway, |_| true).await;
    let wanted = json!({
        "id": client["id"], "transport": "mcp", "principal": "local", "address": client["address"],
        "channels": [], "types": [], "min_priority": "min", "connected_at": client["connected_at"],
        "position": gateway.last(), "lag": 0, "state": "idle",
        "session": {
            "wire": "streamable_http", "protocol_version": "2025-11-25", "client_name": "test",
            "client_version": "1", "subscriptions": 0,
        },
    });
    assert_eq!(client, wanted);
    // A session that listens to nothing does not count as a listener.
    assert_eq!(gateway.get("/api/status").await.json()["stream_clients"], 0);
    assert_eq!(
        gateway.post_json("/api/push", &json!({"channel": "a", "message": "y"})).await.json()["stream_clients"],
        0
    );
    assert_eq!(gateway.metric("fanfare_subscribers{transport=\"mcp\"}").await.unwrap_or_default(), 0.0);

    let arguments = json!({"channels": ["b.*"], "types": ["error"], "min_priority": "high", "wait": "50s"});
    let call = agent.ask("tools/call", json!({ "name": "wait_for", "arguments": arguments }));
    let (answer, ()) = tokio::join!(call, async {
        let waiting = only(&gateway, |client| client["state"] == "live").await;
        assert_eq!((&waiting["id"], &waiting["session"]["subscriptions"]), (&client["id"], &json!(1)));
        assert_eq!((&waiting["channels"], &waiting["types"]), (&json!(["b.*"]), &json!(["error"])));
        assert_eq!(waiting["min_priority"], "high");
        assert_eq!(gateway.get("/api/status").await.json()["stream_clients"], 1);
        gateway
            .push_event(json!({"channel": "b.c", "message": "z", "type": "error", "priority": "max"}))
            .await;
    });
    assert_eq!(answer["result"]["structuredContent"]["status"], "event", "{answer}");
    only(&gateway, |client| client["state"] == "idle").await;
    agent.end().await;
    nobody(&gateway).await;
}

#[tokio::test]
async fn a_session_over_http_that_is_disconnected_is_gone_and_its_client_may_have_to_stay_away() {
    let gateway = Gateway::start().await;
    let agent = Agent::begin(&gateway, Era::Legacy).await;
    let (mut told, _) = agent.listen(Value::Null, Value::Null).await;
    let client = only(&gateway, |_| true).await;
    assert_eq!(kick(&gateway, &client, "?deny_for=10m").await.status, 200);
    assert_eq!(told.hear().await, None, "its stream ends");
    // As the specification says: 404 tells the client to initialize again.
    let answer = agent.send("ping", json!({})).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    kick(&gateway, &client, "").await.problem(404, "not_found");
    let again = gateway.post_json("/mcp", &request(1, "initialize", begin("test"))).await;
    assert_eq!(again.status, 403, "{}", again.text());
    let message = again.json()["error"]["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("an operator disconnected this client, and it may return in 10m"), "{message}");
    nobody(&gateway).await;
    // Another program behind the same address is not meant.
    let other = gateway.post_json("/mcp", &request(1, "initialize", begin("another"))).await;
    assert_eq!(other.status, 200, "{}", other.text());
}

#[tokio::test]
async fn a_stream_of_an_older_transport_ends_when_it_is_disconnected() {
    let gateway = Gateway::start().await;
    for (door, wire) in [(Door::Connection, "connection"), (Door::HttpSse, "http_sse")] {
        let mut stream = door.open(&gateway).await;
        stream.ask(&gateway, 1, "initialize", begin("older")).await;
        let client = only(&gateway, |client| client["session"]["client_name"] == "older").await;
        assert_eq!((&client["session"]["wire"], &client["state"]), (&json!(wire), &json!("idle")));
        assert_eq!(kick(&gateway, &client, "?deny_for=1m").await.status, 200);
        assert!(stream.next().await.is_none() && stream.raw.is_whole(), "{wire}");
        nobody(&gateway).await;
        // It may open a stream; once it says who it is, that is the end.
        let mut again = door.open(&gateway).await;
        again.send(&gateway, &request(2, "initialize", begin("older"))).await;
        let refused = again.message().await;
        assert!(
            refused["error"]["message"].as_str().is_some_and(|text| text.contains("disconnected")),
            "{refused}"
        );
        assert!(again.next().await.is_none(), "{wire}");
        nobody(&gateway).await;
    }
}

#[tokio::test]
async fn a_websocket_of_mcp_is_closed_with_the_reason() {
    let gateway = Gateway::start().await;
    let open = async || {
        let request = format!("ws://{}/mcp", gateway.address).into_client_request().expect("a request");
        let connected = soon("a handshake", tokio_tungstenite::connect_async(request)).await;
        Socket { wire: connected.expect("a handshake").0 }
    };
    let closed = (1008, "an operator disconnected this client".to_owned());
    let mut socket = open().await;
    only(&gateway, |client| client["session"]["wire"] == "websocket").await;
    let answer = socket.ask(request(1, "initialize", begin("host"))).await;
    assert!(answer["result"].is_object(), "{answer}");
    // A call that waits ends with the session.
    let wait = json!({ "name": "wait_for", "arguments": { "channels": ["a"], "wait": "50s" } });
    socket.say(&request(2, "tools/call", wait)).await;
    let client = only(&gateway, |client| client["state"] == "live").await;
    assert_eq!(client["session"]["client_name"], "host");
    assert_eq!(kick(&gateway, &client, "?deny_for=1m").await.status, 200);
    assert_eq!(socket.goodbye().await, closed);
    gateway.clients(0).await;
    let mut again = open().await;
    let refused = again.ask(request(1, "initialize", begin("host"))).await;
    assert!(
        refused["error"]["message"].as_str().is_some_and(|text| text.contains("disconnected")),
        "{refused}"
    );
    assert_eq!(again.goodbye().await, closed);
    let mut other = open().await;
    let answer = other.ask(request(1, "initialize", begin("another host"))).await;
    assert!(answer["result"].is_object(), "{answer}");
}

#[tokio::test]
async fn a_wait_without_a_session_says_that_it_was_ended_and_a_subscription_ends() {
    let gateway = Gateway::start().await;
    let wait = gateway.tool_error(Era::Modern, "wait_for", json!({"channels": ["a"], "wait": "50s"}));
    let (text, ()) = tokio::join!(wait, async {
        let client = only(&gateway, |client| client["transport"] == "mcp").await;
        assert_eq!((&client["channels"], &client["session"]), (&json!(["a"]), &Value::Null));
        assert_eq!(kick(&gateway, &client, "").await.status, 200);
    });
    assert!(
        text.contains("an operator of the gateway ended this wait") && text.contains("\"cursor\": \""),
        "{text}"
    );

    gateway.push("a", "x").await;
    let agent = Agent::begin(&gateway, Era::Modern).await;
    let uri = "fanfare://channels/a/latest";
    let (mut told, honoured) = agent.listen(json!(7), json!({ "resourceSubscriptions": [uri] })).await;
    assert_eq!(honoured["resourceSubscriptions"], json!([uri]));
    let client = only(&gateway, |client| client["channels"] == json!(["a"])).await;
    assert_eq!(kick(&gateway, &client, "").await.status, 200);
    let last = told.hear().await.expect("the result of the subscription");
    assert_eq!((&last["id"], last["result"].is_object()), (&json!(7), true), "{last}");
    assert_eq!(told.hear().await, None);
}

#[tokio::test]
async fn the_program_that_hosts_the_gateway_is_listed_and_stays() {
    let shell = Shell::new();
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let (listen, server) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let mut agent = stdio::Agent::start(&shell, &["--store", "memory", "--listen", &listen]);
    agent.initialize().await;
    let listed = shell.run(&["clients", "--server", &server, "-o", "json"]).await;
    let client = cli::json(&listed.out)["clients"][0].clone();
    let session = &client["session"];
    assert_eq!((&session["wire"], &client["address"]), (&json!("stdio"), &Value::Null), "{listed:?}");
    let id = client["id"].as_str().expect("an id");
    let kicked = shell.run(&["clients", "kick", id, "--server", &server]).await;
    assert!(
        kicked.code != 0 && kicked.err.contains("the gateway runs in the process of client"),
        "{kicked:?}"
    );
    agent.push("a", "still here").await;
    agent.close();
    let said = agent.end().await;
    assert_eq!(said.code, 0, "{said:?}");
}
