//! Resuming: how long a client that comes back waits, wherever in a long log it stopped.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::{
    client::{Client, LogEnd, Stream},
    figures::summary,
    report::say,
    target::Target,
    wire::message,
};

const DEADLINE: Duration = Duration::from_secs(20);
const SIZE: usize = 100;
/// One event out of this many is on the sparse channel.
const SPARSE_EVERY: u64 = 10_000;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Number of events in the log; it must be empty before
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) history: u64,
    /// Number of repetitions of each case
    #[arg(long, default_value_t = 20)]
    pub(crate) repetitions: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) history: u64,
    pub(crate) case: &'static str,
    /// One value for each repetition, from before the connection is opened.
    pub(crate) first_byte_ms: Vec<f64>,
    /// Empty if there is no event to wait for.
    pub(crate) first_event_ms: Vec<f64>,
}

/// A place to resume from.
struct Case {
    name: &'static str,
    query: &'static str,
    after: u64,
    /// The seq that must come first.
    expected: Option<u64>,
}

fn cases(history: u64) -> Vec<Case> {
    let all = |name, after| Case { name, query: "", after, expected: Some(after + 1) };
    let sparse = |name, after: u64| Case {
        name,
        query: "?channel=sparse.one",
        after,
        expected: Some(((after + 1).div_ceil(SPARSE_EVERY)) * SPARSE_EVERY).filter(|seq| *seq <= history),
    };
    vec![
        all("10 events before the end", history.saturating_sub(10)),
        all("in the middle", history / 2),
        all("at the beginning", 1),
        sparse("a sparse channel, at the beginning", 1),
        sparse("a sparse channel, in the middle", history / 2 + 1),
        Case { name: "a channel without events", query: "?channel=absent", after: 1, expected: None },
    ]
}

pub(crate) fn run(options: &Options) -> Result<Vec<Outcome>> {
    let server = options.target.address()?;
    let mut client = Client::connect(server)?;
    client.prepare(options.history, |number| {
        let channel = if (number + 1).is_multiple_of(SPARSE_EVERY) { "sparse.one" } else { "bulk" };
        format!(r#"{{"channel":"{channel}","message":"{}"}}"#, message::numbered(number, SIZE))
    })?;
    let end = client.log_end()?;
    cases(options.history).iter().map(|case| measure(server, &end, case, options)).collect()
}

fn measure(server: SocketAddr, end: &LogEnd, case: &Case, options: &Options) -> Result<Outcome> {
    let (mut first_byte_ms, mut first_event_ms) = (Vec::new(), Vec::new());
    for _ in 0..options.repetitions {
        let start = Instant::now();
        let header = format!("Last-Event-ID: {}-{}\r\n", end.epoch, case.after);
        let mut stream = Stream::open(server, &format!("/stream{}", case.query), &header)?;
        stream.patience(DEADLINE)?;
        let mut first_seq = None;
        let mut note = |seq: Option<u64>| first_seq = first_seq.or(seq);
        ensure!(stream.read(|frame| note(frame.seq()))?, "the stream ended at once");
        let arrived = start.elapsed();
        ensure!(arrived < DEADLINE, "no byte came within {DEADLINE:?}");
        first_byte_ms.push(arrived.as_secs_f64() * 1e3);
        while case.expected.is_some() && first_seq.is_none() {
            ensure!(stream.read(|frame| first_seq = first_seq.or(frame.seq()))?, "the stream ended");
            ensure!(start.elapsed() < DEADLINE, "no event came within {DEADLINE:?}");
        }
        if let Some(expected) = case.expected {
            first_event_ms.push(start.elapsed().as_secs_f64() * 1e3);
            ensure!(
                first_seq == Some(expected),
                "{}: {first_seq:?} came first instead of {expected}",
                case.name
            );
        }
    }
    let outcome = Outcome { history: options.history, case: case.name, first_byte_ms, first_event_ms };
    say(format_args!(
        "{} of {} events: first byte after {} ms, first event after {} ms",
        case.name,
        options.history,
        summary(&outcome.first_byte_ms),
        summary(&outcome.first_event_ms),
    ));
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::cases;

    #[test]
    fn every_case_knows_which_event_comes_first() {
        let expected: Vec<_> = cases(1_000_000).iter().map(|case| case.expected).collect();
        let firsts = [Some(999_991), Some(500_001), Some(2), Some(10_000), Some(510_000), None];
        assert_eq!(expected, firsts);
        assert_eq!(cases(1_000)[3].expected, None);
    }
}
