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
    }
    process.kill().await;
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
