//! Pushers of events of all sizes, one for each channel, whose messages are numbered.

use std::{
    sync::atomic::Ordering,
    thread::{Scope, ScopedJoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::Soak;
use crate::{client::Client, kill::load::Acknowledged, pause::pause, rng::Rng, wire::message::numbered};

/// The channels; the last one gets batches. The webhooks of the cast use these names.
pub(super) const CHANNELS: [&str; 4] = ["kill.0", "kill.1", "kill.2", "kill.batch.0"];
const PAUSE_MS_MAX: u64 = 20;
const BATCH_LEN_MAX: u64 = 8;
/// Pause after a pusher is told to retry later.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Maximum number of such pauses: half a minute.
const BUSY_MAX: usize = 1_500;

pub(super) fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    soak: &'scope Soak,
    rng: &mut Rng,
) -> Vec<ScopedJoinHandle<'scope, ()>> {
    let pushers = CHANNELS.into_iter().enumerate();
    let pushers = pushers.map(|(pusher, channel)| {
        let mut rng = rng.fork();
        let len_max = if pusher + 1 == CHANNELS.len() { BATCH_LEN_MAX } else { 1 };
        scope.spawn(move || {
            if let Err(error) = push(soak, channel, len_max, &mut rng) {
                soak.load.complain(format!("pusher of {channel}: {error:#}"));
            }
        })
    });
    pushers.collect()
}

fn push(soak: &Soak, channel: &str, len_max: u64, rng: &mut Rng) -> Result<()> {
    let mut client = Client::connect(soak.server())?;
    let mut number = 1;
    while !soak.is_over() {
        let numbers = number..=number + rng.below(len_max);
        number = numbers.end() + 1;
        let messages: Vec<_> = numbers.map(|number| numbered(number, size(rng))).collect();
        let events = messages.iter().map(|message| json!({ "channel": channel, "message": message }));
        let body = Value::Array(events.collect()).to_string();
        let answer = push_patiently(&mut client, &body)?;
        let ids = answer["ids"].as_array().context("a push without ids")?;
        ensure!(ids.len() == messages.len(), "{} events have {} ids", messages.len(), ids.len());
        let ids = ids.iter().filter_map(Value::as_str);
        // The channel instead of the message: the messages of ten minutes would fill this process's memory.
        soak.load.acknowledge(ids.map(|id| Acknowledged { id: id.to_owned(), message: channel.to_owned() }));
        soak.pushed_bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        pause(Duration::from_millis(rng.below(PAUSE_MS_MAX + 1)));
    }
    Ok(())
}

/// Pushes until the gateway has room for it.
pub(super) fn push_patiently(client: &mut Client, body: &str) -> Result<Value> {
    for _ in 0..BUSY_MAX {
        let response = client.post("/api/push?wait=0s", body)?;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        if !matches!(response.status, 429 | 503) {
            ensure!(response.status == 200, "a push was answered {} {text}", response.status);
            return Ok(serde_json::from_str(&text)?);
        }
        pause(BUSY_PAUSE);
    }
    bail!("a push was told to come back {BUSY_MAX} times")
}

/// Mostly short, some long, few very long: 9 KB on average, so that the ring of a feed is full after 200 events.
pub(super) fn size(rng: &mut Rng) -> usize {
    let (least, range) = match rng.below(1_000) {
        0..=9 => (100_000, 160_000),
        10..=159 => (16_000, 48_000),
        160..=459 => (1_000, 7_000),
        _ => (100, 400),
    };
    least + rng.below(range) as usize
}
