//! The revision in which a request over HTTP is read and answered: a table of requests, and the demands of each era.

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::rpc;
use crate::support::rpc::initialize;

const MODERN: &str = "2026-07-28";
const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// Methods that came to an end with the legacy revisions.
const LEGACY_METHODS: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
/// A session that no one started.
const NO_SESSION: (&str, &str) = ("mcp-session-id", "0123456789abcdef0123456789abcdef");

/// The outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    /// A status and an error.
    Error(u16, i64),
    /// A result of the legacy revisions.
    Legacy,
    /// A result of the modern revision.
    Modern,
    /// No content: 202.
    Nothing,
}

impl Comes {
    fn of(answer: &Answer) -> Comes {
        if answer.status == 202 {
            assert!(answer.body.is_empty());
            return Comes::Nothing;
        }
        let message = answer.json();
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        if let Some(code) = message["error"]["code"].as_i64() {
            return Comes::Error(answer.status, code);
        }
        assert_eq!(answer.status, 200, "{message}");
        let result = &message["result"];
        if result["resultType"] == Value::Null {
            for modern in ["_meta", "cacheScope", "ttlMs"] {
                assert_eq!(
                    result[modern],
                    Value::Null,
                    "`{modern}` is no word of a legacy result: {message}"
                );
            }
            return Comes::Legacy;
        }
        assert_eq!(result["resultType"], "complete", "{message}");
        let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!((&server["name"], server["version"].is_string()), (&json!("fanfare"), true), "{message}");
        assert_eq!(answer.header("mcp-session-id"), "", "the modern revision has no sessions");
        Comes::Modern
    }
}

type Headers<'a> = Vec<(&'a str, &'a str)>;

async fn post(gateway: &Gateway, headers: &[(&str, &str)], body: &Value) -> Answer {
    gateway.post_mcp("/mcp", headers, body.to_string()).await
}

/// Returns the metadata of a request of the modern revision.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

fn request(method: &str, params: Value) -> Value {
    rpc::request(7, method, params)
}

/// Returns a request of the modern revision, with `params` in addition to its `_meta`.
fn modern(method: &str, mut params: Value) -> Value {
    params["_meta"] = meta();
    request(method, params)
}

/// Returns a modern request with one member of `_meta` changed.
fn with_meta(key: &str, value: Value) -> Value {
    let mut meta = meta();
    meta[format!("io.modelcontextprotocol/{key}")] = value;
    request("tools/list", json!({ "_meta": meta }))
}

/// Returns a modern request without one member of `_meta`.
fn without_meta(key: &str) -> Value {
    let mut meta = meta();
    meta.as_object_mut().expect("an object").shift_remove(&format!("io.modelcontextprotocol/{key}"));
    request("tools/list", json!({ "_meta": meta }))
}

/// Returns the headers that repeat `method`.
fn repeating(method: &str) -> Headers<'_> {
    vec![("mcp-protocol-version", MODERN), ("mcp-method", method)]
}

fn and<'a>(mut headers: Headers<'a>, more: &[(&'a str, &'a str)]) -> Headers<'a> {
    headers.extend_from_slice(more);
    headers
}

async fn begin(gateway: &Gateway) -> String {
    let answer = post(gateway, &[], &initialize("2025-11-25")).await;
    assert_eq!(Comes::of(&answer), Comes::Legacy);
    answer.header("mcp-session-id").to_owned()
}

async fn check(gateway: &Gateway, rows: Vec<(Headers<'_>, Value, Comes)>) {
    for (headers, body, comes) in rows {
        let answer = post(gateway, &headers, &body).await;
        assert_eq!(Comes::of(&answer), comes, "{headers:?} {body} → {} {}", answer.status, answer.text());
        let is_request = body["method"].is_string() && body["id"] != Value::Null;
        assert!(!is_request || answer.json()["id"] == body["id"], "{headers:?} {body} → {}", answer.text());
    }
}

#[tokio::test]
async fn a_request_that_says_everything_of_itself_is_modern() {
    let gateway = Gateway::start().await;
    let session = begin(&gateway).await;
    let list = || modern("tools/list", json!({}));
    let headers = || repeating("tools/list");
    let mut rows = vec![
        (headers(), list(), Comes::Modern),
        (repeating("server/discover"), modern("server/discover", json!({})), Comes::Modern),
        // It has no use for session headers.
        (and(headers(), &[NO_SESSION]), list(), Comes::Modern),
        (and(headers(), &[("mcp-session-id", &session)]), list(), Comes::Modern),
        (and(headers(), &[("last-event-id", "1-1")]), list(), Comes::Modern),
        (repeating("no/such"), modern("no/such", json!({})), Comes::Error(404, -32601)),
        // It must name both, and correctly.
        (headers(), without_meta("protocolVersion"), Comes::Error(400, -32602)),
        (headers(), without_meta("clientCapabilities"), Comes::Error(400, -32602)),
        (vec![], without_meta("clientCapabilities"), Comes::Error(400, -32602)),
        (headers(), with_meta("protocolVersion", json!(5)), Comes::Error(400, -32602)),
        (headers(), with_meta("clientCapabilities", json!([])), Comes::Error(400, -32602)),
        (headers(), with_meta("clientCapabilities", Value::Null), Comes::Error(400, -32602)),
        (headers(), with_meta("logLevel", json!("loud")), Comes::Error(400, -32602)),
        (headers(), with_meta("logLevel", json!("debug")), Comes::Modern),
        (headers(), with_meta("clientInfo", json!({ "name": "x", "version": "1" })), Comes::Modern),
        (headers(), request("tools/list", json!({})), Comes::Error(400, -32602)),
        (
            and(headers(), &[("mcp-session-id", &session)]),
            request("ping", json!({})),
            Comes::Error(400, -32602),
        ),
        // There are neither batches nor answers of clients.
        (headers(), json!([list()]), Comes::Error(400, -32600)),
        (headers(), json!({ "jsonrpc": "2.0", "id": 7, "result": {} }), Comes::Error(400, -32600)),
        (headers(), json!({ "jsonrpc": "2.0", "method": "notifications/x" }), Comes::Nothing),
    ];
    for method in LEGACY_METHODS {
        rows.push((repeating(method), modern(method, json!({ "uri": "x" })), Comes::Error(404, -32601)));
    }
    check(&gateway, rows).await;
}

#[tokio::test]
async fn headers_must_say_what_a_modern_body_says() {
    let gateway = Gateway::start().await;
    let list = || modern("tools/list", json!({}));
    let call = || modern("tools/call", json!({ "name": "push_stream", "arguments": { "message": "hi" } }));
    let named = |name: &'static str| and(repeating("tools/call"), &[("mcp-name", name)]);
    let mismatch = Comes::Error(400, -32020);
    let unserved = Comes::Error(400, -32022);
    check(
        &gateway,
        vec![
            (vec![], list(), mismatch),
            (vec![("mcp-protocol-version", MODERN)], list(), mismatch),
            (vec![("mcp-method", "tools/list")], list(), mismatch),
            (repeating("tools/call"), list(), mismatch),
            (repeating("Tools/List"), list(), mismatch),
            (repeating("=?base64?dG9vbHMvbGlzdA==?="), list(), mismatch),
            (and(repeating("tools/list"), &[("mcp-method", "tools/list")]), list(), mismatch),
            (vec![("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/list")], list(), mismatch),
            (repeating("tools/call"), call(), mismatch),
            (named("push_webhook"), call(), mismatch),
            (named("Push_Stream"), call(), mismatch),
            (named("=?base64?!?="), call(), mismatch),
            (named("=?BASE64?cHVzaF9zdHJlYW0=?="), call(), mismatch),
            (named("push_stream"), call(), Comes::Modern),
            (named("  push_stream "), call(), Comes::Modern),
            (named("=?base64?cHVzaF9zdHJlYW0=?="), call(), Comes::Modern),
            // A missing header is reported before a mismatch, and a mismatch before an unsupported revision.
            (repeating("tools/call"), without_meta("clientCapabilities"), Comes::Error(400, -32602)),
            (repeating("tools/list"), with_meta("protocolVersion", json!("2099-01-01")), mismatch),
            (
                vec![("mcp-protocol-version", "2099-01-01"), ("mcp-method", "tools/list")],
                with_meta("protocolVersion", json!("2099-01-01")),
                unserved,
            ),
            (
                vec![("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/list")],
                with_meta("protocolVersion", json!("2025-11-25")),
                unserved,
            ),
        ],
    )
    .await;
    let headers = [("mcp-protocol-version", "2099-01-01"), ("mcp-method", "tools/list")];
    let refused = post(&gateway, &headers, &with_meta("protocolVersion", json!("2099-01-01"))).await.json();
    let data = &refused["error"]["data"];
    assert_eq!(data["requested"], "2099-01-01");
    let discover =
        post(&gateway, &repeating("server/discover"), &modern("server/discover", json!({}))).await.json();
    assert_eq!(data["supported"], discover["result"]["supportedVersions"]);
    assert_eq!(data["supported"][0], MODERN);
}

#[tokio::test]
async fn everything_else_is_legacy() {
    let gateway = Gateway::start().await;
    let session = begin(&gateway).await;
    let list = || request("tools/list", json!({}));
    let in_session = || vec![("mcp-session-id", session.as_str())];
    let mut rows = vec![
        (vec![], list(), Comes::Legacy),
        (in_session(), list(), Comes::Legacy),
        (in_session(), request("ping", json!({})), Comes::Legacy),
        (in_session(), request("logging/setLevel", json!({ "level": "error" })), Comes::Legacy),
        (in_session(), request("logging/setLevel", json!({ "level": "loud" })), Comes::Error(200, -32602)),
        (vec![NO_SESSION], list(), Comes::Error(404, 404)),
        (vec![NO_SESSION], initialize("2025-11-25"), Comes::Error(404, 404)),
        (vec![("mcp-protocol-version", "2099-01-01")], list(), Comes::Error(400, -32022)),
        (and(in_session(), &[("mcp-protocol-version", "2099-01-01")]), list(), Comes::Error(400, -32022)),
        (vec![], request("tools/list", json!({ "_meta": { "progressToken": 5 } })), Comes::Legacy),
        // Methods of the modern revision are unknown here.
        (vec![], request("server/discover", json!({})), Comes::Error(200, -32601)),
        (in_session(), request("subscriptions/listen", json!({})), Comes::Error(200, -32601)),
        // A method that requires a session reports that.
        (vec![], request("resources/subscribe", json!({ "uri": "x" })), Comes::Error(200, -32600)),
        (vec![], initialize("2024-11-05"), Comes::Legacy),
        (vec![], request("initialize", json!({})), Comes::Error(400, -32602)),
        (in_session(), json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }), Comes::Nothing),
    ];
    for version in LEGACY {
        rows.push((vec![("mcp-protocol-version", version)], list(), Comes::Legacy));
        rows.push((and(in_session(), &[("mcp-protocol-version", version)]), list(), Comes::Legacy));
    }
    check(&gateway, rows).await;
    let by_itself = post(&gateway, &[], &list()).await;
    assert_eq!(by_itself.header("mcp-session-id"), "", "no session began");
    let wanted = post(&gateway, &[], &initialize(MODERN)).await.json();
    assert_eq!(wanted["result"]["protocolVersion"], LEGACY[0], "{wanted}");
}

#[tokio::test]
async fn what_must_come_alone_is_refused_in_a_batch() {
    let gateway = Gateway::start().await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let batch = json!([modern("tools/list", json!({})), initialize("2025-03-26"), ping]);
    let answers = post(&gateway, &[("mcp-protocol-version", "2025-03-26")], &batch).await;
    let codes: Vec<_> = (0..3).map(|at| answers.json()[at]["error"]["code"].clone()).collect();
    assert_eq!(codes, [json!(-32600), json!(-32600), Value::Null], "{}", answers.text());
    assert_eq!(answers.header("mcp-session-id"), "");
}

#[tokio::test]
async fn streams_and_ends_belong_to_sessions() {
    let gateway = Gateway::start().await;
    let session = begin(&gateway).await;
    for (method, session, status) in [
        ("GET", None, 405),
        ("GET", Some(NO_SESSION.1), 404),
        ("DELETE", None, 400),
        ("DELETE", Some(NO_SESSION.1), 404),
        ("DELETE", Some(&*session), 204),
        ("DELETE", Some(&*session), 404),
        ("GET", Some(&*session), 404),
    ] {
        for version in [MODERN, LEGACY[0]] {
            if status == 204 && version == MODERN {
                continue;
            }
            let answer = gateway
                .request(method, "/mcp", |request| {
                    let request = request.header("accept", "text/event-stream");
                    let request = request.header("mcp-protocol-version", version);
                    session.iter().fold(request, |request, id| request.header("mcp-session-id", *id))
                })
                .await;
            assert_eq!(answer.status, status, "{method} {session:?} {version}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn modern_lists_say_how_long_they_may_be_kept_and_legacy_ones_do_not() {
    let gateway = Gateway::start().await;
    for method in
        ["server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"]
    {
        let answer = post(&gateway, &repeating(method), &modern(method, json!({}))).await;
        assert_eq!(Comes::of(&answer), Comes::Modern, "{method}");
        let result = &answer.json()["result"];
        assert!(result["ttlMs"].is_u64(), "{method}: {result}");
        assert!(
            ["public", "private"].contains(&result["cacheScope"].as_str().unwrap_or_default()),
            "{method}"
        );
        if method != "server/discover" {
            let legacy = post(&gateway, &[], &request(method, json!({}))).await;
            assert_eq!(Comes::of(&legacy), Comes::Legacy, "{method}");
        }
    }
    for method in ["tools/list", "prompts/list", "resources/templates/list"] {
        let made_up = request(method, json!({ "cursor": "made up" }));
        assert_eq!(Comes::of(&post(&gateway, &[], &made_up).await), Comes::Error(200, -32602), "{method}");
    }
    let uri = json!({ "uri": "fanfare://no/such" });
    let headers = and(repeating("resources/read"), &[("mcp-name", "fanfare://no/such")]);
    let refused = post(&gateway, &headers, &modern("resources/read", uri.clone())).await;
    assert_eq!(Comes::of(&refused), Comes::Error(200, -32602));
    assert_eq!(refused.json()["error"]["data"]["uri"], uri["uri"]);
    let refused = post(&gateway, &[], &request("resources/read", uri)).await;
    assert_eq!(Comes::of(&refused), Comes::Error(200, -32002));
}

#[tokio::test]
async fn what_can_only_be_one_thing_is_not_sent_as_another() {
    let gateway = Gateway::start().await;
    let headers = and(repeating("subscriptions/listen"), &[("accept", "application/json")]);
    let listen = modern("subscriptions/listen", json!({ "notifications": {} }));
    assert_eq!(Comes::of(&post(&gateway, &headers, &listen).await), Comes::Error(400, -32600));
    let begun = post(&gateway, &[("accept", "text/event-stream")], &initialize(LEGACY[0])).await;
    assert_eq!(begun.header("content-type"), "text/event-stream");
    assert_ne!(begun.header("mcp-session-id"), "");
    assert!(
        begun.text().starts_with("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":0,"),
        "{}",
        begun.text()
    );
}

#[tokio::test]
async fn a_subscription_is_acknowledged_first_and_torn_down_last() {
    for id in [json!(7), json!("seven")] {
        let gateway = Gateway::start().await;
        let mut body = modern("subscriptions/listen", json!({ "notifications": {} }));
        body["id"] = id.clone();
        let body = body.to_string();
        let mut raw = Raw::connect(gateway.address).await;
        raw.send(format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             mcp-protocol-version: {MODERN}\r\nmcp-method: subscriptions/listen\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
        let head = raw.head().await;
        assert_eq!(head.header("content-type"), "text/event-stream");
        assert_eq!(head.header("x-accel-buffering"), "no");
        let mut text = String::from_utf8(raw.chunk().await.expect("an event")).expect("text");
        gateway.begin_stop();
        while let Some(chunk) = raw.chunk().await {
            text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
        assert!(!text.contains("id: "), "streams of this revision cannot be resumed: {text}");
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let messages: Vec<Value> = data.map(|data| serde_json::from_str(data).expect("JSON")).collect();
        let methods: Vec<_> = messages.iter().map(|message| message["method"].as_str()).collect();
        let wanted =
            [Some("notifications/subscriptions/acknowledged"), Some("notifications/cancelled"), None];
        assert_eq!(methods, wanted, "{text}");
        for message in &messages {
            let inner = if message["params"].is_object() { &message["params"] } else { &message["result"] };
            assert_eq!(inner["_meta"]["io.modelcontextprotocol/subscriptionId"], id, "{message}");
        }
        assert_eq!(messages[1]["params"]["requestId"], id);
        assert_eq!((&messages[2]["id"], &messages[2]["result"]["resultType"]), (&id, &json!("complete")));
    }
}
