//! The guest: a client that pushes a little, listens, and asks whether the server is well.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use super::LOOK;
use crate::{
    client::{Client, Stream},
    histogram::Histogram,
    pause::pause,
    wire::sse::{Frame, number},
};

/// Interval between two pushes: a hundred in a second.
const PUSH_INTERVAL: Duration = Duration::from_millis(10);
/// Interval between two requests to `/health`, each on its own connection.
const HEALTH_INTERVAL: Duration = Duration::from_millis(50);
/// Maximum time after the end to send what was due before: a server without optimizations is slow beside the hostile
/// client.
const LATE_MAX: Duration = Duration::from_secs(30);

/// What the guest got.
#[derive(Debug, Serialize)]
pub(super) struct Served {
    pub(super) pushes: u64,
    pub(super) push_p50_ms: f64,
    /// From the moment at which the push was due.
    pub(super) push_p99_ms: f64,
    /// From the moment at which the push was due until its event was there.
    pub(super) arrival_p99_ms: f64,
    pub(super) health_p99_ms: f64,
    pub(super) health_max_ms: f64,
    /// Requests that were not answered with 200, and events that did not arrive.
    pub(super) failures: u64,
}

/// Asks once, on a connection that is kept from one time to the next, for something that is due at a moment; returns
/// whether the answer was 200.
type Ask = fn(SocketAddr, &mut Option<Client>, Duration) -> Result<bool>;

/// A guest at work.
pub(super) struct Guest {
    origin: Instant,
    /// The time from the origin to the end; set at the end.
    end: Arc<OnceLock<Duration>>,
    /// The number of pushes that were answered; set at the end.
    pushed: Arc<OnceLock<u64>>,
    pusher: JoinHandle<Result<(Histogram, u64)>>,
    health: JoinHandle<Result<(Histogram, u64)>>,
    listener: JoinHandle<Result<Histogram>>,
}

impl Guest {
    pub(super) fn start(server: SocketAddr) -> Result<Self> {
        let (end, pushed) = (Arc::<OnceLock<Duration>>::default(), Arc::<OnceLock<u64>>::default());
        let origin = Instant::now();
        let stream = Stream::open(server, "/stream?channel=guest", "")?;
        let spawn_paced = |interval, ask: Ask| {
            let end = Arc::clone(&end);
            thread::spawn(move || paced(server, &end, origin, interval, ask))
        };
        let pusher = spawn_paced(PUSH_INTERVAL, push);
        let health = spawn_paced(HEALTH_INTERVAL, ask_health);
        let listener = {
            let pushed = Arc::clone(&pushed);
            thread::spawn(move || listen(stream, &pushed, origin))
        };
        Ok(Self { origin, end, pushed, pusher, health, listener })
    }

    /// Runs for `length`, and calls `look` again and again in the meantime.
    pub(super) fn serve_for(self, length: Duration, mut look: impl FnMut() -> Result<()>) -> Result<Served> {
        let begun = Instant::now();
        let mut looked = Ok(());
        while begun.elapsed() < length && looked.is_ok() {
            pause(LOOK);
            looked = look();
        }
        self.end.get_or_init(|| self.origin.elapsed());
        let ended = |_| anyhow!("a thread of the guest panicked");
        let (pushes, refused) = self.pusher.join().map_err(ended)??;
        self.pushed.get_or_init(|| pushes.count());
        let (health, unwell) = self.health.join().map_err(ended)??;
        let arrivals = self.listener.join().map_err(ended)??;
        looked?;
        let ms = |histogram: &Histogram, quantile| histogram.quantile_us(quantile) / 1e3;
        Ok(Served {
            pushes: pushes.count(),
            push_p50_ms: ms(&pushes, 0.5),
            push_p99_ms: ms(&pushes, 0.99),
            arrival_p99_ms: ms(&arrivals, 0.99),
            health_p99_ms: ms(&health, 0.99),
            health_max_ms: ms(&health, 1.0),
            failures: refused + unwell + pushes.count().abs_diff(arrivals.count()),
        })
    }
}

/// Sends a request at each interval until the end, and then those that were due before it and are late: they are the
/// slowest. Returns the time from when each was due to its answer, and the number of missing answers.
fn paced(
    server: SocketAddr,
    end: &OnceLock<Duration>,
    origin: Instant,
    interval: Duration,
    ask: Ask,
) -> Result<(Histogram, u64)> {
    let (mut took, mut failures, mut due) = (Histogram::new(), 0, origin.elapsed() + interval);
    let mut client = None;
    while end.get().is_none_or(|end| due <= *end) {
        if end.get().is_some_and(|end| origin.elapsed() > *end + LATE_MAX) {
            // It is never sent.
            failures += 1;
            due += interval;
            continue;
        }
        if let Some(left) = due.checked_sub(origin.elapsed()) {
            pause(left);
        }
        match ask(server, &mut client, due) {
            Ok(true) => took.record((origin.elapsed() - due).as_nanos() as u64),
            Ok(false) => failures += 1,
            Err(_) => {
                failures += 1;
                client = None;
            }
        }
        due += interval;
    }
    Ok((took, failures))
}

fn push(server: SocketAddr, client: &mut Option<Client>, due: Duration) -> Result<bool> {
    let client = match client {
        Some(client) => client,
        None => client.insert(Client::connect(server)?),
    };
    let body = format!(r#"{{"channel":"guest","message":"{}"}}"#, due.as_nanos());
    Ok(client.push(&body)?.status == 200)
}

fn ask_health(server: SocketAddr, _: &mut Option<Client>, _due: Duration) -> Result<bool> {
    Ok(Client::connect(server)?.get("/health")?.status == 200)
}

/// Records how long events took to arrive, until a moment of silence after as many have arrived as were pushed, or a long
/// one.
fn listen(mut stream: Stream, pushed: &OnceLock<u64>, origin: Instant) -> Result<Histogram> {
    const SILENCE: Duration = Duration::from_secs(2);
    // A server without optimizations is slow beside the hostile client.
    const SILENCES_MAX: u32 = 15;
    stream.patience(SILENCE)?;
    let (mut took, mut silences) = (Histogram::new(), 0);
    loop {
        let before = took.count();
        let is_open = stream.read(|frame| {
            if let Some(due) = due_in(&frame) {
                took.record(origin.elapsed().saturating_sub(due).as_nanos() as u64);
            }
        })?;
        silences = if took.count() == before { silences + 1 } else { 0 };
        let is_over = |pushed: &u64| took.count() >= *pushed || silences >= SILENCES_MAX;
        if silences > 0 && pushed.get().is_some_and(is_over) {
            return Ok(took);
        }
        is_open.then_some(()).context("the stream of the guest ended")?;
    }
}

/// Reads from a frame when its push was due.
fn due_in(frame: &Frame<'_>) -> Option<Duration> {
    // The message follows the time at which it was pushed.
    let message = frame.data.rsplit(|byte| *byte == b' ').next()?;
    number(message).map(Duration::from_nanos)
}
