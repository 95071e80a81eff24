//! Measures the embedded store: `cargo run --profile dist -p fanfare-store-embedded --example store_speed [DIRECTORY]`.
//!
//! Appends in batches and singly, the latency of a single append, replay through pages with each event encoded as JSON,
//! and the duration of a resume near the end of a long log, also on a sparse channel.

#![expect(clippy::disallowed_methods, reason = "a measurement is its own application, and spawns")]

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanfare_core::{Door, Filter, NewEvent, Priority, Source};
use fanfare_hub::follower::{Follow, Followed};
use fanfare_store::{Append, Order, Read, Retention, Store};
use fanfare_store_embedded::Embedded;

const BATCH_LEN: usize = 256;
const BATCHED_EVENTS: usize = 1_000_000;
const SINGLE_TASKS: usize = 64;
const SINGLE_EVENTS: usize = 200_000;
const LONE_APPENDS: usize = 2_000;

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let directory = match std::env::args_os().nth(1) {
        Some(path) => tempfile::tempdir_in(PathBuf::from(path))?,
        None => tempfile::tempdir()?,
    };
    let path = directory.path().join("log.db");
    let retention = Retention { count: u64::MAX, bytes: u64::MAX, ..Retention::default() };
    let store = Store::new(Embedded::open(&path, retention)?);
    let mut out = std::io::stdout().lock();

    let mut follow = Follow::new(&*store.log, None);
    let followed = store.clone();
    let follower = tokio::spawn(async move {
        let mut count = 0;
        while let Ok(Followed::Events(batch)) = follow.next(&*followed.log).await {
            count += batch.len();
        }
        count
    });

    for tasks in [1, 2, 4, 8] {
        let (elapsed, latencies) = batches(&store, tasks, BATCHED_EVENTS / 4).await?;
        let rate = (BATCHED_EVENTS / 4) as f64 / elapsed.as_secs_f64();
        writeln!(out, "batches of {BATCH_LEN} from {tasks} tasks: {rate:.0} events/s; {}", shown(latencies))?;
    }
    let (elapsed, latencies) = singles(&store).await?;
    let rate = SINGLE_EVENTS as f64 / elapsed.as_secs_f64();
    writeln!(out, "singles from {SINGLE_TASKS} tasks: {rate:.0} events/s; {}", shown(latencies))?;

    let mut latencies = Vec::new();
    for _ in 0..LONE_APPENDS {
        let started = Instant::now();
        store.log.append(Append::new(vec![event("default")?])).await?;
        latencies.push(started.elapsed());
    }
    writeln!(out, "lone appends: {}", shown(latencies))?;

    let sparse = store.log.append(Append::new(vec![event("rare.channel")?])).await?[0].event.position.seq;
    batches(&store, 1, 100 * BATCH_LEN).await?;
    for limit in [256, 1_000, 4_096] {
        let (count, elapsed, bytes) = replay(&store, limit).await?;
        let rate = count as f64 / elapsed.as_secs_f64();
        writeln!(out, "replay in pages of {limit}: {rate:.0} events/s, {} MB", bytes / 1_000_000)?;
    }

    // Connections that read without a pause must not keep the write-ahead log from starting over.
    let wal = directory.path().join("log.db-wal");
    let replays: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { while replay(&store, 1_000).await.is_ok() {} })
        })
        .collect();
    let (elapsed, latencies) = batches(&store, 4, BATCHED_EVENTS / 2).await?;
    let rate = (BATCHED_EVENTS / 2) as f64 / elapsed.as_secs_f64();
    let len = std::fs::metadata(&wal)?.len() >> 20;
    writeln!(
        out,
        "the same from 4 tasks beside 4 replays: {rate:.0} events/s; {}; write-ahead log {len} MB",
        shown(latencies)
    )?;
    replays.iter().for_each(tokio::task::JoinHandle::abort);
    let last = store.head().last;

    let only = Filter::new(vec!["rare.channel".parse()?], Vec::new(), Priority::Min, None)?;
    let wide = Filter::new(vec!["rare.*".parse()?], Vec::new(), Priority::Min, None)?;
    for (what, filter, after, found) in [
        ("resume at the end", Filter::all(), last - 10, 10),
        ("resume at the start", Filter::all(), 0, 1_000),
        ("resume a sparse channel from the start", only.clone(), 0, 1),
        ("resume a sparse channel by pattern", wide, 0, 1),
        ("resume a sparse channel after its last", only, sparse, 0),
    ] {
        let mut latencies = Vec::new();
        for _ in 0..200 {
            let started = Instant::now();
            let page = store.log.read(read(&store, filter.clone(), after, 1_000)).await?;
            latencies.push(started.elapsed());
            anyhow::ensure!(page.events.len() == found, "{what}: {} events", page.events.len());
        }
        writeln!(out, "{what}: {}", shown(latencies))?;
    }
    let started = Instant::now();
    store.log.seq_before(store.log.now().before(Duration::from_secs(1))).await?;
    writeln!(out, "seq_before: {:?}", started.elapsed())?;

    let wal = std::fs::metadata(&wal)?.len();
    let started = Instant::now();
    store.engine.close().await;
    let file = std::fs::metadata(&path)?.len();
    anyhow::ensure!(follower.await? as u64 == last, "the follower got every event");
    writeln!(
        out,
        "{last} events: {} MB; write-ahead log {} MB; closed in {:?}",
        file >> 20,
        wal >> 20,
        started.elapsed()
    )?;

    let started = Instant::now();
    let retention = Retention { count: last / 2, ..retention };
    let store = Store::new(Embedded::open(&path, retention)?);
    writeln!(out, "opened in {:?}", started.elapsed())?;
    let started = Instant::now();
    while store.sweep().await?.has_more {}
    let rate = (last / 2) as f64 / started.elapsed().as_secs_f64();
    writeln!(out, "sweep: {rate:.0} events/s")?;
    store.engine.close().await;
    Ok(())
}

async fn batches(store: &Store, tasks: usize, events: usize) -> anyhow::Result<(Duration, Vec<Duration>)> {
    let started = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let store = store.clone();
        set.spawn(async move {
            let mut latencies = Vec::new();
            for _ in 0..events / tasks / BATCH_LEN {
                let batch = (0..BATCH_LEN).map(|_| event("builds.web")).collect::<anyhow::Result<_>>()?;
                let started = Instant::now();
                store.log.append(Append::new(batch)).await?;
                latencies.push(started.elapsed());
            }
            anyhow::Ok(latencies)
        });
    }
    let latencies = set.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    Ok((started.elapsed(), latencies.concat()))
}

async fn singles(store: &Store) -> anyhow::Result<(Duration, Vec<Duration>)> {
    let started = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..SINGLE_TASKS {
        let store = store.clone();
        set.spawn(async move {
            let mut latencies = Vec::new();
            for _ in 0..SINGLE_EVENTS / SINGLE_TASKS {
                let started = Instant::now();
                store.log.append(Append::new(vec![event("builds.web")?])).await?;
                latencies.push(started.elapsed());
            }
            anyhow::Ok(latencies)
        });
    }
    let latencies = set.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    Ok((started.elapsed(), latencies.concat()))
}

async fn replay(store: &Store, limit: usize) -> anyhow::Result<(usize, Duration, usize)> {
    let started = Instant::now();
    let (mut after, mut count, mut bytes) = (0, 0, 0);
    let mut json = Vec::new();
    while after < store.head().last {
        let page = store.log.read(read(store, Filter::all(), after, limit)).await?;
        for event in &page.events {
            json.clear();
            serde_json::to_writer(&mut json, &**event)?;
            bytes += json.len();
        }
        count += page.events.len();
        after = page.scanned;
    }
    Ok((count, started.elapsed(), bytes))
}

fn read(store: &Store, filter: Filter, after: u64, limit: usize) -> Read {
    Read { epoch: store.head().epoch, after, until: u64::MAX, filter, order: Order::Oldest, limit, told: 0 }
}

/// Creates an event with about 200 bytes of text and data.
fn event(channel: &str) -> anyhow::Result<NewEvent> {
    const DATA: &str = r#"{"commit":"4f1c2d9a7be0","branch":"main","duration_ms":4182,"ok":true}"#;
    let source = Source { principal: Arc::from("local"), door: Door::Http, agent: None };
    let message = "build finished: 214 tests passed, 0 failed, 3 skipped; artefacts are in the usual place, go and look";
    Ok(NewEvent {
        channel: channel.parse()?,
        data: Some(fanfare_core::Json::parse(DATA.to_owned())?),
        ..NewEvent::new(message, source)?
    })
}

fn shown(mut latencies: Vec<Duration>) -> String {
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    format!("p50 {:?}, p99 {:?}, max {:?}", at(0.5), at(0.99), at(1.0))
}
