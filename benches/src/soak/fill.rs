//! Fills the log and its caches before the load, so that both have their final size when memory is measured.

use std::{
    net::{Ipv4Addr, SocketAddr},
    thread,
};

use anyhow::{Result, anyhow, ensure};
use serde_json::{Value, json};

use super::pushers::{push_patiently, size};
use crate::{client::Client, rng::Rng, wire::message::numbered};

/// Number of events in one batch.
const BATCH_LEN: u64 = 250;
/// Callers that search at once: more than the store has connections for reading. One that is rarely needed would
/// otherwise fill its cache of eight megabytes over many minutes.
const SEARCHERS: u8 = 8;
/// Searches of each, so that they overlap for most of the time.
const SEARCHES: usize = 5;

/// Pushes `count` events, and reads all of them on every connection of the store.
pub(super) fn fill(server: SocketAddr, count: u64, rng: &mut Rng) -> Result<()> {
    let mut client = Client::connect(server)?;
    for first in (0..count).step_by(BATCH_LEN as usize) {
        let numbers = first..count.min(first + BATCH_LEN);
        let event = |number| json!({ "channel": "fill", "message": numbered(number, size(rng)) });
        push_patiently(&mut client, &Value::Array(numbers.map(event).collect()).to_string())?;
    }
    thread::scope(|scope| {
        let searchers: Vec<_> =
            (1..=SEARCHERS).map(|caller| scope.spawn(move || search(server, caller))).collect();
        searchers
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| anyhow!("a search panicked"))?)
    })
}

/// Looks for a text that no event has, so that all are read. Each caller has an address of its own: one alone may not read
/// on all connections.
fn search(server: SocketAddr, caller: u8) -> Result<()> {
    let source = Ipv4Addr::new(127, 0, 1, caller);
    for _ in 0..SEARCHES {
        let response = Client::connect_from(source, server)?.get("/api/events?channel=fill&text=nowhere")?;
        let text = String::from_utf8_lossy(&response.body);
        ensure!(response.status == 200, "a search was answered {} {text}", response.status);
    }
    Ok(())
}
