//! Receivers with good, bad and obsolete TLS.

use std::time::{Duration, Instant};

use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::gateway::Gateway;
use crate::support::process::Process;
use crate::support::receiver::Receiver;
use crate::support::tls::{Authority, Front, Signed};
use crate::support::{Engine, soon};

/// Both that are spoken today.
const BOTH: &[&rustls::SupportedProtocolVersion] = &[&TLS12, &TLS13];
/// Additional time for a busy machine.
const SOON: Duration = Duration::from_secs(8);

/// Makes the gateway test a webhook at `url`; returns its account of the attempt.
async fn tested(process: &Process, url: &str) -> Value {
    let id = process.register_url(url, json!({ "retry": [], "channels": ["never"] })).await["id"].clone();
    let path = format!("/api/webhooks/{}/test", id.as_str().expect("an id"));
    process.post(&path, &json!({})).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_does_not_hold_is_a_failed_attempt() {
    // An earlier caller has installed the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().expect("a directory");
    let (authority, nobody) = (Authority::new(), Authority::new());
    let trusted = directory.path().join("authority.pem");
    std::fs::write(&trusted, &authority.pem).expect("written");
    let variables = [("SSL_CERT_FILE", trusted.to_str().expect("a path"))];
    let process = Process::with(&directory.path().join("log.db"), &[], &variables).await;
    let receiver = Receiver::start().await;
    let at = receiver.address;
    for (front, host, expected) in [
        (Front::start(at, authority.sign(&["localhost"]), BOTH).await, "localhost", "delivered"),
        (Front::start(at, authority.sign(&["127.0.0.1"]), BOTH).await, "127.0.0.1", "delivered"),
        (Front::start(at, authority.sign(&["localhost"]), &[&TLS12]).await, "localhost", "delivered"),
        (Front::start(at, authority.sign(&["localhost"]), &[&TLS13]).await, "localhost", "delivered"),
        // The server needs the name, and an IP address is not one.
        (Front::for_name(at, "localhost", authority.sign(&["localhost"])).await, "localhost", "delivered"),
        (Front::for_name(at, "localhost", authority.sign(&["localhost"])).await, "127.0.0.1", "tls_error"),
        (Front::start(at, authority.sign_until(&["localhost"], 2020), BOTH).await, "localhost", "tls_error"),
        (Front::start(at, authority.sign(&["other.example"]), BOTH).await, "localhost", "tls_error"),
        (Front::start(at, authority.sign(&["localhost"]), BOTH).await, "127.0.0.1", "tls_error"),
        (Front::start(at, Signed::by_itself(&["localhost"]), BOTH).await, "localhost", "tls_error"),
        (Front::start(at, nobody.sign(&["localhost"]), BOTH).await, "localhost", "tls_error"),
    ] {
        let before = receiver.got().len();
        let url = format!("https://{host}:{}/hook", front.address.port());
        let begun = Instant::now();
        let said = tested(&process, &url).await;
        assert_eq!(said["outcome"], expected, "{said}");
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        let has_come = receiver.got().len() - before;
        assert_eq!(has_come, usize::from(expected == "delivered"), "{said}");
        assert!(said["times"]["tls_us"].is_u64(), "{said}");
        assert_eq!(said["problem"].is_string(), expected != "delivered", "the attempt says why: {said}");
    }
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_signs_itself_is_trusted_where_it_is_named() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().expect("a directory");
    // As `openssl req -x509` makes them, and without the mark of an authority.
    let (of_machine, own) =
        (Signed::by_itself_as_authority(&["localhost"]), Signed::by_itself(&["localhost"]));
    let (trusted, own_pem) = (directory.path().join("machine.pem"), own.pem.clone());
    std::fs::write(&trusted, &of_machine.pem).expect("written");
    let machine_pem = of_machine.pem.clone();
    let variables = [("SSL_CERT_FILE", trusted.to_str().expect("a path"))];
    let process = Process::with(&directory.path().join("log.db"), &[], &variables).await;
    let receiver = Receiver::start().await;
    let fronts = [
        Front::start(receiver.address, of_machine, BOTH).await,
        Front::start(receiver.address, own, BOTH).await,
    ];
    let [of_machine, own] = fronts.each_ref().map(|front| front.address.port());
    for (host, port, options, expected) in [
        ("localhost", of_machine, json!({}), None),
        ("localhost", own, json!({}), Some("signed by")),
        // For the name that is in it, and no other.
        ("127.0.0.1", of_machine, json!({}), Some("another name")),
        ("localhost", own, json!({ "ca": own_pem }), None),
        ("localhost", of_machine, json!({ "ca": machine_pem }), None),
        ("localhost", of_machine, json!({ "ca": own_pem }), Some("signed by")),
        ("127.0.0.1", own, json!({ "insecure_skip_verify": true }), None),
    ] {
        let mut body = options.clone();
        body["webhook_url"] = json!(format!("https://{host}:{port}/hook"));
        let tried = process.post("/api/webhooks/test", &body).await.expect("an answer");
        match expected {
            None => assert_eq!(tried["outcome"], "delivered", "{options}: {tried}"),
            Some(problem) => {
                assert_eq!(tried["outcome"], "tls_error", "{options}: {tried}");
                assert!(tried["problem"].as_str().expect("a reason").contains(problem), "{options}: {tried}");
            }
        }
    }
    let both = json!({ "webhook_url": "https://localhost/", "ca": own_pem, "insecure_skip_verify": true });
    let refused = process.post("/api/webhooks/test", &both).await.expect("an answer");
    assert_eq!(
        (&refused["code"], &refused["at"]),
        (&json!("invalid_webhook"), &json!("/insecure_skip_verify"))
    );
    let insecure = json!({ "webhook_url": "https://localhost/", "insecure_skip_verify": true });
    let registered = process.post("/api/register", &insecure).await.expect("an answer");
    assert!(registered["warnings"][0].as_str().expect("a warning").contains("not verified"), "{registered}");
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_trusts_the_authorities_of_its_own_and_no_other() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().expect("a directory");
    let (of_machine, own, another) = (Authority::new(), Authority::new(), Authority::new());
    let trusted = directory.path().join("machine.pem");
    std::fs::write(&trusted, &of_machine.pem).expect("written");
    let variables = [("SSL_CERT_FILE", trusted.to_str().expect("a path"))];
    let process = Process::with(&directory.path().join("log.db"), &[], &variables).await;
    let receiver = Receiver::start().await;
    let fronts = [
        Front::start(receiver.address, of_machine.sign(&["localhost"]), BOTH).await,
        Front::start(receiver.address, own.sign(&["localhost"]), BOTH).await,
        Front::start(receiver.address, another.sign(&["localhost"]), &[&TLS12]).await,
    ];
    for (ca, expected) in [
        (Value::Null, ["delivered", "tls_error", "tls_error"]),
        (json!(own.pem), ["tls_error", "delivered", "tls_error"]),
        (json!(format!("{}{}", own.pem, another.pem)), ["tls_error", "delivered", "delivered"]),
    ] {
        for (front, expected) in fronts.iter().zip(expected) {
            let url = format!("https://localhost:{}/hook", front.address.port());
            let options = json!({ "webhook_url": url, "retry": [], "channels": ["never"], "ca": ca });
            // What is tried before it is registered is tried in the same way.
            let tried = process.post("/api/webhooks/test", &options).await.expect("an answer");
            assert_eq!(tried["outcome"], expected, "{tried}");
            let hook = process.post("/api/register", &options).await.expect("an answer");
            let path = format!("/api/webhooks/{}/test", hook["id"].as_str().expect("an id"));
            let said = process.post(&path, &json!({})).await.expect("an answer");
            assert_eq!(said["outcome"], expected, "{said}");
        }
    }
    process.kill().await;
}

#[tokio::test]
async fn a_connection_of_earlier_authorities_is_not_used_again() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (own, another) = (Authority::new(), Authority::new());
    let receiver = Receiver::start().await;
    let front = Front::start(receiver.address, own.sign(&["localhost"]), BOTH).await;
    for engine in [Engine::Memory, Engine::Embedded] {
        let gateway = Gateway::on(engine).await;
        let url = format!("https://localhost:{}/hook", front.address.port());
        let hook = gateway.register_url(&url, json!({ "retry": [], "ca": own.pem })).await;
        gateway.push("builds", "one").await;
        let path = format!("/api/webhooks/{}", hook.id);
        let change = async |ca: &Value| {
            let body = json!({ "ca": ca }).to_string();
            let answer = gateway.request("PATCH", &path, |request| request.body(body)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()
        };
        let changed = change(&json!(another.pem)).await;
        assert_eq!(changed["ca_fingerprints"].as_array().map(Vec::len), Some(1), "{changed}");
        gateway.push("builds", "two").await;
        assert_eq!(gateway.outcomes(&hook, 2).await, ["delivered", "tls_error"]);
        // A change of something else leaves the authorities as they are, also over a restart.
        change(&json!(own.pem)).await;
        let gateway = gateway.restart().await;
        if engine == Engine::Embedded {
            gateway.push("builds", "three").await;
            assert_eq!(gateway.outcomes(&hook, 1).await, ["delivered"]);
        }
    }
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_refused_and_not_repeated() {
    let gateway = Gateway::start().await;
    let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    for ca in [json!("ca.pem"), json!(""), json!(key), json!("x".repeat(20_000)), json!(["x"])] {
        let body = json!({ "webhook_url": "https://localhost/hook", "ca": ca });
        let problem = gateway.post_json("/api/register", &body).await.problem(422, "invalid_webhook");
        assert_eq!(problem["at"], "/ca", "{problem}");
        assert!(!problem.to_string().contains("c2VjcmV0"), "{problem}");
    }
}

/// A small image has no certificates; they matter only for https.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_certificates_everything_but_https_works() {
    let directory = tempfile::tempdir().expect("a directory");
    let nowhere = directory.path().join("none.pem");
    let variables = [("SSL_CERT_FILE", nowhere.to_str().expect("a path"))];
    let process = Process::with(&directory.path().join("log.db"), &[], &variables).await;
    let receiver = Receiver::start().await;
    let secure = Front::start(receiver.address, Authority::new().sign(&["localhost"]), BOTH).await;
    for (url, expected) in [
        (receiver.url(), "delivered"),
        (format!("https://localhost:{}/hook", secure.address.port()), "tls_error"),
    ] {
        let said = tested(&process, &url).await;
        assert_eq!(said["outcome"], expected, "{said}");
    }
    let shell = tokio::process::Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["push", "hello", "--server", &process.url])
        .envs(variables)
        .stdin(std::process::Stdio::null())
        .output();
    let said = soon("a push from the shell", shell).await.expect("it runs");
    assert!(said.status.success(), "{said:?}");
    process.kill().await;
}

#[tokio::test]
async fn an_agreement_that_does_not_come_about_is_a_failed_attempt() {
    const ATTEMPT_MAX: Duration = Duration::from_millis(700);
    let gateway = Gateway::with(Engine::Memory, |config| config.webhooks.attempt_max = ATTEMPT_MAX).await;
    // The answer to the first message, whether the connection ends then, and the expected outcome.
    let stalled: (&[u8], bool, _) = (b"", false, "timeout");
    let cases = [
        stalled,
        // The start of an answer, and no more.
        (b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", false, "timeout"),
        // An answer in TLS 1.0, which chooses an old cipher; and in SSL 3.0.
        (&OLD, false, "tls_error"),
        (&OLDER, false, "tls_error"),
        // Refusals: of the version, of everything.
        (b"\x15\x03\x01\x00\x02\x02\x46", true, "tls_error"),
        (b"\x15\x03\x03\x00\x02\x02\x28", true, "tls_error"),
        // No TLS at all, and no answer.
        (b"220 mail.example ESMTP\r\n", true, "tls_error"),
        (b"", true, "tls_error"),
    ];
    for (answer, ends, expected) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}/", listener.local_addr().expect("an address"));
        let hook = gateway.register_url(&url, json!({ "retry": [] })).await;
        gateway.push_only("default", "x").await;
        let (mut stream, _) = soon("a connection", listener.accept()).await.expect("a connection");
        let hello = stream.read(&mut [0; 4_096]).await.expect("a first message");
        assert!(hello > 0);
        stream.write_all(answer).await.expect("written");
        let kept = (!ends).then_some(stream);
        assert_eq!(gateway.outcomes(&hook, 1).await, [expected], "{answer:?}");
        let took = Duration::from_micros(gateway.recent(&hook)[0].times.total_us);
        assert!(took < ATTEMPT_MAX + SOON, "{took:?}");
        drop(kept);
        gateway.remove(&hook).await;
    }
}

/// The answer of a server from 1999: version 3.1, TLS_RSA_WITH_AES_128_CBC_SHA.
const OLD: [u8; 47] = hello([3, 1]);
/// And one of 1996.
const OLDER: [u8; 47] = hello([3, 0]);

/// Returns the first message of a server that chose a version.
const fn hello(version: [u8; 2]) -> [u8; 47] {
    let mut bytes = [7; 47];
    // A record with a handshake, 42 bytes long, which is a hello of 38.
    let head = [0x16, version[0], version[1], 0, 42, 2, 0, 0, 38, version[0], version[1]];
    let mut index = 0;
    while index < head.len() {
        bytes[index] = head[index];
        index += 1;
    }
    // 32 random bytes, no session, the cipher, no compression.
    let tail = [0, 0, 0x2f, 0];
    let mut index = 0;
    while index < tail.len() {
        bytes[43 + index] = tail[index];
        index += 1;
    }
    bytes
}
