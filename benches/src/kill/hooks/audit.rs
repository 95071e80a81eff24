//! The auditor: compares what the log holds, what receivers got and what the server says of the rest.
//!
//! It knows nothing of how deliveries are made; only what was promised of them.

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

/// A delay is drawn within ±20 %.
const JITTER: f64 = 0.8;
/// A receiver that answers after the server was killed is late by no more than that.
const LATE: Duration = Duration::from_millis(100);

pub(super) struct Evidence<'a> {
    /// Channel and message of each event, from seq 1.
    pub(super) log: &'a [(&'a str, &'a str)],
    /// In the order in which they came.
    pub(super) records: &'a [&'a Record],
    /// What was given up, by seq.
    pub(super) dead: &'a HashSet<u64>,
    pub(super) kills: &'a [Kill],
    /// What was answered so long before a kill may come again.
    pub(super) window: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) requests: u64,
    pub(super) delivered: u64,
    pub(super) dead: u64,
    /// Deliveries that were answered and came again.
    pub(super) duplicates: u64,
    /// The longest that one of them had been answered before the kill.
    pub(super) window: Duration,
    /// Requests that were not answered with 200, and of these, those that a kill may have kept from being recorded.
    pub(super) failed: u64,
    pub(super) failed_at_kills: u64,
}

/// Checks everything that came to one hook.
pub(super) fn audit(hook: &Hook, evidence: &Evidence<'_>) -> Result<Findings> {
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
                if let (Some(age), true) = (again, before.said == Said::Taken) {
                    findings.window = findings.window.max(age);
                    // A batch that comes again is one duplicate.
                    findings.duplicates += u64::from(place == 0);
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
    /// Says why `after` came although `before` had come. Gives how long before its kill that was answered, if a kill is
    /// the reason. Fails when there is no reason.
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

    /// Gives the kill because of which the server may not know how a request ended.
    fn kill_that_hid(&self, record: &Record) -> Option<&Kill> {
        // Kills follow each other: the first that ended after the request is the only one, or the one after it.
        let first = self.kills.partition_point(|kill| kill.end + LATE < record.done);
        let near = self.kills[first..].iter().take(2);
        near.into_iter().find(|kill| kill.begin <= record.done + self.window && record.at <= kill.end + LATE)
    }
}
