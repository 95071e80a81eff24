//! Webhooks that are sent through a proxy.

use std::net::SocketAddr;

use rustls::version::TLS13;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::cli::Shell;
use crate::support::gateway::Gateway;
use crate::support::receiver::Receiver;
use crate::support::tls::{Authority, Front};
use crate::support::{Engine, soon};

/// A proxy that answers each `CONNECT` with `answer` and, if that is a 200, leads to `behind`.
struct Tunnels {
    address: SocketAddr,
    heads: mpsc::UnboundedReceiver<String>,
    task: JoinHandle<()>,
}

impl Tunnels {
    async fn start(behind: SocketAddr, answer: &'static str) -> Tunnels {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (said, heads) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut passing = tokio::task::JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let said = said.clone();
                passing.spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    said.send(String::from_utf8(head).expect("ASCII")).expect("somebody listens");
                    stream.write_all(answer.as_bytes()).await.expect("written");
                    if answer.starts_with("HTTP/1.1 200") {
                        let mut receiver = TcpStream::connect(behind).await.expect("a receiver");
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut receiver).await;
                    }
                });
            }
        });
        Tunnels { address, heads, task }
    }
}

impl Drop for Tunnels {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn behind(proxy: SocketAddr) -> Gateway {
    let proxy = format!("http://ann:s3cret@{proxy}").parse().expect("a proxy");
    Gateway::with(Engine::Memory, |config| config.webhooks.policy.proxy = Some(proxy)).await
}

#[tokio::test]
async fn a_proxy_is_asked_for_what_is_not_on_this_machine() {
    let proxy = Receiver::start().await;
    let gateway = behind(proxy.address).await;
    let tried = json!({ "webhook_url": "http://receiver.example:8080/hook?a=1" });
    let trial = gateway.post_json("/api/webhooks/test", &tried).await.json();
    assert_eq!(trial["outcome"], "delivered", "{trial}");
    let got = proxy.next().await;
    assert_eq!(got.path, "http://receiver.example:8080/hook?a=1");
    assert_eq!(got.header("host"), "receiver.example:8080");
    // `ann:s3cret`.
    assert_eq!(got.header("proxy-authorization"), "Basic YW5uOnMzY3JldA==");

    let here = Receiver::start().await;
    let trial = gateway.post_json("/api/webhooks/test", &json!({ "webhook_url": here.url() })).await.json();
    assert_eq!(trial["outcome"], "delivered", "{trial}");
    let got = here.next().await;
    assert_eq!((&*got.path, got.header("proxy-authorization")), ("/hook", ""));

    // What the rules refuse is refused before the proxy is asked.
    let metadata = json!({ "webhook_url": "http://169.254.169.254/" });
    gateway.post_json("/api/webhooks/test", &metadata).await.problem(422, "target_refused");
    assert_eq!(proxy.count(), 1);
}

/// The rules are those of the caller: a gateway in local mode is strict with others too.
#[tokio::test]
async fn a_caller_from_elsewhere_cannot_use_the_proxy_to_reach_names() {
    let proxy = Receiver::start().await;
    let gateway = behind(proxy.address).await;
    let named = json!({ "webhook_url": "https://intranet.example/hook" });
    let from_elsewhere = async |method: &str, path: &str, body: &Value| {
        gateway.request(method, path, |request| request.header("x-real-ip", "203.0.113.7").json(body)).await
    };
    for path in ["/api/webhooks", "/api/register", "/api/webhooks/test"] {
        let refused = from_elsewhere("POST", path, &named).await.problem(422, "target_refused");
        assert!(refused["fix"].as_str().expect("a fix").contains("--allow-target"), "{refused}");
        assert!(!refused.to_string().contains(&proxy.address.to_string()), "{refused}");
    }
    let hook = gateway.register_url("https://intranet.example/hook", json!({})).await;
    let path = format!("/api/webhooks/{}", hook.id);
    from_elsewhere("PATCH", &path, &json!({ "ordered": true })).await.problem(422, "target_refused");
    from_elsewhere("POST", &format!("{path}/test"), &json!({})).await.problem(422, "target_refused");
    assert_eq!(proxy.count(), 0);
}

#[tokio::test]
async fn https_leads_through_a_tunnel_and_a_refusal_is_told() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = Authority::new();
    let receiver = Receiver::start().await;
    let front = Front::start(receiver.address, authority.sign(&["receiver.example"]), &[&TLS13]).await;
    let tried = json!({ "webhook_url": "https://receiver.example/hook", "ca": authority.pem });
    for (answer, outcome, problem) in [
        ("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", "delivered", None),
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "connection_refused", Some("credentials")),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "connection_refused", Some("not allow")),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "connection_refused", Some("cannot reach")),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "protocol_error", Some("not speak HTTP")),
    ] {
        let mut proxy = Tunnels::start(front.address, answer).await;
        let gateway = behind(proxy.address).await;
        let trial = gateway.post_json("/api/webhooks/test", &tried).await.json();
        assert_eq!(trial["outcome"], outcome, "{trial}");
        match problem {
            None => assert_eq!(trial.get("problem"), None),
            Some(part) => assert!(trial["problem"].as_str().expect("a reason").contains(part), "{trial}"),
        }
        let head = soon("a request", proxy.heads.recv()).await.expect("a request");
        assert!(head.starts_with("CONNECT receiver.example:443 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("Proxy-Authorization: Basic YW5uOnMzY3JldA==\r\n"), "{head}");
    }
    assert_eq!(receiver.next().await.header("proxy-authorization"), "");
}

#[tokio::test]
async fn a_locked_gateway_takes_only_a_proxy_that_its_operator_names() {
    let shell = Shell::new();
    let serve = ["serve", "--store", "memory", "--listen", "127.0.0.1:0", "--webhook-mode", "locked"];
    let refused =
        shell.run(&[&serve[..], &["--webhook-proxy", "http://u:s3cret@proxy.example:3128"]].concat()).await;
    assert!(refused.code == 2 && refused.err.contains("--allow-target proxy.example"), "{refused:?}");
    assert!(!refused.err.contains("s3cret"), "{refused:?}");
    let named =
        ["--webhook-proxy", "http://proxy.example:3128", "--allow-target", "proxy.example", "-o", "json"];
    let mut running = shell.start(&[&serve[..], &named].concat());
    assert!(running.json().await["url"].is_string());
    running.signal(rustix::process::Signal::TERM);
    running.end().await;
    let wrong =
        shell.run(&["serve", "--store", "memory", "--webhook-proxy", "socks5://u:s3cret@proxy:1080"]).await;
    assert!(wrong.code == 2 && wrong.err.contains("http://") && !wrong.err.contains("s3cret"), "{wrong:?}");
}
