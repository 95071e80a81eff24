//! Forgetting channels: a channel without events that nobody asks for makes room for others.

use std::collections::HashSet;
use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

use fanfare_core::Channel;
use tokio::sync::watch;

use crate::Hub;
use crate::channels::Channels;
use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;
use fanfare_store::Head;

/// Minimum interval between two looks, because each reads the list of readers.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Interval between looks even if retention removed nothing: a listener may have left.
const PATIENCE: Duration = Duration::from_secs(60);

/// Maximum channels that are forgotten at once: a transaction of a few milliseconds.
const FORGET_LEN_MAX: usize = 500;

/// Returns the channels that webhooks name.
type Wanted = Box<dyn Fn() -> HashSet<Channel> + Send + Sync>;

/// The task that forgets channels.
pub struct Forgetting {
    hub: Hub,
    wanted: Wanted,
    head: watch::Receiver<Head>,
}

impl Forgetting {
    /// Creates the task for the channels of `hub`; it keeps those that `wanted` returns.
    pub fn new(hub: Hub, wanted: impl Fn() -> HashSet<Channel> + Send + Sync + 'static) -> Forgetting {
        let head = hub.log().head();
        Forgetting { hub, wanted: Box::new(wanted), head }
    }

    async fn forget(&self) -> Result<(), store::Error> {
        let first = self.head.borrow().first;
        let mut channels = Vec::new();
        self.hub.change_channels(|known| channels = known.last_before(first));
        // What retention removes every second seldom leaves a channel without events.
        if !channels.is_empty() {
            self.drop_wanted(&mut channels).await?;
        }
        // Runs at least once: the store then also forgets purged channels.
        let mut rest = &channels[..];
        loop {
            let (some, others) = rest.split_at(rest.len().min(FORGET_LEN_MAX));
            self.hub.log().forget_channels(some.to_vec()).await?;
            rest = others;
            if rest.is_empty() {
                break;
            }
        }
        if channels.is_empty() {
            return Ok(());
        }
        let known = self.hub.log().channels().await?;
        let known: HashSet<Channel> = known.into_iter().map(|row| row.channel).collect();
        channels.retain(|channel| !known.contains(channel));
        self.hub.change_channels(|known| known.forget(&channels, first));
        Ok(())
    }

    /// Drops the channels that a subscription, a durable reader or a webhook names.
    async fn drop_wanted(&self, channels: &mut Vec<Channel>) -> Result<(), store::Error> {
        let mut wanted: HashSet<Box<str>> = self.hub.feeds().named();
        for reader in self.hub.ledger().readers().await? {
            wanted.extend(
                reader.filter.patterns().iter().filter_map(|pattern| pattern.exact().map(Into::into)),
            );
        }
        let by_webhooks = (self.wanted)();
        channels.retain(|channel| !wanted.contains(channel.as_str()) && !by_webhooks.contains(channel));
        Ok(())
    }
}

impl Work for Forgetting {
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        // There may be channels to forget at the start.
        let mut removed = None;
        loop {
            let is_new = |head: &Head| Some(head.removed()) != removed;
            tokio::select! {
                moved = self.head.wait_for(is_new) => removed = moved.map_or(removed, |head| Some(head.removed())),
                () = tokio::time::sleep(PATIENCE) => {}
                () = stop.asked() => return Ok(()),
            }
            match self.forget().await {
                Ok(()) => {}
                Err(store::Error::Fatal { .. } | store::Error::Closed) => {
                    // The store reports the reason itself; nothing is left to forget.
                    stop.asked().await;
                    return Ok(());
                }
                Err(error) => tracing::warn!(%error, "could not forget channels without events"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                () = stop.asked() => return Ok(()),
            }
        }
    }
}

impl fmt::Debug for Forgetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forgetting").finish_non_exhaustive()
    }
}

impl Hub {
    /// Changes the table of channels.
    pub(super) fn change_channels(&self, change: impl FnOnce(&mut Channels)) {
        let count = {
            let mut channels = self.shared.channels.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut channels);
            channels.count()
        };
        self.tell_channels(count);
    }
}
