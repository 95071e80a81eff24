//! Messages on WebSockets that are never finished count in their sender's share.

use tokio::io::AsyncReadExt;

use crate::bounds_unread::bytes_held;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::until;

/// The share of one caller.
const SHARE: u64 = 128 * 1024 * 1024;
/// The largest message on `/mcp`, and on `/ws`.
const SIZES: [(&str, usize, usize); 2] = [("/mcp", 4 * 1024 * 1024, 30), ("/ws", 1024 * 1024, 80)];

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
    for (path, len, count) in SIZES {
        let gateway = Gateway::start().await;
        let (mut open_sockets, mut closed) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let mut raw = open(&gateway, path).await;
            let mut frame = frame_head(len);
            // All but the last byte of the message.
            frame.resize(frame.len() + len - 1, b' ');
            let (mut read, mut write) = raw.stream.split();
            // The gateway may close the connection while it is sent.
            let sent = tokio::io::AsyncWriteExt::write_all(&mut write, &frame);
            let mut reason = vec![0; 256];
            tokio::select! {
                _ = sent => {}
                Ok(len @ 1..) = read.read(&mut reason) => closed.push(reason[..len].to_vec()),
            }
            open_sockets.push(raw);
        }
        let closed = until("a refusal", async || {
            for raw in &mut open_sockets {
                let mut frame = [0; 256];
                if let Ok(len @ 1..) = raw.stream.try_read(&mut frame) {
                    closed.push(frame[..len].to_vec());
                }
            }
            closed.first().cloned()
        })
        .await;
        // Close, 1013 (RFC 6455, section 7.4.1, and the registry).
        assert_eq!((closed[0], &closed[2..4]), (0x88, &1013_u16.to_be_bytes()[..]), "{closed:?}");
        let held = bytes_held(&gateway, "callers").await;
        assert!((SHARE / 2..=SHARE).contains(&held), "{held} bytes are held");
        // What is short has room beside them.
        assert_eq!(gateway.post("/api/push/a", "text/plain", "x").await.status, 200);
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert_eq!(gateway.post("/mcp", "application/json", ping).await.status, 200);
        drop(open_sockets);
        until("an empty budget", async || (bytes_held(&gateway, "callers").await == 0).then_some(())).await;
    }
}
