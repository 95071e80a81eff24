//! The dispatcher: one worker for each webhook that this instance has claimed, started and stopped as claims and the
//! registry change.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::claiming::Claiming;
use crate::following::Following;
use crate::parts::Parts;
use crate::registry::Registry;
use crate::workers::Workers;
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;

/// The interval at which idle workers record their position: after a crash, the log of that time is read again.
const SETTLE_INTERVAL: Duration = Duration::from_secs(30);

/// Runs the workers.
#[derive(Debug)]
pub struct Dispatcher {
    parts: Arc<Parts>,
    registry: Arc<Registry>,
    following: Following,
    /// The term of a claim.
    term: Duration,
}

impl Dispatcher {
    /// Creates a dispatcher whose claims last for `term`; nothing is sent before it runs.
    pub(super) fn new(following: Following, term: Duration) -> Dispatcher {
        let (parts, registry) = (Arc::clone(&following.parts), Arc::clone(&following.registry));
        Dispatcher { parts, registry, following, term }
    }

    /// Claims the webhooks and runs a worker for each, until `stop` turns true and the attempts in flight have ended.
    /// Fails if the store can no longer be trusted.
    pub async fn run(self, mut stop: Shutdown) -> Result<(), store::Error> {
        let Dispatcher { parts, registry, following, term } = self;
        let mut following = pin!(following.run());
        let mut version = registry.version();
        let mut workers = Workers::new(Arc::clone(&parts), stop.clone());
        let mut claiming = Claiming::new(Arc::clone(&parts), Arc::clone(&registry), term);
        let mut ticks = tokio::time::interval(SETTLE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settled = None;
        loop {
            for (id, entry) in registry.take_changed() {
                match entry {
                    Some(entry) if !entry.sender.is_elsewhere() => claiming.want(id),
                    _ => workers.end(&id),
                }
            }
            tokio::select! {
                _ = version.changed() => {}
                step = claiming.next() => claiming.take(step, &mut workers)?,
                ended = workers.ended() => ended?,
                failure = &mut following => return Err(failure),
                _ = ticks.tick() => {
                    let last = parts.hub.last();
                    if settled.replace(last) != Some(last) {
                        parts.ticks.send_replace(());
                    }
                }
                () = stop.asked() => break,
            }
        }
        let ended = workers.all_ended().await;
        parts.finish.pull();
        ended?;
        claiming.release().await;
        Ok(())
    }
}
