//! Messages on WebSockets that are never finished count in their sender's share.

use std::io::ErrorKind;

use tokio::io::AsyncWriteExt;

use crate::bounds_unread::bytes_held;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::{soon, until};

/// The share of one caller.
const SHARE: u64 = 128 * 1024 * 1024;
/// What a caller may take of it for large things.
const LARGE: usize = (SHARE / 4 * 3) as usize;
/// The bytes of a message that are not counted; the others count twice.
const FREE: usize = 16 * 1024;
/// The largest message on `/mcp` and on `/ws`, and how many messages that are almost as large use up the share.
const SIZES: [(&str, usize, usize); 2] = [("/mcp", 4 * 1024 * 1024, 13), ("/ws", 1024 * 1024, 49)];
/// Sockets over the share.
const MORE: usize = 3;

/// Opens a WebSocket by hand.
async fn open(gateway: &Gateway, path: &str) -> Raw {
    let mut raw = Raw::connect(gateway.address).await;
    let headers = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(raw.get(path, headers).await.status, 101);
    raw
}

/// Writes the head of a text frame, masked with zeroes.
fn frame_head(len: usize) -> Vec<u8> {
    let mut head = vec![0x81, 0x80 | 127];
    head.extend_from_slice(&(len as u64).to_be_bytes());
    head.extend_from_slice(&[0; 4]);
    head
}

#[tokio::test]
async fn unfinished_messages_are_counted_and_those_over_the_share_refused() {
    for (path, len, fit) in SIZES {
        let gateway = Gateway::start().await;
        let mut sockets = Vec::new();
        for _ in 0..fit + MORE {
            let mut raw = open(&gateway, path).await;
            let mut frame = frame_head(len);
            // A message that lacks its end.
            frame.resize(LARGE / fit / 2 + FREE, b' ');
            // The gateway may close the connection while it is sent.
            let _ = soon("a write", raw.stream.write_all(&frame)).await;
            sockets.push(raw);
        }
        let mut refused = 0;
        until("refusals", async || {
            sockets.retain(|raw| {
                let mut frame = [0; 256];
                match raw.stream.try_read(&mut frame) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                    // Close, 1013 (RFC 6455, section 7.4.1, and the registry).
                    read => assert!(
                        read.is_ok() && frame[0] == 0x88 && frame[2..4] == 1013_u16.to_be_bytes(),
                        "{path}: {read:?} {frame:?}"
                    ),
                }
                refused += 1;
                false
            });
            (refused >= MORE).then_some(())
        })
        .await;
        let held = bytes_held(&gateway, "callers").await;
        assert!((SHARE / 2..=SHARE).contains(&held), "{held} bytes are held");
        // What is short has room beside them.
        assert_eq!(gateway.post("/api/push/a", "text/plain", "x").await.status, 200);
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert_eq!(gateway.post("/mcp", "application/json", ping).await.status, 200);
        drop(sockets);
        until("an empty budget", async || (bytes_held(&gateway, "callers").await == 0).then_some(())).await;
    }
}
