//! How the command line prints text from others: without anything that controls the terminal, or that it does
//! not show.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::cli::{Gateway, Shell, json as read};
use crate::cli_install_said::at_a_terminal;
use crate::support::gateway::reqwest_client;
use crate::support::receiver::{Receiver, Script};

/// Clears the screen (C0, C1), renames the window, erases the last sign, and turns the direction of the text.
const HARMFUL: &str = "\u{1b}[2J\u{9b}2J\u{1b}]0;x\u{7}\u{7f}\u{8}\r\u{202e}\u{2066}";

/// A proxy in front of a gateway that adds what is harmful to one text of its answers.
#[derive(Clone)]
struct Twisting {
    http: reqwest::Client,
    gateway: String,
    /// The number of the text to change, and of those that came by.
    turn: Arc<Mutex<(usize, usize)>>,
}

impl Twisting {
    async fn start(gateway: &str) -> (Twisting, String, JoinSet<()>) {
        let turn = Arc::default();
        let twisting = Twisting { http: reqwest_client(false), gateway: gateway.to_owned(), turn };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = twisting.clone();
        let accept = async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let twisting = serving.clone();
                let service = service_fn(move |request| forward(twisting.clone(), request));
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        };
        let mut accepting = JoinSet::new();
        accepting.spawn(accept);
        (twisting, url, accepting)
    }

    fn twist(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let mut turn = self.turn.lock().expect("whole");
                if turn.0 == turn.1 {
                    text.push_str(HARMFUL);
                }
                turn.1 += 1;
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.twist(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.twist(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

async fn forward(
    twisting: Twisting,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let url = format!("{}{}", twisting.gateway, parts.uri.path_and_query().expect("a path"));
    let mut headers = parts.headers;
    headers.remove("host");
    let sent = twisting.http.request(parts.method, url).headers(headers).body(body).send();
    let answer = sent.await.expect("an answer");
    let mut response = Response::builder().status(answer.status());
    if let Some(kind) = answer.headers().get("content-type") {
        response = response.header("content-type", kind);
    }
    let bytes = answer.bytes().await.expect("a body");
    let body = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut value) => {
            twisting.twist(&mut value);
            serde_json::to_vec_pretty(&value).expect("JSON").into()
        }
        Err(_) => bytes,
    };
    Ok(response.body(Full::new(body)).expect("a response"))
}

fn is_harmful(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_gateway_says_it_does_not_command_the_terminal() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::playing(vec![], Script::Answer(500, String::new(), "no".to_owned())).await;
    let options = ["webhooks", "add", &receiver.url(), "--retry", "1h", "--description", "d", "-H", "X-A: b"];
    let added = gateway.json(&options).await;
    let id = added["id"].as_str().expect("an id");
    let event = gateway.push(&["hello", "-c", "builds"]).await;
    gateway.run(&["readers", "set", "laptop", "builds"]).await;
    let mut listening = gateway.shell.start(&["listen", "builds", "--since", "1h", "-o", "ndjson"]);
    listening.json().await;
    gateway.run(&["webhooks", "test", id]).await;
    let unknown = event.replace("-1", "-99");
    let commands = [
        &["doctor"][..],
        &["channels"],
        &["clients"],
        &["readers", "ls"],
        &["history"],
        &["webhooks", "ls"],
        &["webhooks", "show", id],
        &["webhooks", "attempts", id],
        &["webhooks", "test", id],
        &["deliveries", "ls"],
        &["deliveries", "show", &event],
        &["push", "hello"],
        &["channels", "rm", "nothing"],
        &["deliveries", "show", &unknown],
    ];
    join_all(commands.map(async |words| {
        let (twisting, url, _accepting) = Twisting::start(&gateway.url).await;
        let (mut number, mut has_shown) = (0, false);
        loop {
            *twisting.turn.lock().expect("whole") = (number, 0);
            let options = ["--server", &url, "--color", "never", "-o", "human"];
            let said = gateway.shell.run(&[words, &options].concat()).await;
            let text = format!("{}{}", said.out, said.err);
            assert!(!text.contains(is_harmful), "{words:?}, text {number}: {text:?}");
            has_shown |= text.contains('␛') || text.contains("\\u{1b}");
            number += 1;
            if number >= twisting.turn.lock().expect("whole").1 {
                break;
            }
        }
        assert!(number > 1 && has_shown, "{words:?}: of {number} texts, none was shown");
        // The proxy has laid the JSON out over several lines.
        *twisting.turn.lock().expect("whole") = (usize::MAX, 0);
        let said = gateway.shell.run(&[words, &["--server", &url, "-o", "json"]].concat()).await;
        assert!(said.out.lines().count() <= 1, "{words:?}: {said:?}");
    }))
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn json_escapes_what_a_terminal_would_not_show_and_stays_the_same_value() {
    let gateway = Gateway::start_in(Shell::new(), "127.0.0.1:0", "log.db").await;
    gateway.push(&[HARMFUL]).await;
    for words in [
        &["history", "-o", "json"][..],
        &["history", "-o", "ndjson"],
        &["log", "export", "--store", "log.db"],
    ] {
        let said = gateway.run(words).await;
        assert!(!said.out.contains(is_harmful), "{said:?}");
        assert!(said.out.contains("\\u009b2J") && said.out.contains("\\u202e\\u2066"), "{said:?}");
        let value = read(&said.out);
        let event = value["events"].get(0).unwrap_or(&value);
        assert_eq!(event["message"], json!(HARMFUL));
    }
    // Bare texts are as they were pushed.
    assert_eq!(gateway.run(&["history", "-o", "raw"]).await.out, format!("{HARMFUL}\n"));
    gateway.stop().await;
}

#[tokio::test]
async fn raw_texts_at_a_terminal_come_with_a_warning_once() {
    let gateway = Gateway::start().await;
    gateway.push(&["one"]).await;
    gateway.push(&["two"]).await;
    let shown = at_a_terminal(&gateway.shell, &["history", "-o", "raw"], "").await;
    assert_eq!(shown.matches("raw text can control your terminal").count(), 1, "{shown}");
    assert!(shown.ends_with("one\ntwo\n"), "{shown}");
    let piped = gateway.run(&["history", "-o", "raw"]).await;
    assert_eq!((piped.out.as_str(), piped.err.as_str()), ("one\ntwo\n", ""));
    gateway.stop().await;
}

#[tokio::test]
async fn a_command_that_run_starts_has_our_environment_with_its_secrets() {
    let mut shell = Shell::new();
    shell.set("FANFARE_URL", "http://127.0.0.1:1").set("FANFARE_TOKEN", "a-token");
    shell.set("FANFARE_WEBHOOK_SECRET", "a-secret").set("OTHER", "x");
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // A shell that starts another sets this one itself.
        lines.retain(|line| !line.starts_with("_="));
        lines.sort();
        lines
    };
    let mut direct = shell.command(&[]);
    let given: Vec<(String, String)> = direct
        .as_std_mut()
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
        .collect();
    let said = shell.run(&["run", "-q", "--", "env"]).await;
    let passed = lines(&said.out);
    for (name, value) in given {
        assert!(passed.contains(&format!("{name}={value}")), "{name} is missing in {passed:?}");
    }
    assert!(passed.contains(&"FANFARE_TOKEN=a-token".to_owned()), "{passed:?}");
}
