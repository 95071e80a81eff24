//! Unix sockets: everything works on them, and the gateway knows who connects.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::Command;

use crate::support::program::Program;
use crate::support::soon;

/// Sends a request, and returns what comes until the text `end` is in it, or the connection ends.
async fn request(stream: &mut UnixStream, request: &str, end: &str) -> String {
    soon("a write", stream.write_all(request.as_bytes())).await.expect("a write");
    let mut text = String::new();
    let mut some = vec![0; 16 * 1024];
    while !text.contains(end) {
        let len = soon("bytes", stream.read(&mut some)).await.expect("bytes");
        if len == 0 {
            break;
        }
        text.push_str(&String::from_utf8_lossy(&some[..len]));
    }
    text
}

async fn get(path: &Path, of: &str) -> String {
    let mut stream = UnixStream::connect(path).await.expect("a connection");
    request(&mut stream, &format!("GET {of} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"), "\0")
        .await
}

#[tokio::test]
async fn everything_works_at_a_unix_socket_and_it_is_not_left_behind() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("socket");
    let listen = format!("unix:{}", path.display());
    // A socket that was left behind.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let mut program = Program::serve(home.path(), &["--listen", &listen, "--store", "memory"]);
    let said = program.listening().await;
    assert_eq!(
        (&said["url"], &said["addresses"][0]),
        (&Value::from(listen.clone()), &Value::from(listen.clone()))
    );
    let found = std::fs::symlink_metadata(&path).expect("a file");
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o117, 0, "only its owner and group may connect");

    let mut stream = UnixStream::connect(&path).await.expect("a connection");
    let head = request(&mut stream, "GET /stream HTTP/1.1\r\nhost: localhost\r\n\r\n", "retry:").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let mut socket = UnixStream::connect(&path).await.expect("a connection");
    let upgraded = request(
        &mut socket,
        "GET /ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
        "\r\n\r\n",
    )
    .await;
    assert!(upgraded.starts_with("HTTP/1.1 101"), "{upgraded}");
    let mut http2 = UnixStream::connect(&path).await.expect("a connection");
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    soon("a write", http2.write_all(preface)).await.expect("a write");
    let mut settings = [0; 9];
    soon("settings", http2.read_exact(&mut settings)).await.expect("a frame");
    assert_eq!(settings[3], 4, "a SETTINGS frame");

    // The program's own commands connect there too.
    let pushed = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["push", "over a file", "--server", &listen, "-o", "json"])
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .output();
    let pushed = soon("the push", pushed).await.expect("an end");
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    assert!(request(&mut stream, "", "over a file").await.contains("over a file"));

    let clients = get(&path, "/api/clients").await;
    let me = format!("unix:uid={},gid={},pid={}", uid(), gid(), std::process::id());
    assert!(clients.contains(&me), "{clients}");
    let status = get(&path, "/api/status").await;
    assert!(status.contains(&format!("\"listen\":\"{listen}\"")), "{status}");

    // Another gateway does not take the path away from it.
    let mut other = Program::serve(home.path(), &["--listen", &listen, "--store", "memory"]);
    other.logs("cannot listen on").await;
    assert_eq!(other.ends().await.code(), Some(1));
    program.signal(Signal::TERM);
    assert!(request(&mut stream, "", "event: closing").await.contains("event: closing"));
    drop(socket);
    assert_eq!(program.ends().await.code(), Some(0));
    assert!(!path.exists(), "the socket was left behind");
}

fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

fn gid() -> u32 {
    rustix::process::getgid().as_raw()
}
