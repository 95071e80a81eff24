//! `fanfare listen` with a scripted gateway, for responses that a real one cannot be made to send.

use serde_json::json as object;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::cli::{Shell, json};
use crate::support::soon;

/// A gateway whose responses the test chooses.
struct Puppet {
    listener: TcpListener,
    url: String,
}

impl Puppet {
    async fn new() -> Puppet {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        Puppet { listener, url }
    }

    /// Responds to one request, closes the connection, and returns the head of the request.
    async fn answer(&self, status: &str, content_type: &str, body: &str) -> String {
        let (mut socket, _) = soon("a caller", self.listener.accept()).await.expect("a caller");
        let head = head(&mut socket).await;
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n{body}");
        socket.write_all(answer.as_bytes()).await.expect("sent");
        head
    }

    async fn status(&self) -> String {
        let status = object!({
            "name": "fanfare", "version": "0.1.0", "store": "memory", "epoch": "k3f9x2ab", "first": "k3f9x2ab-1",
            "last": "k3f9x2ab-4", "uptime_seconds": 1, "stream_clients": 0, "total_webhooks": 0,
            "webhooks": { "paused": 0, "failing": 0, "held": 0, "waiting": 0, "failed": 0 },
            "listen": "127.0.0.1:8000", "listeners": ["127.0.0.1:8000"],
        });
        self.answer("200 OK", "application/json", &status.to_string()).await
    }

    async fn stream(&self, frames: &str) -> String {
        self.answer("200 OK", "text/event-stream", frames).await
    }
}

async fn head(socket: &mut TcpStream) -> String {
    let mut head = String::new();
    while !head.contains("\r\n\r\n") {
        let mut part = [0; 4096];
        let read = socket.read(&mut part).await.expect("a request");
        assert!(read > 0, "the request ends in its head");
        head.push_str(std::str::from_utf8(&part[..read]).expect("UTF-8"));
    }
    head
}

fn event(seq: u64, message: &str) -> String {
    format!(
        "id: k3f9x2ab-{seq}\ndata: {{\"id\":\"k3f9x2ab-{seq}\",\"channel\":\"a\",\"type\":\"info\",\"message\":\"{message}\",\
         \"priority\":\"default\",\"timestamp\":\"2026-11-21T08:00:00.000000+00:00\",\
         \"source\":{{\"principal\":\"local\",\"door\":\"http\"}},\"audience\":\"all\",\"later\":true}}\n\n"
    )
}

const QUICKLY: &str = "retry: 100\n: fanfare\n\n";

#[tokio::test]
async fn each_connection_continues_after_the_last_event() {
    let puppet = Puppet::new().await;
    let shell = Shell::new();
    let words = [
        "listen",
        "a.*",
        "b",
        "-t",
        "error",
        "--min-priority",
        "high",
        "--conflate",
        "-o",
        "raw",
        "-n",
        "3",
        "--server",
        &puppet.url,
    ];
    let gateway = async {
        assert!(puppet.status().await.starts_with("GET /api/status "));
        let first = puppet.stream(&format!("{QUICKLY}{}{}", event(5, "five"), event(6, "six"))).await;
        let second = puppet.stream(&format!("{QUICKLY}id: k3f9x2ab-8\n\n")).await;
        // An event that was printed before is not printed again, even if a gateway repeats it.
        let third = puppet.stream(&format!("{QUICKLY}{}{}", event(6, "six"), event(9, "nine"))).await;
        [first, second, third]
    };
    let (said, heads) = tokio::join!(shell.run(&words), gateway);
    assert_eq!((said.code, said.out.as_str()), (0, "five\nsix\nnine\n"), "{said:?}");
    for (head, after) in heads.iter().zip(["k3f9x2ab-4", "k3f9x2ab-6", "k3f9x2ab-8"]) {
        let request = head.lines().next().expect("a request line");
        assert_eq!(
            request,
            "GET /stream?format=json&channel=a.*&channel=b&type=error&min_priority=high&conflate=1&keepalive=30s HTTP/1.1"
        );
        assert!(head.contains(&format!("last-event-id: {after}\r\n")), "{head}");
    }
}

#[tokio::test]
async fn people_read_notices_on_stderr() {
    let puppet = Puppet::new().await;
    let shell = Shell::new();
    let gap = "id: k3f9x2ab-499\nevent: gap\ndata: {\"after\":\"k3f9x2ab-4\",\"next\":\"k3f9x2ab-500\",\"missed\":495}\n\n";
    let reset =
        "id: n3w00000-7\nevent: reset\ndata: {\"reason\":\"another_epoch\",\"position\":\"n3w00000-7\"}\n\n";
    let closing = "event: closing\ndata: {\"reason\":\"shutdown\",\"retry_ms\":100}\n\n";
    let unknown = "event: of-the-future\ndata: {\"x\":1}\n\n";
    for (flags, json_lines) in [(&["-n", "2"][..], false), (&["-n", "2", "-o", "json"], true)] {
        let words: Vec<&str> = ["listen", "--server", &puppet.url].iter().chain(flags).copied().collect();
        let gateway = async {
            puppet.status().await;
            puppet.stream(&format!("{QUICKLY}{gap}{unknown}{}{closing}", event(500, "kept"))).await;
            puppet
                .stream(&format!("{QUICKLY}{reset}{}", event(8, "new").replace("k3f9x2ab", "n3w00000")))
                .await;
        };
        let (said, ()) = tokio::join!(shell.run(&words), gateway);
        assert_eq!(said.code, 0, "{said:?}");
        if json_lines {
            assert_eq!(said.err, "");
            let shapes: Vec<String> = said
                .out
                .lines()
                .map(|line| json(line)["notice"].as_str().unwrap_or("event").to_owned())
                .collect();
            let wanted =
                ["connected", "gap", "event", "closing", "disconnected", "connected", "reset", "event"];
            assert_eq!(shapes, wanted);
        } else {
            assert_eq!(said.out.lines().count(), 2, "{said:?}");
            let words = said.err.replace(char::is_numeric, "N").replace("NN", "N").replace("NN", "N");
            insta::assert_snapshot!(words, @r#"
    ! retention already removed up to N events between kNfNxNab-N and kNfNxNab-N
    ! the gateway has stopped; retrying in N ms
    ✓ reconnected, continuing after kNfNxNab-N
    ! the gateway has a different log now, so you may have missed events
      continuing live after nNwNN-N; for earlier events, run fanfare history
    "#);
        }
    }
}

/// A time in the past would be a later one at the next connection, so what came before it would be missed.
#[tokio::test]
async fn a_stream_that_began_at_a_time_continues_from_its_position() {
    let puppet = Puppet::new().await;
    let shell = Shell::new();
    let words = ["listen", "--since", "10m", "-o", "raw", "-n", "1", "--server", &puppet.url];
    let gateway = async {
        let content_type = "text/event-stream\r\nfanfare-position: k3f9x2ab-4";
        let first = puppet.answer("200 OK", content_type, QUICKLY).await;
        let second = puppet.stream(&format!("{QUICKLY}{}", event(5, "five"))).await;
        [first, second]
    };
    let (said, [first, second]) = tokio::join!(shell.run(&words), gateway);
    assert_eq!((said.code, said.out.as_str()), (0, "five\n"), "{said:?}");
    assert!(
        first.starts_with("GET /stream?format=json&since=10m&keepalive=30s ")
            && !first.contains("last-event-id"),
        "{first}"
    );
    assert!(
        second.starts_with("GET /stream?format=json&keepalive=30s ")
            && second.contains("last-event-id: k3f9x2ab-4\r\n"),
        "{second}"
    );
}

#[tokio::test]
async fn a_refusal_is_final() {
    let puppet = Puppet::new().await;
    let shell = Shell::new();
    let words = ["listen", "--since", "1h", "--wait", "--server", &puppet.url];
    let problem = r#"{"type":"about:blank","title":"Unauthorized","status":401,"code":"unauthorized","detail":"nobody knows you"}"#;
    let gateway = puppet.answer("401 Unauthorized", "application/problem+json", problem);
    let (said, head) = tokio::join!(shell.run(&words), gateway);
    assert!(head.starts_with("GET /stream?format=json&since=1h&keepalive=30s "), "{head}");
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(
        said.err,
        "error: nobody knows you\n  fix: pass a token with --token-file FILE or FANFARE_TOKEN\n"
    );
}

#[tokio::test]
async fn the_token_is_sent_to_the_gateway_and_never_shown() {
    let puppet = Puppet::new().await;
    let mut shell = Shell::new();
    shell.set("FANFARE_TOKEN", "of-the-environment");
    shell.write("token", "of-the-file\n");
    for (flags, token) in [(&[][..], "of-the-environment"), (&["--token-file", "token"], "of-the-file")] {
        let words: Vec<&str> =
            ["channels", "-vv", "--server", &puppet.url].iter().chain(flags).copied().collect();
        let gateway = puppet.answer("200 OK", "application/json", r#"{"channels":[],"total":0}"#);
        let (said, head) = tokio::join!(shell.run(&words), gateway);
        assert!(head.contains(&format!("authorization: Bearer {token}\r\n")), "{head}");
        assert!(!said.err.contains(token) && !said.out.contains(token), "{said:?}");
    }
    shell.write("token", "two\ntokens\n");
    let said = shell.run(&["channels", "--token-file", "token", "--server", &puppet.url]).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(!said.err.contains("tokens"), "{said:?}");
}

#[tokio::test]
async fn a_gateway_cannot_draw_on_the_terminal() {
    let puppet = Puppet::new().await;
    let shell = Shell::new();
    let problem =
        r#"{"status":400,"code":"invalid_query","detail":"\u001b[2Jgone","fix":"\u001b]0;x\u0007"}"#;
    let gateway = puppet.answer("400 Bad Request", "application/problem+json", problem);
    let words = ["push", "x", "--server", &puppet.url];
    let (said, _) = tokio::join!(shell.run(&words), gateway);
    assert_eq!((said.code, said.err.as_str()), (5, "error: ␛[2Jgone\n  fix: ␛]0;x␇\n"));
}

#[tokio::test]
async fn what_a_gateway_says_of_the_stream_is_whole_and_cannot_change_the_terminal() {
    let puppet = Puppet::new().await;
    let frames = [
        (
            "reader-filter",
            r#"{"channels":["a\u001b[2J"],"types":["b\u001b[2J"],"min_priority":"c\u001b[2J","text":"d\u001b[2J"}"#,
        ),
        ("gap", r#"{"after":"e\u001b[2J","next":"f\u001b[2J","missed":2,"reason":"g\u001b[2J"}"#),
        ("reset", r#"{"reason":"h\u001b[2J","position":"i\u001b[2J"}"#),
    ];
    let frames = frames.map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).concat();
    let gateway = async {
        // The first filter is answered by setting the reader, if there is one; the second is shown.
        for _ in 0..2 {
            puppet.stream(&format!("{QUICKLY}{frames}{}", event(1, "x"))).await;
        }
    };
    let shell = Shell::new();
    let words = ["--server", &puppet.url, "listen", "--since", "1h", "--once"];
    let (listened, ()) = tokio::join!(shell.run(&words), gateway);
    let said = listened.err;
    assert!(!said.contains('\u{1b}'), "{said:?}");
    for expected in [
        "the reader has its own filter: a␛[2J · of type b␛[2J · priority c␛[2J or higher · containing \"d␛[2J\"",
        "up to 2 events between e␛[2J and f␛[2J are gone (g␛[2J)",
        "h␛[2J\n  continuing live after i␛[2J;",
    ] {
        assert!(said.contains(expected), "{said}");
    }
}
