//! Stalled streams on connections that carry several: HTTP/2.
//!
//! A stream whose window is full is not asked for more, so it cannot notice by itself that its client stopped reading.
//! The connection checks its streams instead, at each beat.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::net::heartbeat::Beats;
use fanfare_hub::client::Client;

/// The streams of one connection.
#[derive(Debug)]
pub struct Stalls {
    limit: Duration,
    /// Guards the list; held to add one or to check all.
    streams: Mutex<Vec<Watched>>,
}

#[derive(Debug)]
struct Watched {
    client: Weak<Client>,
    /// The position at its last progress.
    seq: u64,
    since: Instant,
}

impl Stalls {
    /// Creates a watch that allows streams to make no progress for `limit`.
    pub fn new(limit: Duration) -> Stalls {
        Stalls { limit, streams: Mutex::new(Vec::new()) }
    }

    /// Adds a stream to the watch.
    pub fn watch(&self, client: &Arc<Client>) {
        let watched = Watched { client: Arc::downgrade(client), seq: client.seq(), since: Instant::now() };
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
    }

    /// Waits until a stream has made no progress for the limit although events were waiting. It is detected at the next
    /// beat.
    pub async fn found(&self, beats: &mut Beats) {
        loop {
            beats.next().await;
            if self.look(Instant::now()) {
                return;
            }
        }
    }

    fn look(&self, now: Instant) -> bool {
        let mut found = false;
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|watched| {
            let Some(client) = watched.client.upgrade() else { return false };
            // One that was disconnected has only its last frame to take.
            let has_nothing_to_take = !client.is_behind() && !client.is_dismissed();
            if has_nothing_to_take || client.seq() != watched.seq {
                (watched.seq, watched.since) = (client.seq(), now);
            }
            found |= now.duration_since(watched.since) >= self.limit;
            true
        });
        found
    }
}
