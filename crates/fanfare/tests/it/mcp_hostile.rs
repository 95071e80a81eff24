//! Hostile clients: invalid messages are refused, and unread ones are not kept.

use fanfare::engines::StoreSpec;
use fanfare::gateway;
use fanfare_core::Principal;
use fanfare_server::mcp::client::Client;
use fanfare_server::mcp::outbox::Outbox;
use fanfare_server::mcp::session::Session;
use fanfare_server::mcp::toolset::Toolset;
use fanfare_server::mcp::transports::duplex::Calls;
use fanfare_server::net::locality::Locality;
use serde_json::Value;

use crate::support::gateway::Gateway;
use crate::support::soon;

/// The request's id, and whether it is accepted.
const IDS: [(&str, bool); 8] = [
    ("7", true),
    (r#""\u0061""#, true),
    ("18446744073709551615", true),
    ("18446744073709551616", false),
    ("1.5", false),
    ("1e3", false),
    (r#""\ud800""#, false),
    ("null", false),
];

#[tokio::test]
async fn an_id_and_a_token_are_text_or_an_integer_and_given_back_as_they_were() {
    let gateway = Gateway::start().await;
    let text = |body: String| {
        let gateway = &gateway;
        async move { gateway.post("/mcp", "application/json", body).await }
    };
    for (id, is_taken) in IDS {
        let answer = text(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)).await;
        let said = answer.text();
        if is_taken {
            assert!(answer.status == 200 && said.contains(&format!(r#""id":{id},"result""#)), "{id}: {said}");
        } else {
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &Value::from(-32600)), "{id}");
        }
        let params = format!(r#"{{"_meta":{{"progressToken":{id}}}}}"#);
        let answer = text(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{params}}}"#)).await;
        // An unknown session does not exist.
        assert_eq!(
            answer.status,
            if is_taken || id == "null" { 200 } else { 400 },
            "{id}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn no_more_is_taken_of_a_client_that_does_not_read_what_it_is_refused() {
    /// More than may wait to be read.
    const REFUSALS_MAX: usize = 2_000;
    let config = gateway::Config {
        listen: vec![std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()],
        store: StoreSpec::Memory,
        ..gateway::Config::default()
    };
    let running = gateway::start(config).await.expect("a gateway");
    let client = Client {
        principal: Principal::local(),
        address: None,
        agent: None,
        locality: Locality::Here,
        toolset: Toolset::default(),
    };
    let outbox = Outbox::new(running.door().account(&client));
    let session = Session::new("", client, outbox);
    let mut calls = Calls::new(running.door().server.clone(), session.clone());
    let mut refused = 0;
    while calls.has_room() {
        calls.take(b"no message", None);
        refused += 1;
        assert!(refused < REFUSALS_MAX, "everything is taken");
    }
    // Once they are read, the client is heard again.
    let reader = session.outbox.attach();
    for seq in 0..refused as u64 {
        let said = soon("a refusal", async {
            loop {
                tokio::select! {
                    biased;
                    said = session.outbox.next(reader, seq) => return said,
                    () = calls.progress() => {}
                }
            }
        });
        assert!(said.await.is_some_and(|said| said.message.starts_with(b"{")));
    }
    soon("room", async {
        while !calls.has_room() {
            calls.progress().await;
        }
    })
    .await;
    running.stopper().pull();
    soon("the end", running.ended()).await.expect("a clean end");
}

#[tokio::test]
async fn an_array_is_no_object_whatever_is_in_it() {
    let gateway = Gateway::start().await;
    let meta = r#"["2026-07-28",{},"info","t"]"#;
    for body in [
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{meta}}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":[{meta}]}}"#),
    ] {
        let answer = gateway.post("/mcp", "application/json", body).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &Value::from(-32602)));
    }
    let batch = r#"[["2.0",1,"ping",{},null,null],{"jsonrpc":"2.0","id":2,"method":"ping"}]"#;
    let answers = gateway.post("/mcp", "application/json", batch).await.json();
    assert_eq!((&answers[0]["id"], &answers[0]["error"]["code"]), (&Value::Null, &Value::from(-32600)));
    assert_eq!(answers[1]["result"], serde_json::json!({}));
}
