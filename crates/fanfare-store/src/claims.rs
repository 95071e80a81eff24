//! Claims: of several instances, the one that sends a webhook.
//!
//! [`Claims`] is for engines that keep claims in their own process. Such an engine admits no other process, so its
//! claims end with it: a process that was killed leaves nothing behind that the next one would have to wait for.

use std::collections::HashMap;
use std::time::Duration;

use fanfare_core::{Timestamp, WebhookId};

use crate::registry::Registry;
use crate::{Error, WebhookRow};

/// The identity of an instance: a gateway from its start to its end. After a restart it is another instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InstanceId(u128);

impl InstanceId {
    /// Returns a new random id, which no one else creates.
    pub fn random() -> InstanceId {
        InstanceId(rand::random())
    }
}

/// The proof that an instance has claimed a webhook. It is good until another instance claims the webhook, also after
/// its term.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The webhook.
    pub webhook: WebhookId,
    /// The fencing token: grows with each change of owner, and is never reused.
    pub fence: u64,
}

/// A webhook that an instance has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The proof.
    pub lease: Lease,
    /// The webhook as an earlier owner left it. `None` if nobody has claimed it since it was registered, or since a
    /// store of one process was opened: then it is as [`Ledger::webhooks`](crate::Ledger::webhooks) lists it.
    pub left: Option<WebhookRow>,
    /// Whether the webhook has delivery rows.
    pub has_deliveries: bool,
}

/// The claims on the webhooks of one ledger.
#[derive(Debug, Default)]
pub struct Claims {
    /// The last fence; one sequence for all webhooks.
    last_fence: u64,
    /// The last owner of each webhook that was claimed, by the number of the webhook.
    tenures: HashMap<u64, Tenure>,
}

/// The time of one owner.
#[derive(Debug, Clone, Copy)]
struct Tenure {
    /// The owner; `None` once it has released the webhook.
    owner: Option<InstanceId>,
    fence: u64,
    until: Timestamp,
    /// Whether there was an owner before.
    is_handed_over: bool,
}

impl Claims {
    /// Claims those of `wanted` that no other instance holds at `now`, for `term`.
    pub fn claim(
        &mut self,
        registry: &Registry,
        instance: InstanceId,
        wanted: &[WebhookId],
        term: Duration,
        now: Timestamp,
    ) -> Vec<Claim> {
        self.tenures.retain(|number, _| registry.get(*number).is_some());
        let claim = |webhook: &WebhookId| {
            let number = registry.number(webhook)?;
            let entry = registry.get(number)?;
            let tenure = self.take(number, instance, term, now)?;
            Some(Claim {
                lease: Lease { webhook: webhook.clone(), fence: tenure.fence },
                left: tenure.is_handed_over.then(|| entry.row.clone()),
                has_deliveries: entry.waiting + entry.failed > 0,
            })
        };
        wanted.iter().filter_map(claim).collect()
    }

    /// Makes `instance` the owner of a webhook, unless another instance is.
    fn take(&mut self, number: u64, instance: InstanceId, term: Duration, now: Timestamp) -> Option<Tenure> {
        let before = self.tenures.get(&number);
        let owner = before.and_then(|tenure| tenure.owner);
        let tenure = match before {
            Some(tenure) if owner == Some(instance) => Tenure { until: now.after(term), ..*tenure },
            Some(tenure) if owner.is_some() && now < tenure.until => return None,
            _ => {
                self.last_fence += 1;
                Tenure {
                    owner: Some(instance),
                    fence: self.last_fence,
                    until: now.after(term),
                    is_handed_over: before.is_some(),
                }
            }
        };
        self.tenures.insert(number, tenure);
        Some(tenure)
    }

    /// Prolongs leases to `term` from `now`; returns those that could not be.
    pub fn renew(
        &mut self,
        registry: &Registry,
        leases: Vec<Lease>,
        term: Duration,
        now: Timestamp,
    ) -> Vec<Lease> {
        let is_lost = |lease: &Lease| match self.tenure_mut(registry, lease) {
            Some(tenure) if tenure.owner.is_some() => {
                tenure.until = now.after(term);
                false
            }
            _ => true,
        };
        leases.into_iter().filter(is_lost).collect()
    }

    /// Ends the claims of these leases; ignores leases that were lost.
    pub fn release(&mut self, registry: &Registry, leases: &[Lease]) {
        for lease in leases {
            if let Some(tenure) = self.tenure_mut(registry, lease) {
                tenure.owner = None;
            }
        }
    }

    /// Returns the tenure of a lease, if the lease is good.
    fn tenure_mut(&mut self, registry: &Registry, lease: &Lease) -> Option<&mut Tenure> {
        let tenure = self.tenures.get_mut(&registry.number(&lease.webhook)?)?;
        (tenure.fence == lease.fence).then_some(tenure)
    }

    /// Fails unless every lease is good. The lease of a webhook that was removed is passed over, as its changes are.
    pub fn check(&self, registry: &Registry, leases: &[Lease]) -> Result<(), Error> {
        let is_fenced = |lease: &&Lease| {
            let fence_of = |number| self.tenures.get(&number).map(|tenure| tenure.fence);
            registry.number(&lease.webhook).is_some_and(|number| fence_of(number) != Some(lease.fence))
        };
        let fenced: Vec<Lease> = leases.iter().filter(is_fenced).cloned().collect();
        if fenced.is_empty() { Ok(()) } else { Err(Error::Fenced { leases: fenced }) }
    }
}
