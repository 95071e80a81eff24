//! Subscribers that are behind and do not read: what was read for them is dropped and read again, and the events that
//! they get are whole.

use std::time::Duration;

use serde_json::json;

use crate::bounds_unread::bytes_held;
use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::reader::{Listen, Transport};

/// What pages may hold for one caller: its share, and those that are being read and written.
const PAGES: u64 = (64 << 20) + (32 << 20);
/// Subscribers whose pages would have twice that.
const READERS: usize = 60;
const EVENTS: usize = 64;

/// Returns the message of an event: 200 KiB that are not those of any other.
fn message(number: usize) -> String {
    format!("{number}-").repeat(200 * 1024 / 8)
}

#[tokio::test]
async fn subscribers_that_do_not_read_hold_a_share_of_pages_and_miss_nothing() {
    for transport in Transport::ALL {
        let gateway = Gateway::with(Engine::Memory, |config| {
            config.http.stall_timeout = Duration::from_secs(600);
        })
        .await;
        for number in (0..EVENTS).step_by(8) {
            let batch = (number..number + 8).map(|number| json!({"message": message(number)})).collect();
            gateway.push_batch(batch).await;
        }
        let (mut readers, mut most) = (Vec::new(), 0);
        for _ in 0..READERS {
            readers.push(gateway.open(transport, Listen::earliest(">")).await);
            most = most.max(bytes_held(&gateway, "pages").await);
        }
        assert!((1..PAGES).contains(&most), "{transport:?}: {most} bytes in pages");
        // The rest of an event that was sent in part comes from the log.
        for reader in readers.iter_mut().step_by(READERS / 2) {
            for number in 0..EVENTS {
                let event = reader.event().await;
                let is_right = event["message"] == message(number);
                assert!(is_right, "{transport:?}: event {number} is another");
            }
        }
        assert!(bytes_held(&gateway, "pages").await < PAGES, "{transport:?}");
    }
}
