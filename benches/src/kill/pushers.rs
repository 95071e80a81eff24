//! Persistent pushers: single events with an idempotency key, and batches without.

use std::{sync::atomic::Ordering, thread::Scope, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::load::{Acknowledged, Load};
use crate::{client::Client, pause::pause, rng::Rng, wire::response::Response};

const SINGLE: usize = 3;
const BATCH: usize = 2;
const BATCH_LEN_MAX: u64 = 20;
/// Between two tries to connect to a server that is not there.
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, load: &'scope Load, rng: &mut Rng) {
    for pusher in 0..SINGLE {
        let rng = rng.fork();
        scope.spawn(move || single(pusher, load, rng));
    }
    for pusher in 0..BATCH {
        let rng = rng.fork();
        scope.spawn(move || batches(pusher, load, rng));
    }
}

/// Pushes an event until it is acknowledged, then the next: each must be in the log exactly once.
fn single(pusher: usize, load: &Load, mut rng: Rng) {
    let mut connection = None;
    let mut number = load.number_from;
    while !load.pushers_stop.load(Ordering::Relaxed) {
        let message = format!("s{pusher}-{number}");
        let event =
            json!({ "channel": format!("kill.{pusher}"), "message": message, "idempotency_key": message });
        let Some(answer) = push(&mut connection, load, &event.to_string()) else { continue };
        let Value::String(id) = &answer["id"] else {
            load.complain(format!("the push of {message} was answered without an id: {answer}"));
            return;
        };
        load.repeated.fetch_add(u64::from(answer["repeated"] == true), Ordering::Relaxed);
        load.acknowledge([Acknowledged { id: id.clone(), message }].into_iter());
        number += 1;
        rest(load, &mut rng);
    }
}

/// Pushes batches and leaves those that were not answered: each must be in the log whole, or not at all.
fn batches(pusher: usize, load: &Load, mut rng: Rng) {
    let mut connection = None;
    let mut number = load.number_from;
    while !load.pushers_stop.load(Ordering::Relaxed) {
        let len = 1 + rng.below(BATCH_LEN_MAX);
        let messages: Vec<_> = (1..=len).map(|index| format!("b{pusher}-{number}.{index}/{len}")).collect();
        number += 1;
        let channel = format!("kill.batch.{pusher}");
        let events: Vec<_> =
            messages.iter().map(|message| json!({ "channel": channel, "message": message })).collect();
        let Some(answer) = push(&mut connection, load, &Value::Array(events).to_string()) else { continue };
        let ids: Vec<_> = answer["ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if ids.len() != messages.len() {
            load.complain(format!("a batch of {len} events was answered with {} ids: {answer}", ids.len()));
            return;
        }
        let pairs = ids.into_iter().map(str::to_owned).zip(messages);
        load.acknowledge(pairs.map(|(id, message)| Acknowledged { id, message }));
        rest(load, &mut rng);
    }
}

fn rest(load: &Load, rng: &mut Rng) {
    if load.pace_ms_max > 0 {
        pause(Duration::from_millis(rng.below(load.pace_ms_max + 1)));
    }
}

/// One try. `None` when no answer came, or the server was not ready to take the push.
fn push(connection: &mut Option<Client>, load: &Load, body: &str) -> Option<Value> {
    let client = match connection {
        Some(client) => client,
        None => match Client::connect(load.server) {
            Ok(client) => connection.insert(client),
            Err(_) => {
                pause(PAUSE);
                return None;
            }
        },
    };
    let Ok(response) = client.post(load.push_path, body) else {
        load.unanswered.fetch_add(1, Ordering::Relaxed);
        *connection = None;
        return None;
    };
    match answer(&response) {
        Ok(answer) => Some(answer),
        // The server is busy or starting: it says so, and accepted nothing.
        Err(_) if matches!(response.status, 429 | 503) => {
            pause(PAUSE);
            None
        }
        Err(error) => {
            load.complain(format!("{error:#}"));
            None
        }
    }
}

fn answer(response: &Response) -> Result<Value> {
    let text = String::from_utf8_lossy(&response.body);
    ensure!(response.status == 200, "a push was answered {} {text}", response.status);
    serde_json::from_str(&text).context("the answer to a push is not JSON")
}
