//! `kill -9` under load with webhooks: acknowledged events arrive or are given up, and nothing comes twice but what was
//! in flight.

use std::{
    collections::HashSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use serde_json::Value;

use self::{
    audit::{Evidence, Findings, audit},
    cast::CAST,
    receivers::{Receivers, Record},
    registrar::Registered,
};
use super::{
    Options,
    book::Book,
    load::Load,
    victim::{Kill, Victim},
};
use crate::{client::Client, histogram::Histogram, pause::pause, report::say, rng::Rng};

mod audit;
#[cfg(test)]
mod audit_tests;
pub(crate) mod cast;
pub(crate) mod receivers;
pub(crate) mod registrar;
mod request;

/// Maximum pause of the pushers: webhooks should keep up, with each of the cast getting most events.
const PACE_MS_MAX: u64 = 25;
/// One round out of this many starts with a time without kills, in which nothing may come twice.
const QUIET_EVERY: u64 = 8;
/// Length of the quiet time, in windows.
const QUIET_WINDOWS: u64 = 2;
/// Maximum time for webhooks to deliver the rest, including a breaker's pause.
const SETTLE_DEADLINE: Duration = Duration::from_secs(120);
/// Attempts that failed are kept up to this number; one in ten may go at once.
const ATTEMPTS_KEPT: u64 = 90_000;

#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    seed: u64,
    rounds: u32,
    kills_while_starting: u32,
    events: usize,
    acknowledged: usize,
    unanswered_pushes: u64,
    requests: u64,
    delivered: u64,
    given_up: u64,
    /// Deliveries that were answered with 200 and came again after a kill.
    duplicates: u64,
    /// Time between those answers and the kill.
    window_p50_ms: f64,
    window_p99_ms: f64,
    window_max_ms: f64,
    registrations: u64,
    attempts_failed: u64,
    attempts_recorded: u64,
    restart_p50_ms: f64,
    restart_max_ms: f64,
}

pub(super) fn run(options: &Options, seed: u64, store: PathBuf) -> Result<Outcome> {
    let mut rng = Rng::new(seed);
    let mut victim = Victim::start(options, store)?;
    let receivers = Receivers::listen()?;
    let ids = register(&mut Client::connect(victim.address)?, &receivers)?;
    let mut load = Load::new(victim.address, Vec::new());
    load.pace_ms_max = PACE_MS_MAX;
    load.push_path = "/api/push?wait=0s";
    let (kills, registered) = thread::scope(|scope| {
        receivers.spawn(scope, &load, rng.fork());
        let result = live(options, &mut victim, &mut rng, &load, &receivers).and_then(|lived| {
            receivers.is_benign.store(true, Ordering::Relaxed);
            settle(victim.address, &load, &ids)?;
            Ok(lived)
        });
        receivers.stop();
        result
    })?;
    load.check()?;
    conclude(options, seed, victim, &load, &receivers, &ids, &kills, &registered)
}

/// Registers the cast; returns the ids.
pub(crate) fn register(client: &mut Client, receivers: &Receivers) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for (number, hook) in CAST.iter().enumerate() {
        let url = format!("http://{}/hook/{number}", receivers.address);
        let response = client.post("/api/register", &hook.registration(&url))?;
        let text = String::from_utf8_lossy(&response.body);
        ensure!(
            response.status == 200,
            "registering `{}` was answered {} {text}",
            hook.name,
            response.status
        );
        let answer: Value = serde_json::from_str(&text)?;
        let secret = answer["secret"].as_str().context("a registration without a secret")?;
        receivers.expect(request::key_of(secret)?);
        ids.push(answer["id"].as_str().context("a registration without an id")?.to_owned());
    }
    Ok(ids)
}

/// Kills again and again, under load.
fn live(
    options: &Options,
    victim: &mut Victim<'_>,
    rng: &mut Rng,
    load: &Load,
    receivers: &Receivers,
) -> Result<(Vec<Kill>, Registered)> {
    thread::scope(|scope| {
        super::pushers::spawn(scope, load, rng);
        let registrar_rng = rng.fork();
        let registrar = scope.spawn(|| registrar::run(load, receivers.address, registrar_rng));
        let mut kills = Vec::new();
        let mut rounds = || {
            for round in 1..=options.rounds {
                if rng.below(QUIET_EVERY) == 0 {
                    pause(Duration::from_millis(QUIET_WINDOWS * options.window_ms));
                }
                let kill = victim.round(rng);
                kills.push(kill.with_context(|| format!("round {round}: the server does not come back"))?);
                load.check().with_context(|| format!("round {round}"))?;
                if round.is_multiple_of(50) {
                    say(format_args!(
                        "{round} rounds: {} requests came, all is well",
                        load.connects.load(Ordering::Relaxed)
                    ));
                }
            }
            Ok(())
        };
        let rounds: Result<()> = rounds();
        load.pushers_stop.store(true, Ordering::Relaxed);
        let registered = registrar.join().map_err(|_| anyhow!("the registrar panicked"));
        rounds.and(registered.map(|registered| (kills, registered)))
    })
}

/// Waits until nothing is left to deliver.
pub(crate) fn settle(server: SocketAddr, load: &Load, ids: &[String]) -> Result<()> {
    let mut client = Client::connect(server)?;
    let deadline = Instant::now() + SETTLE_DEADLINE;
    for (id, hook) in ids.iter().zip(&CAST) {
        loop {
            let webhook = client.get_json(&format!("/api/webhooks/{id}"))?;
            if webhook["lag"] == 0 && webhook["waiting"] == 0 {
                break;
            }
            load.check()?;
            ensure!(
                Instant::now() < deadline,
                "`{}` has not got everything after {SETTLE_DEADLINE:?}: {webhook}",
                hook.name
            );
            pause(Duration::from_millis(20));
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "all that was gathered is looked at in one place")]
fn conclude(
    options: &Options,
    seed: u64,
    mut victim: Victim<'_>,
    load: &Load,
    receivers: &Receivers,
    ids: &[String],
    kills: &[Kill],
    registered: &Registered,
) -> Result<Outcome> {
    let mut client = Client::connect(victim.address)?;
    let mut book = Book::default();
    book.read_on(&mut client)?;
    let acknowledged = load.acknowledged()?;
    book.check_acknowledged(&acknowledged)?;
    registered.check(&client.get_json("/api/webhooks")?)?;
    let log: Vec<_> = (1..=book.len() as u64).filter_map(|seq| book.event(seq)).collect();
    let mut records = receivers.records_after(0)?;
    // Written down when they were answered.
    records.sort_by_key(|record| record.at);
    let (mut sum, mut ages) = (Findings::default(), Histogram::new());
    for (number, (hook, id)) in CAST.iter().zip(ids).enumerate() {
        let dead = dead(&mut client, id)?;
        let records: Vec<&Record> = records.iter().filter(|record| record.hook == number).collect();
        let window = Duration::from_millis(options.window_ms);
        let evidence = Evidence { log: &log, records: &records, dead: &dead, kills, window };
        let found = audit(hook, &evidence, &mut ages).with_context(|| format!("`{}`", hook.name))?;
        say(format_args!("`{}`: {found:?}", hook.name));
        sum = sum.plus(found);
    }
    victim.end()?;
    let recorded = look_into(&victim.store)?;
    let known = sum.failed - sum.failed_at_kills;
    ensure!(
        recorded >= known.min(ATTEMPTS_KEPT),
        "{} requests failed, {} of them near a kill, and {recorded} are recorded",
        sum.failed,
        sum.failed_at_kills
    );
    Ok(Outcome {
        seed,
        rounds: options.rounds,
        kills_while_starting: victim.kills_while_starting,
        events: book.len(),
        acknowledged: acknowledged.len(),
        unanswered_pushes: load.unanswered.load(Ordering::Relaxed),
        requests: sum.requests,
        delivered: sum.delivered,
        given_up: sum.dead,
        duplicates: sum.duplicates,
        window_p50_ms: ages.quantile_us(0.5) / 1e3,
        window_p99_ms: ages.quantile_us(0.99) / 1e3,
        window_max_ms: ages.quantile_us(1.0) / 1e3,
        registrations: registered.changes,
        attempts_failed: sum.failed,
        attempts_recorded: recorded,
        restart_p50_ms: victim.restarts.quantile_us(0.5) / 1e3,
        restart_max_ms: victim.restarts.quantile_us(1.0) / 1e3,
    })
}

impl Findings {
    fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            delivered: self.delivered + other.delivered,
            dead: self.dead + other.dead,
            duplicates: self.duplicates + other.duplicates,
            failed: self.failed + other.failed,
            failed_at_kills: self.failed_at_kills + other.failed_at_kills,
        }
    }
}

/// Returns the seqs of the deliveries that were given up.
pub(crate) fn dead(client: &mut Client, id: &str) -> Result<HashSet<u64>> {
    let mut dead = HashSet::new();
    let mut cursor = String::new();
    loop {
        let page =
            client.get_json(&format!("/api/webhooks/{id}/deliveries?state=failed&limit=1000{cursor}"))?;
        for delivery in page["deliveries"].as_array().context("a page without deliveries")? {
            let event = delivery["event_id"].as_str().context("a delivery without an event")?;
            let (_, seq) = event.split_once('-').with_context(|| format!("`{event}` is no position"))?;
            dead.insert(seq.parse()?);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(dead),
        }
    }
}

/// Checks the store's file, which no process has open; returns the number of failed attempts in it.
pub(crate) fn look_into(store: &Path) -> Result<u64> {
    let store = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let answer: String = store.query_row("PRAGMA integrity_check", (), |row| row.get(0))?;
    ensure!(answer == "ok", "the store is damaged: {answer}");
    let recorded: i64 =
        store.query_row("SELECT count(*) FROM attempts WHERE is_delivered = 0", (), |row| row.get(0))?;
    Ok(u64::try_from(recorded)?)
}
