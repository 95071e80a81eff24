//! Filters that differ share the bytes of the events that pass them all, and all rings together have a limit.

use serde_json::{Value, json};

use crate::bounds_unread::bytes_held;
use crate::support::gateway::Gateway;
use crate::support::reader::{Listen, Reader, Transport};
use crate::support::until;

/// The limit for all rings, and what sockets may hold of blocks that the rings have dropped.
const RINGS: u64 = (64 << 20) + (8 << 20);

async fn readers(gateway: &Gateway, transport: Transport, count: usize) -> Vec<Reader> {
    let mut readers = Vec::new();
    for number in 0..count {
        let types = vec!["base".to_owned(), format!("t{number}")];
        readers.push(gateway.open(transport, Listen { types, ..Listen::to(">") }).await);
    }
    readers
}

#[tokio::test]
async fn filters_that_differ_share_the_bytes_of_long_events() {
    for transport in [Transport::Sse1, Transport::Sse2, Transport::WebSocket] {
        let gateway = Gateway::start().await;
        let mut readers = readers(&gateway, transport, 60).await;
        // Two megabytes, with an event between that only one of the filters passes.
        for number in 0..20 {
            gateway
                .push_batch(vec![
                    json!({ "type": "base", "message": "x".repeat(100 * 1024) }),
                    json!({ "type": format!("t{number}"), "message": "mine" }),
                ])
                .await;
        }
        for (number, reader) in readers.iter_mut().enumerate() {
            let messages = reader.messages(if number < 20 { 21 } else { 20 }).await;
            assert_eq!(
                messages.iter().filter(|message| *message == "mine").count(),
                usize::from(number < 20)
            );
        }
        let held = bytes_held(&gateway, "rings").await;
        assert!(
            (2 << 20..6 << 20).contains(&held),
            "{transport:?}: {held} bytes for two megabytes of events"
        );
    }
}

#[tokio::test]
async fn rings_shrink_when_they_hold_too_much_together_and_nobody_misses_anything() {
    const FEEDS: usize = 40;
    let gateway = Gateway::start().await;
    let mut readers = readers(&gateway, Transport::Sse1, FEEDS).await;
    // Each filter passes other events, in blocks of its own.
    let mut most = 0;
    for _ in 0..8 {
        let mut events: Vec<Value> = Vec::new();
        for number in 0..FEEDS {
            events.extend((0..2).map(|_| json!({ "type": "base", "message": "x".repeat(4 * 1024) })));
            events.push(json!({ "type": format!("t{number}"), "message": "mine" }));
        }
        gateway.push_batch(events).await;
        for reader in &mut readers {
            let messages = reader.messages(2 * FEEDS + 1).await;
            assert_eq!(messages.iter().filter(|message| *message == "mine").count(), 1);
        }
        most = most.max(bytes_held(&gateway, "rings").await);
    }
    assert!((16 << 20..RINGS).contains(&most), "{most} bytes");
    drop(readers);
    gateway.clients(0).await;
    until("empty rings", async || (bytes_held(&gateway, "rings").await == 0).then_some(())).await;
}
