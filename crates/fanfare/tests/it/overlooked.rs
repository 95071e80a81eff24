//! `X.>` does not select `X`: those who listen are told, if `X` has events.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cli;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::socket::Socket;
use crate::support::tools::Era;

const COMMENT: &str = ": `a.b.>` does not select `a.b`, which has events; add channel=a.b\n";

/// Returns what a stream says of itself: its header, and its first bytes.
async fn stream(gateway: &Gateway, query: &str, headers: &str) -> (String, String) {
    let mut raw = Raw::connect(gateway.address).await;
    let head = raw.get(&format!("/stream?{query}"), headers).await;
    assert_eq!(head.status, 200);
    let said = head.header("fanfare-overlooked").to_owned();
    let first = raw.chunk().await.expect("the first bytes");
    (said, String::from_utf8(first).expect("text"))
}

#[tokio::test]
async fn a_stream_names_the_channels_that_its_patterns_just_miss() {
    let gateway = Gateway::start().await;
    // Nobody is told of a channel without events.
    let (header, first) = stream(&gateway, "channel=a.b.%3E", "").await;
    assert!(header.is_empty() && !first.contains("does not select"), "{header} {first}");
    gateway.push("a.b", "x").await;
    gateway.push("c", "x").await;
    for headers in ["", "sec-fetch-mode: cors\r\n"] {
        let (header, first) = stream(&gateway, "channel=a.b.%3E&channel=c.%3E", headers).await;
        assert_eq!(header, "a.b, c");
        assert!(first.contains(COMMENT), "{first}");
        // A comment ends no block: some clients would report an event without data.
        assert!(first.split(COMMENT).all(|part| !part.starts_with('\n')), "{first}");
    }
    for query in
        ["channel=a.b&channel=a.b.%3E", "channel=a.*&channel=a.b.%3E", "channel=a.%3E", "channel=a.*", ""]
    {
        let (header, first) = stream(&gateway, query, "").await;
        assert!(header.is_empty() && !first.contains("does not select"), "{query}: {header} {first}");
    }
    // Of many, it names a few.
    let mut query = String::new();
    for index in 0..20 {
        gateway.push(&format!("n{index}"), "x").await;
        query.push_str(&format!("&channel=n{index}.%3E"));
    }
    let (header, _) = stream(&gateway, &query, "").await;
    assert_eq!(header.split(", ").count(), 8, "{header}");
}

#[tokio::test]
async fn a_socket_and_an_agent_are_told_too() {
    let gateway = Gateway::start().await;
    gateway.push("a.b", "x").await;
    let mut socket = Socket::open(gateway.address).await;
    let told = socket.ask(json!({ "op": "subscribe", "channels": ["a.b.>"] })).await;
    assert_eq!(told["overlooked"], json!(["a.b"]));
    let told = socket.ask(json!({ "op": "subscribe", "channels": ["a.b", "a.b.>"] })).await;
    assert_eq!(told.get("overlooked"), None::<&Value>);

    let sentence = "`a.b.>` does not select `a.b`, which has events; add it to \"channels\"";
    for (channels, is_told) in [(json!(["a.b.>"]), true), (json!(["a.b", "a.b.>"]), false)] {
        let arguments = json!({ "channels": channels, "wait": "1s" });
        let told = gateway.tool(Era::Modern, "wait_for", arguments).await;
        assert_eq!(told.text.contains(sentence), is_told, "{}", told.text);
        assert_eq!(told.member("note").contains(sentence), is_told, "the half that models of some hosts see");
    }
}

#[tokio::test]
async fn the_command_line_says_what_its_pattern_just_misses() {
    let gateway = cli::Gateway::start().await;
    gateway.push(&["-c", "builds", "x"]).await;
    let mut listener = gateway.shell.start(&["listen", "builds.>", "-o", "json", "--once"]);
    let connected = listener.json().await;
    let wanted = (&"connected".into(), &json!(["builds"]));
    assert_eq!((&connected["notice"], &connected["overlooked"]), wanted);
    gateway.push(&["-c", "builds.web", "y"]).await;
    assert_eq!(listener.end().await.code, 0);

    let mut listener = gateway.shell.start(&["listen", "builds.>", "--since", "1h", "--wait"]);
    listener.err("fanfare listen builds 'builds.>'").await;
    listener.signal(Signal::INT);
    listener.end().await;
    gateway.stop().await;
}
