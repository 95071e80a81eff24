//! The auditor: compares the log, the requests that receivers got, and the server's account of the rest.
//!
//! It knows nothing of how deliveries are made, only their guarantees.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{
    super::victim::Kill,
    cast::{Hook, RETRY_FIRST_MS},
    receivers::{Record, Said, hash_of},
};
use crate::histogram::Histogram;

/// A delay is drawn within ±20 %.
const JITTER: f64 = 0.8;
/// Maximum delay of a receiver that answers after the server was killed.
const LATE: Duration = Duration::from_millis(100);

pub(super) struct Evidence<'a> {
    /// Channel and message of each event, from seq 1.
    pub(super) log: &'a [(&'a str, &'a str)],
    /// The requests, in order of arrival.
    pub(super) records: &'a [&'a Record],
    /// The seqs of the deliveries that were given up.
    pub(super) dead: &'a HashSet<u64>,
    pub(super) kills: &'a [Kill],
    /// Time before a kill within which an answered request may come again.
    pub(super) window: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) requests: u64,
    pub(super) delivered: u64,
    pub(super) dead: u64,
    /// Deliveries that were answered and came again.
    pub(super) duplicates: u64,
    /// Requests that were not answered with 200, and of these, those that a kill may have kept from being recorded.
    pub(super) failed: u64,
    pub(super) failed_at_kills: u64,
}

/// Checks everything that came to one hook. In `ages` it notes how long each delivery that came again had been answered
/// before the kill, in nanoseconds.
pub(super) fn audit(hook: &Hook, evidence: &Evidence<'_>, ages: &mut Histogram) -> Result<Findings> {
    let mut findings = Findings { requests: evidence.records.len() as u64, ..Findings::default() };
    let mut bodies: HashMap<&str, u64> = HashMap::new();
    let mut last: HashMap<u64, &Record> = HashMap::new();
    let mut taken = HashSet::new();
    let mut newest = 0;
    for record in evidence.records {
        let id = &record.id;
        ensure!(
            *bodies.entry(id).or_insert(record.body) == record.body,
            "{id} came with one body and then with another"
        );
        if record.said != Said::Taken {
            findings.failed += 1;
            findings.failed_at_kills += u64::from(evidence.kill_that_hid(record).is_some());
        }
        for (place, (seq, message)) in record.events.iter().enumerate() {
            let event = usize::try_from(*seq).ok().and_then(|seq| evidence.log.get(seq.checked_sub(1)?));
            let (channel, expected) = event.with_context(|| format!("{id} came and is in no log"))?;
            ensure!(hash_of(expected.as_bytes()) == *message, "{id} came with another message than it has");
            ensure!(hook.wants(channel), "{id} came although it is on channel {channel}");
            if let Some(before) = last.insert(*seq, record) {
                ensure!(before.id == *id, "event {seq} came as {} and then as {id}", before.id);
                let again = evidence.again(before, record)?;
                // A batch that comes again is one duplicate.
                if let Some(age) = again.filter(|_| before.said == Said::Taken && place == 0) {
                    ages.record(age.as_nanos() as u64);
                    findings.duplicates += 1;
                }
            } else {
                ensure!(
                    !hook.ordered || *seq > newest,
                    "{id} came after {newest}, which is later in the log"
                );
                newest = newest.max(*seq);
            }
            if record.said == Said::Taken {
                taken.insert(*seq);
            }
        }
    }
    for (seq, (channel, message)) in (1..).zip(evidence.log) {
        let is_dead = evidence.dead.contains(&seq);
        if !hook.wants(channel) {
            ensure!(!is_dead, "event {seq} ({message}) was given up and is not for this webhook");
            continue;
        }
        ensure!(
            taken.contains(&seq) || is_dead,
            "event {seq} ({message}) was neither delivered nor given up: {}",
            last.get(&seq).map_or("it never came".to_owned(), |last| format!("{:?}", last.said))
        );
        ensure!(!hook.refuses(seq) || is_dead, "event {seq} ({message}) was refused and is not given up");
    }
    findings.delivered = taken.len() as u64;
    findings.dead = evidence.dead.len() as u64;
    Ok(findings)
}

impl Evidence<'_> {
    /// Finds the reason that `after` came although `before` had come. Returns the time between the answer and its kill,
    /// if a kill is the reason. Fails if there is no reason.
    fn again(&self, before: &Record, after: &Record) -> Result<Option<Duration>> {
        if let Some(kill) = self.kill_that_hid(before).filter(|kill| after.at >= kill.begin) {
            return Ok(Some(kill.begin.saturating_duration_since(before.done)));
        }
        let paused = after.at.saturating_duration_since(before.done);
        ensure!(
            before.said == Said::Failed,
            "{} came again {paused:?} after it was answered ({:?}); no kill was near: {:?} before the next",
            after.id,
            before.said,
            self.kills
                .iter()
                .map(|kill| kill.begin.saturating_duration_since(before.done))
                .find(|ago| !ago.is_zero())
        );
        let least = Duration::from_millis(RETRY_FIRST_MS).mul_f64(JITTER);
        ensure!(
            paused >= least,
            "{} came again {paused:?} after it had failed: sooner than {least:?}",
            after.id
        );
        Ok(None)
    }

    /// Returns the kill because of which the server may not know the outcome of a request.
    fn kill_that_hid(&self, record: &Record) -> Option<&Kill> {
        // Kills follow each other: the first that ended after the request is the only one, or the one after it.
        let first = self.kills.partition_point(|kill| kill.end + LATE < record.done);
        let near = self.kills[first..].iter().take(2);
        near.into_iter().find(|kill| kill.begin <= record.done + self.window && record.at <= kill.end + LATE)
    }
}
