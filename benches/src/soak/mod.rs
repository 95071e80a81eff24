//! A soak: clients of every kind come and go for minutes, while others stay. The gateway's memory must not
//! grow, every client must get every event in order, and nothing may be left behind when all have left.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    thread::{self, Scope},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use self::visits::Kind;
use crate::{
    client::Client,
    kill::{
        hooks::{self, receivers::Receivers, registrar},
        load::Load,
    },
    pause::pause,
    process::resident_bytes,
    report::{emit, say},
    rng::Rng,
    server::{Placement, Server},
    trial,
};

mod deliveries;
mod fill;
mod listener;
mod memory;
mod pushers;
mod stay;
mod visits;

/// The name of the log's file.
const LOG: &str = "fanfare.db";
/// Interval between two looks at the memory.
const SAMPLE: Duration = Duration::from_millis(200);
/// Maximum age of attempts: with the default of seven days, their table grows over the whole measurement, and with it the
/// cached part of the file.
const ATTEMPTS_AGE: &str = "15s";
/// How often the log is filled before the load, so that retention already removes events and reuses pages.
const FILLS: u64 = 2;
/// Minimum length of the measurement: its beginning and its end are twenty seconds each.
const MINUTES_MIN: f64 = 0.7;
/// Minimum warm-up, as a share of the measurement.
const WARM_UP: f64 = 0.4;
/// Maximum time until rings and caches are full, after the warm-up: a slow machine pushes slowly.
const FULL_DEADLINE: Duration = Duration::from_secs(300);
/// Maximum time until nothing is left of disconnected clients: longer than idle connections to webhooks are
/// kept.
const LEFT_DEADLINE: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The program to run
    #[arg(long, default_value = "target/dist/fanfare")]
    server_bin: PathBuf,
    /// Length of the measurement; at least 0.7
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Least length of the load before that, which ends when rings and caches are full [default: 0.4 of the measurement]
    #[arg(long)]
    warm_up_minutes: Option<f64>,
    /// Number of events that retention keeps
    #[arg(long, default_value_t = 2_000)]
    retention: u64,
    #[command(flatten)]
    trial: trial::Options,
}

/// What all threads share.
struct Soak {
    load: Load,
    /// By [`Kind`].
    visits: [AtomicU64; Kind::ALL.len()],
    /// Events that listeners got.
    events: AtomicU64,
    pushed_bytes: AtomicU64,
    /// The last seq of the log, when it no longer grows.
    end: AtomicU64,
}

#[derive(Debug, Default, Serialize)]
struct Outcome {
    seed: u64,
    minutes: f64,
    pushed_events: usize,
    pushed_mb: f64,
    received_events: u64,
    streams: u64,
    websockets: u64,
    sessions: u64,
    readers: u64,
    sockets: u64,
    webhook_changes: u64,
    deliveries: u64,
    /// The resident memory in each tenth of the time, and the change from its beginning to its end.
    resident_mb: Vec<f64>,
    drift: f64,
    /// What the gateway had open before all clients, and after.
    files_before: usize,
    files_after: usize,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(
        options.minutes >= MINUTES_MIN,
        "--minutes is {}, and must be at least {MINUTES_MIN}",
        options.minutes
    );
    let (seed, directory) = (options.trial.seed(), options.trial.directory()?);
    let mut command = Command::new(&options.server_bin);
    command.args(["serve", "--listen", "127.0.0.1:0", "--retention-count", &options.retention.to_string()]);
    command.args(["--webhook-attempts-age", ATTEMPTS_AGE]);
    command.arg("--store").arg(directory.path().join(LOG));
    let mut server = Server::spawn(&mut command, &Placement::anywhere()?)?;
    let address = server.wait_ready()?;
    let outcome = soak(options, seed, &server, address);
    let outcome = outcome.with_context(|| format!("seed {seed}; the gateway said:\n{}", server.said()))?;
    say(format_args!(
        "{} events pushed and {} received, {} visits: memory changed by {:.1} %, and nothing was left",
        outcome.pushed_events,
        outcome.received_events,
        outcome.streams + outcome.websockets + outcome.sessions + outcome.readers + outcome.sockets,
        outcome.drift * 100.0
    ));
    emit("soak", &outcome)
}

fn soak(options: &Options, seed: u64, server: &Server, address: SocketAddr) -> Result<Outcome> {
    let mut rng = Rng::new(seed);
    let pid = server.pid();
    let mut client = Client::connect(address)?;
    client.get_json("/api/status")?;
    // Includes the connection of this request, which is also open at the end.
    let files_before = open_files(pid)?;
    drop(client);
    fill::fill(address, FILLS * options.retention, &mut rng)?;
    let receivers = Receivers::listen()?;
    let ids = hooks::register(&mut Client::connect(address)?, &receivers)?;
    let soak = Soak::new(address);
    let (samples, changes) = thread::scope(|scope| {
        receivers.spawn(scope, &soak.load, rng.fork());
        let result = live(scope, options, &soak, &receivers, pid, &mut rng);
        // Everything ends, even after a failure; the clients that stay until the end look for complaints.
        soak.load.pushers_stop.store(true, Ordering::Relaxed);
        if let Err(error) = &result {
            soak.load.complain(format!("{error:#}"));
        }
        let result = result.and_then(|lived| {
            receivers.is_benign.store(true, Ordering::Relaxed);
            hooks::settle(address, &soak.load, &ids)?;
            Ok(lived)
        });
        soak.load.readers_stop.store(true, Ordering::Relaxed);
        receivers.stop();
        result
    })?;
    soak.load.check()?;
    let mut client = Client::connect(address)?;
    let deliveries = deliveries::check(&mut client, &receivers, &soak.load, &ids)?;
    drop(client);
    leave(address, pid, &files_before)?;
    let tenths = memory::tenths(&samples);
    let drift = memory::drift(&samples);
    let resident_mb: Vec<f64> = tenths.iter().map(|bytes| (bytes / 1e5).round() / 10.0).collect();
    say(format_args!("resident MB in each tenth of the time: {resident_mb:?}"));
    ensure!(memory::is_steady(drift), "resident memory changed by {:.1} %", drift * 100.0);
    let visits = |kind: Kind| soak.visits[kind as usize].load(Ordering::Relaxed);
    Ok(Outcome {
        seed,
        minutes: options.minutes,
        pushed_events: soak.load.acknowledged()?.len(),
        pushed_mb: soak.pushed_bytes.load(Ordering::Relaxed) as f64 / 1e6,
        received_events: soak.events.load(Ordering::Relaxed),
        streams: visits(Kind::Stream),
        websockets: visits(Kind::WebSocket),
        sessions: visits(Kind::Session),
        readers: visits(Kind::Reader),
        sockets: visits(Kind::Socket),
        webhook_changes: changes,
        deliveries,
        resident_mb,
        drift,
        files_before: files_before.len(),
        files_after: open_files(pid)?.len(),
    })
}

/// Lets the clients come and go until the time is over and those that stayed have every event; returns the
/// memory, and the number of changes of webhooks.
fn live<'scope>(
    scope: &'scope Scope<'scope, '_>,
    options: &Options,
    soak: &'scope Soak,
    receivers: &Receivers,
    pid: u32,
    rng: &mut Rng,
) -> Result<(Vec<f64>, u64)> {
    let minutes = |minutes: f64| Duration::from_secs_f64(minutes * 60.0);
    let began = Instant::now();
    let staying = stay::spawn(scope, soak);
    let mut moving = pushers::spawn(scope, soak, rng);
    moving.extend(visits::spawn(scope, soak, rng));
    let (hooks, registrar_rng) = (receivers.address, rng.fork());
    let registrar = scope.spawn(move || registrar::run(&soak.load, hooks, registrar_rng).changes);
    let address = soak.server();
    while first_seq(address)? == 1 {
        ensure!(began.elapsed() < FULL_DEADLINE, "retention removes nothing");
        pause(SAMPLE);
    }
    let warm = Instant::now() + minutes(options.warm_up_minutes.unwrap_or(options.minutes * WARM_UP));
    let (mut rings, mut resident) = (Vec::new(), Vec::new());
    while Instant::now() < warm || !memory::is_level(&rings) || !memory::is_level(&resident) {
        ensure!(Instant::now() < warm + FULL_DEADLINE, "memory does not stop growing: {resident:?}");
        rings.push(held(&mut Client::connect(address)?, "rings")?);
        resident.push(resident_bytes(pid)? as f64);
        soak.load.check()?;
        pause(SAMPLE);
    }
    let (mut samples, end) = (Vec::new(), Instant::now() + minutes(options.minutes));
    while Instant::now() < end {
        samples.push(resident_bytes(pid)? as f64);
        soak.load.check()?;
        pause(SAMPLE);
    }
    soak.load.pushers_stop.store(true, Ordering::Relaxed);
    for thread in moving {
        thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))?;
    }
    let changes = registrar.join().map_err(|_| anyhow::anyhow!("the registrar panicked"))?;
    soak.end.store(Client::connect(address)?.log_end()?.last_seq, Ordering::Relaxed);
    for thread in staying {
        thread.join().map_err(|_| anyhow::anyhow!("a listener panicked"))?;
    }
    soak.load.check()?;
    Ok((samples, changes))
}

/// The gateway closes connections that are idle for long, so each look uses a new one.
fn first_seq(server: SocketAddr) -> Result<u64> {
    let status = Client::connect(server)?.get_json("/api/status")?;
    let (_, seq) = status["first"].as_str().and_then(|first| first.split_once('-')).unwrap_or(("", "1"));
    Ok(seq.parse()?)
}

/// Removes all webhooks and waits until nothing is left of any client.
fn leave(address: SocketAddr, pid: u32, files_before: &[String]) -> Result<()> {
    let mut client = Client::connect(address)?;
    let listed = client.get_json("/api/webhooks")?;
    for url in listed["webhooks"].as_array().context("/api/webhooks has no webhooks")? {
        let body = serde_json::json!({ "webhook_url": url }).to_string();
        ensure!(client.post("/api/unregister", &body)?.status == 200, "{url} could not be unregistered");
    }
    let deadline = Instant::now() + LEFT_DEADLINE;
    loop {
        let mut left = Vec::new();
        let mut count = |name: &str, found: f64, expected: f64| {
            if found > expected {
                left.push(format!("{name}: {found}, and {expected} before"));
            }
        };
        // The connection that asks is counted.
        count("connections", client.counter("fanfare_connections")?.unwrap_or(f64::INFINITY), 1.0);
        count("subscribers", client.counter("fanfare_subscribers")?.unwrap_or_default(), 0.0);
        count("bytes held for callers", held(&mut client, "callers")?, 0.0);
        count("bytes held in rings", held(&mut client, "rings")?, 0.0);
        let sessions = client.get_json("/mcp")?["sessions"].as_f64().context("/mcp counts no sessions")?;
        count("sessions", sessions, 0.0);
        let mut files = open_files(pid)?;
        for before in files_before {
            if let Some(same) = files.iter().position(|file| file == before) {
                files.remove(same);
            }
        }
        if !files.is_empty() {
            left.push(format!("files: {files:?}"));
        }
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "all clients have left, and this is left of them: {left:?}");
        pause(SAMPLE);
    }
}

/// The bytes that the gateway holds, by its own count.
fn held(client: &mut Client, by: &str) -> Result<f64> {
    let response = client.get("/metrics")?;
    let text = String::from_utf8_lossy(&response.body).into_owned();
    let name = format!("fanfare_bytes_held{{by=\"{by}\"}}");
    let line = text.lines().find(|line| line.starts_with(&name));
    let value = line.and_then(|line| line.split(' ').next_back()).context("/metrics counts no bytes held")?;
    Ok(value.parse()?)
}

/// The targets of a process's descriptors, except those of the log, which its connections open when they are
/// first needed. A descriptor may be closed in the meantime.
fn open_files(pid: u32) -> Result<Vec<String>> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.display().to_string()))
        .filter(|file| !file.contains(LOG))
        // `socket:[12345]`: no two have the same number.
        .map(|file| file.split_once(":[").map_or(file.clone(), |(kind, _)| kind.to_owned()))
        .collect();
    files.sort();
    Ok(files)
}

impl Soak {
    fn new(server: SocketAddr) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            load: Load::new(server, Vec::new()),
            visits: std::array::from_fn(|_| zero()),
            events: zero(),
            pushed_bytes: zero(),
            end: zero(),
        }
    }

    fn server(&self) -> SocketAddr {
        self.load.server
    }

    fn is_over(&self) -> bool {
        self.load.pushers_stop.load(Ordering::Relaxed)
    }
}
