//! Claiming: of several instances that share a ledger, one sends each webhook.
//!
//! Claims are made and renewed for all webhooks together, beside the deliveries: no delivery waits for one.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::WebhookId;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::parts::Parts;
use crate::registry::Registry;
use crate::webhook::Webhook;
use crate::workers::Workers;
use fanfare_store as store;
use fanfare_store::{Claim, InstanceId, Lease};

/// The term of a claim: the time after which another instance takes over from one that has ended without a word. Much
/// longer than a commit takes on a slow disk.
pub const TERM_DEFAULT: Duration = Duration::from_secs(15);
/// The number of renewals in a term: two may fail.
const RENEWALS: u32 = 3;
/// The part of the term that an instance counts on, in percent. Its clock and the ledger's run at different rates, and
/// ending the attempts under way takes time.
const COUNTED_ON: u32 = 80;
/// Maximum time for the last outcomes to be recorded before the claims are released at the end. If that takes longer,
/// as with a full disk, the claims expire instead.
const RELEASE_MAX: Duration = Duration::from_secs(1);

/// The claims of this instance.
pub(super) struct Claiming {
    parts: Arc<Parts>,
    registry: Arc<Registry>,
    instance: InstanceId,
    term: Duration,
    renewals: Interval,
    /// The webhooks to claim before the next renewal.
    wanted: BTreeSet<WebhookId>,
    /// The call to the ledger that is under way; one at a time.
    call: Option<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// The time up to which no other instance can have claimed the webhooks of the workers; `None` if there are none.
    sure_until: Option<Instant>,
}

/// Something that happened to the claims.
pub(super) enum Step {
    /// The ledger answered.
    Answered(Answer),
    /// It is time to renew.
    Due,
    /// The claims could not be renewed in time: another instance may have them.
    Lapsed,
}

/// The answer of the ledger to a renewal, a claim, or both.
pub(super) struct Answer {
    /// The time of the question: terms count from then, at the latest.
    asked: Instant,
    is_renewal: bool,
    /// The webhooks that were to be claimed.
    wanted: Vec<WebhookId>,
    /// The leases that were lost, and the claims that were made.
    outcome: Result<(Vec<Lease>, Vec<Claim>), store::Error>,
}

impl Claiming {
    /// Claims nothing before the first renewal, which is due at once.
    pub(super) fn new(parts: Arc<Parts>, registry: Arc<Registry>, term: Duration) -> Claiming {
        let mut renewals = tokio::time::interval(term / RENEWALS);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Claiming {
            parts,
            registry,
            instance: InstanceId::random(),
            term,
            renewals,
            wanted: BTreeSet::new(),
            call: None,
            sure_until: None,
        }
    }

    /// Claims a webhook as soon as the ledger has answered the question under way.
    pub(super) fn want(&mut self, webhook: WebhookId) {
        self.wanted.insert(webhook);
        self.claim_wanted();
    }

    /// Waits for the next step. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Step {
        let sure_until = self.sure_until;
        tokio::select! {
            answer = answered(&mut self.call) => {
                self.call = None;
                Step::Answered(answer)
            }
            _ = self.renewals.tick() => Step::Due,
            () = lapsed(sure_until) => Step::Lapsed,
        }
    }

    /// Takes a step: workers start with their claims, and end with them. Fails if the store can no longer be trusted.
    pub(super) fn take(&mut self, step: Step, workers: &mut Workers) -> Result<(), store::Error> {
        match step {
            Step::Due if self.call.is_none() => {
                self.wanted.clear();
                let wanted = self.registry.ids().into_iter().filter(|id| !workers.has(id)).collect();
                self.ask(Some(workers.leases()), wanted);
            }
            // The answer to the last question is overdue: the store is slow, and more questions would not help.
            Step::Due => {}
            Step::Lapsed => {
                self.sure_until = None;
                if workers.end_all() {
                    tracing::warn!("the claims on webhooks could not be renewed in time; nothing is sent");
                }
            }
            Step::Answered(answer) => {
                self.settle(answer, workers)?;
                self.claim_wanted();
            }
        }
        Ok(())
    }

    /// Releases the claims after everything that was delivered is recorded, so that another instance need not wait for
    /// the end of the term.
    pub(super) async fn release(self) {
        let leases = self.registry.leases();
        let releasing = async {
            self.parts.recorder.flushed().await;
            self.parts.ledger.release(leases).await
        };
        match tokio::time::timeout(RELEASE_MAX, releasing).await {
            Ok(Ok(()) | Err(store::Error::Closed)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "could not release the claims on webhooks; they expire"),
            Err(_) => tracing::warn!("could not release the claims on webhooks in time; they expire"),
        }
    }

    fn claim_wanted(&mut self) {
        if self.call.is_none() && !self.wanted.is_empty() {
            let wanted = std::mem::take(&mut self.wanted).into_iter().collect();
            self.ask(None, wanted);
        }
    }

    /// Asks the ledger to renew `leases` and to claim `wanted`.
    fn ask(&mut self, leases: Option<Vec<Lease>>, wanted: Vec<WebhookId>) {
        let (ledger, instance, term) = (Arc::clone(&self.parts.ledger), self.instance, self.term);
        self.call = Some(Box::pin(async move {
            let asked = Instant::now();
            let is_renewal = leases.is_some();
            let renewing_and_claiming = async {
                let lost = match leases {
                    Some(leases) if !leases.is_empty() => ledger.renew(leases, term).await?,
                    _ => Vec::new(),
                };
                let claims = match wanted.is_empty() {
                    false => ledger.claim(instance, wanted.clone(), term).await?,
                    true => Vec::new(),
                };
                Ok((lost, claims))
            };
            let outcome = renewing_and_claiming.await;
            Answer { asked, is_renewal, wanted, outcome }
        }));
    }

    fn settle(&mut self, answer: Answer, workers: &mut Workers) -> Result<(), store::Error> {
        let (lost, claims) = match answer.outcome {
            Ok(outcome) => outcome,
            Err(error @ store::Error::Fatal { .. }) => return Err(error),
            Err(store::Error::Closed) => return Ok(()),
            Err(error) => {
                tracing::warn!(%error, "could not claim webhooks; retrying");
                return Ok(());
            }
        };
        if answer.is_renewal || self.sure_until.is_none() {
            self.sure_until = Some(answer.asked + self.term * COUNTED_ON / 100);
        }
        // The dispatcher ends their workers.
        lost.iter().for_each(|lease| self.registry.lose(lease));
        let mut elsewhere: BTreeSet<WebhookId> = answer.wanted.into_iter().collect();
        for claim in claims {
            elsewhere.remove(&claim.lease.webhook);
            self.start(claim, workers);
        }
        for entry in elsewhere.iter().filter_map(|id| self.registry.get(id)) {
            entry.sender.set_elsewhere();
        }
        // A pusher does not wait for webhooks that others send.
        self.parts.first_attempts.recount();
        Ok(())
    }

    /// Starts the worker of a webhook that this instance has claimed.
    fn start(&self, claim: Claim, workers: &mut Workers) {
        let id = &claim.lease.webhook;
        // A worker that has not ended yet is started again at a later renewal.
        let entry = self.registry.get(id).filter(|_| !workers.has(id));
        let Some(entry) = entry else { return };
        let is_again = entry.sender.lease().as_ref() == Some(&claim.lease);
        if let Some(row) = claim.left.as_ref().filter(|_| !is_again) {
            match Webhook::from_row(row) {
                Ok(webhook) => drop(self.registry.put(webhook, row)),
                Err(damaged) => return tracing::error!("{damaged}; nothing is sent to it"),
            }
            entry.continue_from(row);
        }
        entry.sender.set_here(claim.lease.clone());
        // The rows of a worker that ran before may not be recorded yet.
        workers.start(entry, claim.lease, claim.has_deliveries || is_again);
    }
}

async fn answered(call: &mut Option<Pin<Box<dyn Future<Output = Answer> + Send>>>) -> Answer {
    match call {
        Some(call) => call.await,
        None => std::future::pending().await,
    }
}

async fn lapsed(sure_until: Option<Instant>) {
    match sure_until {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
