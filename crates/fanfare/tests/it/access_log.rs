//! The access log: one line for each request, whichever way it is answered.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::gateway::reqwest_client;
use crate::support::logged::Logged;
use crate::support::raw::Raw;
use crate::support::socket::Socket;

/// Returns the next line, which is that of a request.
async fn request(gateway: &mut Logged) -> Value {
    let line = gateway.line().await;
    assert_eq!((&line["target"], &line["level"]), (&json!("fanfare::access"), &json!("INFO")), "{line}");
    assert!(line["duration_us"].is_u64(), "{line}");
    assert!(line["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{line}");
    line
}

#[tokio::test]
async fn each_request_has_a_line_without_its_query() {
    let mut gateway = Logged::start(&["--access-log"]).await;
    for http2 in [false, true] {
        let http = reqwest_client(http2);
        let url = format!("{}/api/push/builds?wait=0s&key=a-secret", gateway.url);
        let answer = http.post(url).body("hello").send().await.expect("an answer");
        let len = answer.bytes().await.expect("a body").len();
        let line = request(&mut gateway).await;
        assert_eq!((&line["method"], &line["path"]), (&json!("POST"), &json!("/api/push/builds")));
        assert_eq!((&line["status"], &line["bytes"]), (&json!(200), &json!(len)), "{line}");
        assert_eq!(line["principal"], "local");
        assert_eq!(line["message"], "POST /api/push/builds 200");
        assert!(!line.to_string().contains("a-secret"), "{line}");

        // Refused before the caller is known.
        let foreign = http.get(format!("{}/health", gateway.url)).header("origin", "https://evil.example");
        assert_eq!(foreign.send().await.expect("an answer").status(), 403);
        let line = request(&mut gateway).await;
        assert_eq!((&line["status"], &line["principal"]), (&json!(403), &Value::Null), "{line}");

        assert_eq!(http.head(&gateway.url).send().await.expect("an answer").status(), 200);
        let line = request(&mut gateway).await;
        assert_eq!((&line["method"], &line["bytes"]), (&json!("HEAD"), &json!(0)), "{line}");
    }
}

#[tokio::test]
async fn a_path_is_cut_between_characters_and_shown_without_surprises() {
    let mut gateway = Logged::start(&["--access-log"]).await;
    // The cut after 1,024 bytes falls into a character.
    let long = format!("/{}", "é".repeat(1_000));
    for (path, shown) in [(&*long, &long[..1_023]), ("/a\u{202e}b\u{9b}1m", "/a\\u{202e}b\\u{9b}1m")] {
        let head = Raw::connect(gateway.address()).await.get(path, "connection: close\r\n").await;
        assert_eq!(head.status, 404);
        let line = request(&mut gateway).await;
        assert_eq!(line["message"], format!("GET {shown} 404"));
        assert!(path.starts_with(line["path"].as_str().expect("a path")), "{line}");
    }
}

#[tokio::test]
async fn a_stream_has_its_line_when_it_ends() {
    let mut gateway = Logged::start(&["--access-log"]).await;
    for http2 in [false, true] {
        let http = reqwest_client(http2);
        let stream = http.get(format!("{}/stream?channel=builds", gateway.url)).send().await;
        let mut stream = stream.expect("a stream");
        assert_eq!(stream.status(), 200);
        gateway.post("/api/push/builds", &json!({ "message": "hello" })).await;
        // The stream was first, and is not over.
        assert_eq!(request(&mut gateway).await["path"], "/api/push/builds");
        let mut len = 0;
        let mut text = String::new();
        while !text.contains("hello") {
            let piece = stream.chunk().await.expect("a piece").expect("more");
            len += piece.len();
            text.push_str(&String::from_utf8_lossy(&piece));
        }
        drop((stream, http));
        let line = request(&mut gateway).await;
        assert_eq!((&line["path"], &line["status"]), (&json!("/stream"), &json!(200)), "{line}");
        // In HTTP/1.1 with the lengths of its chunks.
        let sent = line["bytes"].as_u64().expect("a number") as usize;
        assert!((len..len + 100).contains(&sent), "{len} of {sent}");
    }
}

#[tokio::test]
async fn a_socket_has_its_line_when_it_closes() {
    let mut gateway = Logged::start(&["--access-log"]).await;
    let mut socket = Socket::open(gateway.address()).await;
    socket.say(&json!({ "op": "ping" })).await;
    let pong = socket.json().await.to_string();
    drop(socket);
    let line = request(&mut gateway).await;
    assert_eq!((&line["path"], &line["status"]), (&json!("/ws"), &json!(101)), "{line}");
    assert!(line["bytes"].as_u64().is_some_and(|bytes| bytes as usize >= pong.len()), "{line}");
}

#[tokio::test]
async fn without_the_setting_no_request_has_a_line() {
    let mut gateway = Logged::start(&[]).await;
    gateway.post("/api/push", &json!({ "message": "hello" })).await;
    drop(Raw::connect(gateway.address()).await);
    gateway.program.signal(Signal::TERM);
    assert_eq!(gateway.line().await["message"], "shutting down");
}
