//! What arrived at each source since the gateway started, and the last requests that were refused there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_api::sources::SourceRefusal;
use fanfare_core::{Peer, SourceName, Timestamp};

use crate::problem::Problem;

/// Maximum refusals that are kept for a source: enough to see what its sender does wrong.
const REFUSALS_MAX: usize = 20;
/// Maximum length of what is said of a refusal, in bytes: the message of an error can repeat a part of the request.
const DETAIL_LEN_MAX: usize = 256;

/// The counts of all sources; cheap to clone. Only sources that exist are counted, so the number of them is limited.
#[derive(Debug, Clone, Default)]
pub struct Arrivals(
    /// Guards the counts; held for one look or change.
    Arc<Mutex<HashMap<SourceName, Tally>>>,
);

/// The counts of one source.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) last_accepted: Option<Timestamp>,
    /// The newest first.
    pub(super) refusals: VecDeque<SourceRefusal>,
}

impl Arrivals {
    /// Counts a request that was accepted.
    pub(in crate::http) fn accepted(&self, name: &SourceName, now: Timestamp) {
        let mut tallies = self.tallies();
        let tally = tallies.entry(name.clone()).or_default();
        tally.accepted += 1;
        tally.last_accepted = Some(now);
    }

    /// Counts a request from `peer` that was refused, and keeps why.
    pub(in crate::http) fn refused(&self, name: &SourceName, peer: Peer, problem: &Problem, now: Timestamp) {
        let mut detail = problem.0.what.to_string();
        detail.truncate(detail.floor_char_boundary(DETAIL_LEN_MAX));
        let refusal = SourceRefusal {
            refused_at: now,
            code: problem.0.code.to_string(),
            detail,
            address: Some(peer.to_string()),
        };
        let mut tallies = self.tallies();
        let tally = tallies.entry(name.clone()).or_default();
        tally.refused += 1;
        tally.refusals.push_front(refusal);
        tally.refusals.truncate(REFUSALS_MAX);
    }

    /// Returns the counts of a source.
    pub(super) fn of(&self, name: &SourceName) -> Tally {
        self.tallies().get(name).cloned().unwrap_or_default()
    }

    /// Forgets a source that was removed.
    pub(super) fn forget(&self, name: &SourceName) {
        self.tallies().remove(name);
    }

    fn tallies(&self) -> MutexGuard<'_, HashMap<SourceName, Tally>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
