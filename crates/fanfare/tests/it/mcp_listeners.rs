//! `port` and `host` of a push: the gateway also listens there, or reports why not and pushes nothing.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::mcp_stream::Door;
use crate::support::reader::{Frame, Listen, Reader, Transport};
use crate::support::tools::{Era, Told};

/// Returns a port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// Pushes on a port that is free; another test may be quicker to occupy one.
async fn push_on_a_free_port(gateway: &Gateway, era: Era, tool: &str) -> (u16, Told) {
    for _ in 0..5 {
        let port = free_port();
        let params = json!({"name": tool, "arguments": {"message": "first", "port": port}});
        let told = gateway.call_tool(era, params, &[]).await;
        if !told.text.contains("another program is already listening") {
            assert!(!told.is_error, "{}", told.text);
            return (port, told);
        }
    }
    panic!("no port stayed free");
}

#[tokio::test]
async fn a_push_opens_the_port_that_it_names() {
    let gateway = Gateway::start().await;
    for (tool, era) in [("push_stream", Era::Modern), ("push_webhook", Era::Legacy)] {
        let (port, told) = push_on_a_free_port(&gateway, era, tool).await;
        assert_eq!(told.member("url"), format!("http://127.0.0.1:{port}"));
        assert!(told.text.contains("now also listens there"), "{}", told.text);
        let listeners = gateway.get("/api/status").await.json()["listeners"].clone();
        let last = listeners.as_array().and_then(|listeners| listeners.last()).expect("listeners");
        assert_eq!((&listeners[0], last), (&json!(gateway.address), &json!(format!("127.0.0.1:{port}"))));

        let address = format!("127.0.0.1:{port}").parse().expect("an address");
        let mut reader = Reader::open(address, Transport::Sse1, Listen::to(">")).await;
        let again = json!({"message": "second", "port": port, "host": "localhost"});
        let told = gateway.tool(era, tool, again).await;
        assert!(told.text.contains("was already listening there"), "{}", told.text);
        assert_eq!(told.structured["stream_clients"], 1, "it is the same hub");
        let Frame::Event(event) = reader.next().await else { panic!("no event") };
        assert_eq!(event["message"], "second");
        // It counts until the gateway has noticed its end.
        drop(reader);
        gateway.clients(0).await;
    }
}

#[tokio::test]
async fn a_port_that_the_gateway_has_needs_nothing() {
    let gateway = Gateway::start().await;
    let own = gateway.address.port();
    for more in
        [json!({"port": own}), json!({"host": "127.0.0.1"}), json!({"port": own, "host": "127.0.0.1"})]
    {
        let mut arguments = json!({"message": "x"});
        arguments.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let told = gateway.tool(Era::Modern, "push_stream", arguments).await;
        assert_eq!(told.member("url"), format!("http://{}", gateway.address));
        assert!(told.text.contains("was already listening there"), "{}", told.text);
    }
}

#[tokio::test]
async fn a_listener_that_cannot_be_is_refused_and_nothing_is_pushed() {
    let gateway = Gateway::start().await;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let busy = taken.local_addr().expect("an address").port();
    let free = free_port();
    let refused = async |more: Value, says: &str| {
        let mut arguments = json!({"message": "x"});
        arguments.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        for era in Era::ALL {
            let said = gateway.tool_error(era, "push_stream", arguments.clone()).await;
            assert!(said.contains(says), "{more}: {said}");
            assert!(said.to_lowercase().contains("nothing was pushed"), "{more}: {said}");
        }
    };
    refused(json!({"port": busy}), "another program is already listening on 127.0.0.1").await;
    refused(json!({"port": free, "host": "192.0.2.1"}), "serves this machine only").await;
    refused(json!({"port": free, "host": "192.0.2.1:80"}), "is not an address to listen on").await;
    refused(json!({"port": free, "host": "example.com"}), "is not an address to listen on").await;
    // An event that is wrong opens no port.
    let said = gateway
        .tool_error(Era::Modern, "push_stream", json!({"message": "x", "type": "a b", "port": free}))
        .await;
    assert!(said.contains("`type`"), "{said}");
    assert!(TcpListener::bind(("127.0.0.1", free)).is_ok(), "the port was opened");
    assert_eq!(gateway.hub.last().seq, 0);
}

#[tokio::test]
async fn the_default_host_of_other_servers_never_fails_a_push() {
    let gateway = Gateway::start().await;
    let (own, mut pushed) = (gateway.address.port(), 0);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let busy = taken.local_addr().expect("an address").port();
    for (era, tool) in [(Era::Modern, "push_stream"), (Era::Legacy, "push_webhook")] {
        for host in ["0.0.0.0", "::", "[::]", "::ffff:0.0.0.0"] {
            for arguments in
                [json!({"message": "x", "host": host}), json!({"message": "x", "host": host, "port": own})]
            {
                let told = gateway.tool(era, tool, arguments).await;
                assert_eq!(told.member("url"), format!("http://127.0.0.1:{own}"));
                assert_eq!(told.member("reachable_from"), "this_machine");
                assert!(told.text.contains("only programs on the gateway's own machine"), "{}", told.text);
            }
            let told = gateway.tool(era, tool, json!({"message": "x", "host": host, "port": busy})).await;
            assert!(told.text.contains("another program is already listening"), "{}", told.text);
            assert_eq!(told.structured.get("url"), None, "{}", told.structured);
            pushed += 3;
        }
    }
    // A port that is free opens for this machine, because the operator lets nobody else in.
    let free = free_port();
    let told = gateway
        .tool(Era::Modern, "push_stream", json!({"message": "x", "host": "0.0.0.0", "port": free}))
        .await;
    assert_eq!(told.member("url"), format!("http://127.0.0.1:{free}"));
    assert!(TcpListener::bind(("127.0.0.2", free)).is_ok(), "it listens on more than 127.0.0.1");
    // A push from another machine opens no listener, but succeeds.
    let params = json!({"name": "push_stream", "arguments": {"message": "x", "host": "0.0.0.0", "port": 9}});
    let told = gateway.call_tool(Era::Modern, params, &[("x-forwarded-for", "203.0.113.7")]).await;
    assert!(!told.is_error && told.text.contains("only work for callers on"), "{}", told.text);
    // The call without JSON-RPC.
    let mut client = Door::HttpSse.open(&gateway).await;
    let call = json!({"session_id": client.id, "tool": "push_stream",
        "args": {"message": "x", "host": "0.0.0.0", "port": own}});
    gateway.post_json("/sse", &call).await;
    assert_eq!(client.json("result").await["structuredContent"]["reachable_from"], "this_machine");
    assert_eq!(gateway.hub.last().seq, pushed + 3);
}

#[tokio::test]
async fn the_answer_says_that_other_machines_can_connect() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.listen = vec!["0.0.0.0:0".parse().expect("an address")];
    })
    .await;
    for (more, from) in [
        (json!({"host": "0.0.0.0"}), "other_machines"),
        (json!({"host": "0.0.0.0", "port": free_port()}), "other_machines"),
        (json!({"host": "localhost", "port": free_port()}), "this_machine"),
    ] {
        let mut arguments = json!({"message": "x"});
        arguments.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let told = gateway.tool(Era::Modern, "push_stream", arguments).await;
        assert_eq!(told.member("reachable_from"), from, "{more}: {}", told.text);
        assert_eq!(told.text.contains("other machines can reach"), from == "other_machines", "{}", told.text);
    }
}

#[tokio::test]
async fn who_calls_from_elsewhere_opens_nothing() {
    let gateway = Gateway::start().await;
    let port = free_port();
    let params = json!({"name": "push_stream", "arguments": {"message": "x", "port": port}});
    for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        let told = gateway.call_tool(Era::Modern, params.clone(), &[(header, "203.0.113.7")]).await;
        assert!(told.is_error && told.text.contains("on the gateway's own machine"), "{}", told.text);
    }
    assert_eq!(gateway.hub.last().seq, 0);
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "the port was opened");
}

#[tokio::test]
async fn no_more_than_eight_are_opened_and_all_of_them_end_with_the_gateway() {
    let gateway = Gateway::start().await;
    let mut ports = Vec::new();
    while ports.len() < 8 {
        ports.push(push_on_a_free_port(&gateway, Era::Modern, "push_stream").await.0);
    }
    let said =
        gateway.tool_error(Era::Modern, "push_stream", json!({"message": "x", "port": free_port()})).await;
    assert!(
        said.contains("the maximum of 8 extra listeners is already open")
            && said.contains(&ports[0].to_string()),
        "{said}"
    );
    assert_eq!(gateway.hub.last().seq, 8);
    gateway.stop().await;
    for port in ports {
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "{port} is still taken");
    }
}
