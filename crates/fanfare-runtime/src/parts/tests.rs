//! Tests of each way to end, and of its consequences.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{Cause, Ends, Failures, Health, Outcome, Part, Parts, Phase, Work, are_ready};
use crate::shutdown::Shutdown;

/// Maximum time that a test waits for something that must happen.
const DEADLINE: Duration = Duration::from_secs(20);
/// A time longer than any test: if a part waits for it, the test sees that it waits.
const LONG: Duration = Duration::from_secs(3_600);

const AT_ONCE: Ends = Ends::Restart { after: Duration::ZERO, most: 2 };

type Step = fn() -> Outcome;

/// Work that ends as its script says, one step per run; then runs until it is asked to stop.
struct Script(VecDeque<Step>);

impl Script {
    fn new(steps: &[Step]) -> Script {
        Script(steps.iter().copied().collect())
    }
}

impl Work for Script {
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        match self.0.pop_front() {
            Some(step) => step(),
            None => {
                stop.asked().await;
                Ok(())
            }
        }
    }
}

fn part(ends: Ends) -> Part {
    Part::new("it", ends, Phase::Background)
}

/// Waits until the only part has this health.
async fn fares(parts: &Parts, health: Health, restarts: u64) {
    let fares = async {
        loop {
            let row = &parts.board().rows()[0];
            if (row.health, row.restarts) == (health, restarts) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, fares).await;
    assert!(waited.is_ok(), "{:?} instead of {health:?}, {restarts} restarts", parts.board().rows());
}

async fn failure(failures: &mut Failures) -> super::Failure {
    tokio::time::timeout(DEADLINE, failures.next()).await.expect("a failure")
}

/// Stops the parts; checks that none of them has ended the process.
async fn stop(parts: Parts, mut failures: Failures) {
    parts.stop(Phase::Background);
    let deadline = tokio::time::Instant::now() + DEADLINE;
    assert!(parts.ended(Phase::Background, deadline).await, "the parts do not end");
    assert!(failures.try_next().is_none(), "a part that was asked to stop has failed");
}

#[tokio::test]
async fn the_end_of_a_part_that_the_process_needs_is_told() {
    let steps: [(Step, &str); 3] = [
        (|| Ok(()), "`it` ended unexpectedly"),
        (|| Err("no more paper".into()), "`it` failed: no more paper"),
        (|| panic!("on fire"), "`it` panicked: on fire"),
    ];
    for (step, says) in steps {
        let (parts, mut failures) = Parts::new();
        parts.task(part(Ends::Process), Script::new(&[step]));
        assert_eq!(failure(&mut failures).await.to_string(), says);
        fares(&parts, Health::Down, 0).await;
        assert!(!are_ready(&parts.board().rows()));
    }
}

#[tokio::test]
async fn a_part_that_can_begin_again_does() {
    let (parts, mut failures) = Parts::new();
    parts.task(part(AT_ONCE), Script::new(&[|| panic!("once"), || Err("twice".into())]));
    fares(&parts, Health::Up, 2).await;
    assert!(are_ready(&parts.board().rows()));
    assert!(parts.board().end("it"));
    assert!(matches!(failure(&mut failures).await.cause, Cause::Requested), "three in a row are too many");
    fares(&parts, Health::Down, 2).await;
}

#[tokio::test]
async fn a_part_is_missed_until_it_begins_again_unless_it_is_harmless() {
    for (ends, is_ready) in
        [(Ends::Restart { after: LONG, most: 1 }, false), (Ends::Harmless { after: LONG }, true)]
    {
        let (parts, failures) = Parts::new();
        parts.task(part(ends), Script::new(&[]));
        fares(&parts, Health::Up, 0).await;
        assert!(are_ready(&parts.board().rows()));
        assert!(parts.board().end("it") && !parts.board().end("another"));
        fares(&parts, Health::Down, 0).await;
        assert_eq!(are_ready(&parts.board().rows()), is_ready);
        // The pause, which a part does not wait for when it is asked to stop.
        stop(parts, failures).await;
    }
}

#[tokio::test]
async fn what_is_used_up_cannot_begin_again() {
    let (parts, mut failures) = Parts::new();
    parts.task(part(AT_ONCE), super::once(|_| std::future::ready(Ok(()))));
    assert_eq!(failure(&mut failures).await.to_string(), "`it` failed: it cannot be restarted");
}

#[tokio::test]
async fn a_part_that_fails_while_it_stops_does_not_end_the_process() {
    let (parts, failures) = Parts::new();
    let work = async |mut stop: Shutdown| -> Outcome {
        stop.asked().await;
        Err("in the middle of it".into())
    };
    parts.task(part(Ends::Process), super::once(work));
    fares(&parts, Health::Up, 0).await;
    stop(parts, failures).await;
}

#[tokio::test]
async fn a_thread_is_kept_like_a_task() {
    let (parts, failures) = Parts::new();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    parts.thread(part(AT_ONCE), move |stop, pulse| {
        assert_eq!(std::thread::current().name(), Some("it"));
        assert!(counted.fetch_add(1, Ordering::Relaxed) > 0, "the first run panics");
        while !stop.is_asked() {
            pulse.beat(Instant::now())?;
            std::thread::yield_now();
        }
        Ok(())
    });
    fares(&parts, Health::Up, 1).await;
    assert!(parts.board().end("it"));
    fares(&parts, Health::Up, 2).await;
    let board = parts.board().clone();
    stop(parts, failures).await;
    assert_eq!((runs.load(Ordering::Relaxed), board.rows()[0].health), (3, Health::Down));
}

#[tokio::test]
async fn a_thread_that_hangs_is_seen() {
    let (parts, failures) = Parts::new();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let hanging = Part { pulse: Some(Duration::from_millis(20)), ..part(Ends::Process) };
    parts.thread(hanging, move |_, _| {
        // Ends when the other end is dropped.
        let _ = wait.recv();
        Ok(())
    });
    fares(&parts, Health::Silent, 0).await;
    assert!(!are_ready(&parts.board().rows()));
    parts.stop(Phase::Background);
    drop(go_on);
    stop(parts, failures).await;
}

#[tokio::test]
async fn how_parts_fare_is_measured() {
    let (parts, failures) = Parts::new();
    parts.task(part(Ends::Harmless { after: LONG }), Script::new(&[]));
    let mut registry = prometheus_client::registry::Registry::with_prefix("fanfare");
    registry.register_collector(Box::new(parts.board().clone()));
    let measured = || {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a text");
        text
    };
    assert!(measured().contains("fanfare_part_up{part=\"it\"} 1\n"), "{}", measured());
    assert!(measured().contains("fanfare_part_restarts_total{part=\"it\"} 0\n"), "{}", measured());
    assert!(parts.board().end("it"));
    fares(&parts, Health::Down, 0).await;
    assert!(measured().contains("fanfare_part_up{part=\"it\"} 0\n"), "{}", measured());
    stop(parts, failures).await;
}
