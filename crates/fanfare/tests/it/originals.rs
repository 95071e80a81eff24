//! Originals: what came in at `/ingest` can be read and sent on as it was, so that the sender's own signature still fits.

use fanfare_core::limits::ORIGINAL_LEN_MAX;
use fanfare_webhook::inbound::PlainSecret;
use ring::hmac;
use serde_json::{Value, json};

use crate::cli;
use crate::support::Engine;
use crate::support::answer::Answer;
use crate::support::gateway::{Gateway, reqwest_client};
use crate::support::receiver::{Got, Receiver};

/// The secret that GitHub and its receiver share.
const SECRET: &str = "it's a secret to everybody";

/// A body as no serializer would write it again.
pub(crate) const BODY: &str =
    "{\n  \"zen\":\"Non\\u002dblocking \u{2713}\",  \"hook_id\" : 1.50e1,\"zen\":\"twice\"\n}\r\n";

/// Returns the value of `X-Hub-Signature-256`, as GitHub computes it.
fn signature(body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body);
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

/// Sends a body to GitHub's address of the gateway at `url`, as GitHub does.
pub(crate) async fn send(url: &str, delivery: &str, body: &str) -> Value {
    let request = reqwest_client(false)
        .post(format!("{url}/ingest/github?channel=hooks.github&from=octo"))
        .header("x-github-event", "ping")
        .header("x-github-delivery", delivery)
        .header("x-hub-signature-256", signature(body.as_bytes()))
        .header("user-agent", "GitHub-Hookshot/044aadd")
        .header("authorization", "Basic c2VjcmV0")
        .header("cookie", "a=b")
        .header("content-type", "application/json; charset=utf-8");
    let answer = Answer::read(request.body(body.to_owned()).send().await.expect("an answer")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

pub(crate) fn configure(config: &mut fanfare::gateway::Config) {
    config.http.ingest.github = std::iter::once(PlainSecret::new(SECRET).expect("a secret")).collect();
}

/// Two alerts, in one request.
pub(crate) fn alerts() -> Value {
    let alert = |name: &str| json!({"status": "firing", "labels": {"alertname": name}, "annotations": {}, "startsAt": "2026-11-21T08:00:00Z"});
    json!({"version": "4", "groupKey": "{}", "status": "firing", "receiver": "x", "groupLabels": {}, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "", "alerts": [alert("DiskFull"), alert("Slow")]})
}

pub(crate) fn original(id: &Value) -> String {
    format!("/api/events/{}/original", id.as_str().expect("an id"))
}

/// Fails the test unless the event has no original for this reason.
async fn assert_none(gateway: &Gateway, id: &Value, reason: &str) {
    let problem = gateway.get(&original(id)).await.problem(404, "not_found");
    assert!(problem["detail"].as_str().expect("words").contains(reason), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_in_can_be_read_as_it_was() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::with(engine, configure).await;
        let id = send(&gateway.url(""), "one", BODY).await["id"].clone();
        assert_eq!(send(&gateway.url(""), "one", BODY).await["id"], id, "GitHub repeats itself");
        let event = gateway.get(&format!("/api/events/{}", id.as_str().expect("an id"))).await.json();
        assert_eq!(event["original"], json!({"event": id}));
        if let Engine::Embedded = engine {
            gateway = gateway.restart_with(configure).await;
        }
        let answer = gateway.get(&original(&id)).await;
        assert_eq!(answer.header("content-type"), "message/http");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("content-disposition").starts_with("attachment"));
        let text = answer.text();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert_eq!(body, BODY);
        let (line, headers) = head.split_once("\r\n").expect("a line");
        assert_eq!(line, "POST /ingest/github?from=octo HTTP/1.1");
        let mut names: Vec<_> =
            headers.lines().map(|header| header.split_once(": ").expect("a colon").0).collect();
        names.sort_unstable();
        let expected = [
            "accept",
            "content-length",
            "content-type",
            "user-agent",
            "x-github-delivery",
            "x-github-event",
            "x-hub-signature-256",
        ];
        assert_eq!(names, expected);
        assert!(headers.contains(&format!("x-hub-signature-256: {}", signature(body.as_bytes()))));
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_without_an_original_says_why() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, configure).await;
        let pushed = json!(gateway.push("a", "pushed").await);
        assert_none(&gateway, &pushed, "no request to `/ingest` brought it").await;
        let long = format!("{{\"zen\":\"{}\"}}", "x".repeat(ORIGINAL_LEN_MAX));
        let long = send(&gateway.url(""), "long", &long).await["id"].clone();
        let event = gateway.get(&format!("/api/events/{}", long.as_str().expect("an id"))).await.json();
        assert_eq!(event["original"], json!({"too_long": true}));
        assert_none(&gateway, &long, "too long").await;

        // Both events of a request have it, until one of them is redacted.
        let ids = gateway.post_json("/ingest/alertmanager", &alerts()).await.json()["ids"].clone();
        for id in [&ids[0], &ids[1]] {
            let text = gateway.get(&original(id)).await.text();
            assert!(text.ends_with(&format!("\r\n\r\n{}", alerts())), "{text}");
        }
        let redact = format!("/api/events/{}", ids[1].as_str().expect("an id"));
        let answer = gateway.request("DELETE", &redact, |request| request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_none(&gateway, &ids[0], "is gone").await;
        assert_ne!(gateway.get(&original(&ids[1])).await.status, 200);
        assert_eq!(gateway.get("/api/events/nonsense/original").await.status, 404);
        gateway.stop().await;
    }
}

/// Starts the program with GitHub's secret, and its log at `store`.
async fn program(store: &str) -> cli::Gateway {
    let mut shell = cli::Shell::new();
    shell.set("FANFARE_INGEST_SECRET_GITHUB", SECRET);
    cli::Gateway::start_in(shell, "127.0.0.1:0", store).await
}

/// Fails the test unless GitHub's receiver would accept the request.
pub(crate) fn assert_is_githubs(got: &Got, body: &str) {
    assert_eq!(String::from_utf8_lossy(&got.body), body);
    assert_eq!(got.header("x-hub-signature-256"), signature(&got.body));
    assert_eq!((got.header("x-github-event"), got.method.as_str()), ("ping", "POST"));
    assert_eq!(got.header("user-agent"), "GitHub-Hookshot/044aadd");
    assert_eq!(got.header("content-type"), "application/json; charset=utf-8");
    assert_eq!((got.header("authorization"), got.header("cookie")), ("", ""));
    assert_eq!(got.headers.iter().filter(|(name, _)| name == "host").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_receiver_verifies_what_was_forwarded_as_received() {
    for store in ["memory", "log.db"] {
        let gateway = program(store).await;
        send(&gateway.url, "one", BODY).await;
        gateway.push(&["pushed"]).await;
        let two = serde_json::to_string(&alerts()).expect("text");
        let request = reqwest_client(false).post(format!("{}/ingest/alertmanager", gateway.url));
        let answer = request.header("content-type", "application/json").body(two.clone()).send().await;
        assert_eq!(answer.expect("an answer").status(), 200);
        send(&gateway.url, "two", "{}").await;

        let receiver = Receiver::start().await;
        let url = receiver.url_of("/hook?own=1");
        let words = ["listen", "--since", "earliest", "--forward-to", &url, "--as-received", "-n", "5"];
        let said = gateway.run(&words).await;
        assert_eq!(said.code, 0, "{said:?}");
        let got = receiver.got();
        assert_eq!(got.len(), 4, "two alerts came with one request");
        assert_is_githubs(&got[0], BODY);
        assert_eq!(got[0].path, "/hook?own=1&from=octo");
        assert_eq!(got[1].message(), "pushed");
        assert_eq!(got[2].json(), alerts());
        assert_is_githubs(&got[3], "{}");
        assert!(!got[3].header("fanfare-via").is_empty(), "so that the gateway would not take it again");
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_signature_is_added_unless_the_sender_has_one_of_the_same_name() {
    const OURS: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut gateway = program("memory").await;
    gateway.shell.set("HOOK", OURS);
    send(&gateway.url, "one", BODY).await;
    let request = reqwest_client(false).post(format!("{}/ingest/generic", gateway.url));
    let theirs = request.header("webhook-id", "msg_1").header("webhook-signature", "v1,dGhlaXJz");
    assert_eq!(theirs.body("{}").send().await.expect("an answer").status(), 200);
    let receiver = Receiver::start().await;
    let url = receiver.url();
    let words = ["listen", "--since", "earliest", "--forward-to", &url, "--as-received", "-n", "2"];
    let said = gateway.run(&[&words[..], &["--secret", "env:HOOK"]].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    let got = receiver.got();
    assert_is_githubs(&got[0], BODY);
    got[0].assert_signed(OURS);
    let named = |name: &str| -> Vec<&str> {
        let all = got[1].headers.iter();
        all.filter(|(header, _)| header == name).map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!((named("webhook-id"), named("webhook-signature")), (vec!["msg_1"], vec!["v1,dGhlaXJz"]));
    assert_eq!(named("webhook-timestamp"), [""; 0]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_a_port_to_forward_to() {
    let gateway = program("memory").await;
    let receiver = Receiver::start().await;
    let port = receiver.address.port().to_string();
    send(&gateway.url, "one", BODY).await;
    gateway.push(&["-c", "other", "not for it"]).await;
    let said = gateway.run(&["listen", &port, "hooks.*", "--since", "earliest", "--once"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let got = receiver.got();
    assert_is_githubs(&got[0], BODY);
    assert_eq!((got.len(), got[0].path.as_str()), (1, "/?from=octo"));
    // Where it is said what to do with events, a number is a channel.
    gateway.push(&["-c", "3000", "on a channel"]).await;
    let words =
        ["listen", "3000", "--since", "earliest", "--once", "--exec", "printf %s \"$FANFARE_MESSAGE\""];
    let said = gateway.run(&words).await;
    assert_eq!((said.code, said.out.as_str()), (0, "on a channel"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_takes_originals_to_another_log() {
    let gateway = program("log.db").await;
    send(&gateway.url, "one", BODY).await;
    let shell = gateway.stop().await;
    let exported = shell.run(&["log", "export", "--store", "log.db"]).await;
    assert_eq!(exported.code, 0, "{exported:?}");
    let imported = shell.run_with(&["log", "import", "--store", "new.db"], &exported.out).await;
    assert_eq!(imported.code, 0, "{imported:?}");
    let gateway = cli::Gateway::start_in(shell, "127.0.0.1:0", "new.db").await;
    let receiver = Receiver::start().await;
    let url = receiver.url();
    let words = ["listen", "--since", "earliest", "--forward-to", &url, "--as-received", "--once"];
    let said = gateway.run(&words).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_is_githubs(&receiver.got()[0], BODY);
    gateway.stop().await;
}
