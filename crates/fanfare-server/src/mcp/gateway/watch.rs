//! Watching: an agent learns that a resource has changed, and reads it if it wants to know more.
//!
//! A watch has no queue. It observes four values that move: the declared tools, the number of channels, the head of the
//! log, and a cursor on the channels whose latest events are watched. A client that does not read leaves them where they
//! are; once it reads again, it gets one notification for each.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use fanfare_core::{Channel, Filter, Pattern, Position, Priority, Start};
use fanfare_mcp::Error;
use fanfare_mcp::listen::{Change, Interests};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::mcp::caller::Caller;
use crate::mcp::gateway::Gateway;
use crate::mcp::gateway::address::Address;
use crate::mcp::gateway::declared::Set;
use fanfare_hub::subscribe;
use fanfare_hub::subscription::{Peek, Subscription};

/// Minimum interval between notifications for `fanfare://channels`: every event changes it.
const CHANNELS_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum consecutive checks of a cursor before the findings are reported, however fast events arrive.
const LOOKS_MAX: usize = 64;

/// The watch of one client.
struct Watch {
    tools: Option<Moves<Arc<Set>>>,
    lists: Option<Moves<usize>>,
    channels: Option<Channels>,
    latest: Option<Latest>,
    /// The next notifications: at most one per resource.
    pending: VecDeque<Change>,
}

/// A value that moves.
struct Moves<T>(watch::Receiver<T>);

/// `fanfare://channels`, under the addresses that the client wrote.
struct Channels {
    uris: Vec<String>,
    head: Moves<Position>,
    told: Option<Instant>,
}

/// The latest of some channels.
struct Latest {
    /// Each channel with the address that the client wrote.
    uris: Vec<(Channel, String)>,
    cursor: Subscription,
}

impl Gateway {
    /// Follows those of `wanted` that can change.
    pub(super) async fn watch_resources(
        &self,
        caller: &Caller,
        wanted: &Interests,
    ) -> Result<(Interests, BoxStream<'static, Change>), Error> {
        let mut honoured = Interests {
            resources_list_changed: wanted.resources_list_changed,
            tools_list_changed: wanted.tools_list_changed,
            ..Interests::default()
        };
        let (mut all, mut latest) = (Vec::new(), Vec::new());
        for uri in &wanted.resource_subscriptions {
            if honoured.resource_subscriptions.contains(uri) {
                continue;
            }
            match uri.parse() {
                Ok(Address::Channels) => all.push(uri.clone()),
                // A client can also wait for a channel that has no events yet.
                Ok(Address::Latest(channel)) => latest.push((channel, uri.clone())),
                // An event never changes.
                Ok(Address::Event(_)) | Err(_) => continue,
            }
            honoured.resource_subscriptions.push(uri.clone());
        }
        let hub = &self.hub;
        let watch = Watch {
            tools: wanted.tools_list_changed.then(|| Moves(self.tools.moves())),
            lists: wanted.resources_list_changed.then(|| Moves(hub.channel_count())),
            channels: (!all.is_empty()).then(|| Channels { uris: all, head: Moves(hub.moves()), told: None }),
            latest: if latest.is_empty() { None } else { Some(self.follow(caller, latest).await?) },
            pending: VecDeque::new(),
        };
        let changes = futures_util::stream::unfold(watch, |mut watch| async {
            let change = watch.next().await?;
            Some((change, watch))
        });
        Ok((honoured, changes.boxed()))
    }

    async fn follow(&self, caller: &Caller, uris: Vec<(Channel, String)>) -> Result<Latest, Error> {
        let patterns = uris.iter().map(|(channel, _)| Pattern::from(channel)).collect();
        let filter = Filter::new(patterns, Vec::new(), Priority::Min, None)
            .map_err(|invalid| Error::invalid_params(invalid.to_string()))?;
        let by = &caller.client.principal;
        let client = caller.subscriber();
        let request = subscribe::Request {
            filter: Some(filter),
            start: Start::Live,
            conflate: false,
            shed: false,
            client,
        };
        let cursor = self.hub.subscribe(by, request).await.map_err(|error| {
            tracing::error!(%error, "the store could not be read");
            Error::internal("the event log could not be read; the cause is in the gateway's server log")
        })?;
        Ok(Latest { uris, cursor })
    }
}

impl Watch {
    /// Returns the next change; `None` if an operator disconnected the client.
    async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return Some(change);
            }
            let changed = tokio::select! {
                () = next_list(&mut self.tools) => vec![Change::Tools],
                () = next_list(&mut self.lists) => vec![Change::Resources],
                changed = next_channels(&mut self.channels) => changed,
                changed = next_latest(&mut self.latest) => changed?,
            };
            self.pending.extend(changed);
        }
    }
}

/// Waits until a list changes; forever if it is not watched. Cancelling loses nothing, here and below.
async fn next_list<T>(list: &mut Option<Moves<T>>) {
    match list {
        Some(list) => list.wait().await,
        None => std::future::pending().await,
    }
}

async fn next_channels(channels: &mut Option<Channels>) -> Vec<Change> {
    let Some(Channels { uris, head, told }) = channels else { return std::future::pending().await };
    head.wait().await;
    if let Some(told) = *told {
        // A caller that cancels this wait must still get the notification later.
        head.0.mark_changed();
        tokio::time::sleep_until(told + CHANNELS_INTERVAL).await;
        head.0.mark_unchanged();
    }
    *told = Some(Instant::now());
    uris.iter().cloned().map(Change::Resource).collect()
}

async fn next_latest(latest: &mut Option<Latest>) -> Option<Vec<Change>> {
    match latest {
        Some(latest) => latest.next().await,
        None => std::future::pending().await,
    }
}

impl<T> Moves<T> {
    /// Waits until the value has moved; forever if its owner is gone.
    async fn wait(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Latest {
    /// Returns the next changes; `None` if an operator disconnected the client.
    async fn next(&mut self) -> Option<Vec<Change>> {
        let mut items = Vec::new();
        loop {
            let changed = self.look(&mut items);
            if !changed.is_empty() {
                let uris = self.uris.iter().filter(|(channel, _)| changed.contains(channel));
                return Some(uris.map(|(_, uri)| Change::Resource(uri.clone())).collect());
            }
            match self.cursor.ready(&mut items).await {
                Ok(true) => {}
                Ok(false) if self.cursor.client().is_dismissed() => return None,
                // The gateway is stopping, and subscribers are informed.
                Ok(false) => return std::future::pending().await,
                Err(error) => {
                    tracing::error!(%error, "the store could not be read");
                    return std::future::pending().await;
                }
            }
        }
    }

    /// Moves the cursor forward over the available events, and returns the channels that it passed.
    fn look(&mut self, items: &mut Vec<fanfare_hub::item::Item>) -> BTreeSet<Channel> {
        let mut changed = BTreeSet::new();
        for _ in 0..LOOKS_MAX {
            match self.cursor.peek(items) {
                Peek::Items => {
                    for item in &*items {
                        changed.extend(item.events().iter().map(|event| event.channel.clone()));
                        self.cursor.advance(item, item.len());
                    }
                }
                Peek::Behind => changed.extend(self.skip()),
                Peek::Ended | Peek::Idle | Peek::Torn => break,
            }
        }
        changed
    }

    /// Skips what is no longer in memory: the client only needs to know that something came.
    fn skip(&mut self) -> Vec<Channel> {
        let before = self.cursor.skip();
        let rows = self.cursor.hub().channel_rows(&self.cursor.client().principal);
        rows.into_iter().filter(|(row, _)| row.last_seq > before).map(|(row, _)| row.channel).collect()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::{CHANNELS_INTERVAL, Channels, Duration, Instant, Moves, Position, next_channels, watch};
    use fanfare_core::Epoch;

    #[tokio::test]
    async fn what_comes_within_the_interval_is_told_once_and_at_its_end() {
        let at = |seq| Position { epoch: Epoch::from_random(0), seq };
        let (head, moves) = watch::channel(at(0));
        let mut channels = Some(Channels { uris: vec!["x".to_owned()], head: Moves(moves), told: None });
        assert_eq!(next_channels(&mut channels).now_or_never(), None, "nothing has moved");
        head.send_replace(at(1));
        assert_eq!(next_channels(&mut channels).await.len(), 1);
        let told = Instant::now() + Duration::from_millis(50) - CHANNELS_INTERVAL;
        channels.as_mut().expect("channels").told = Some(told);
        for seq in 2..5 {
            head.send_replace(at(seq));
            assert_eq!(next_channels(&mut channels).now_or_never(), None, "it is too soon");
        }
        // Dropping the other futures loses nothing.
        let deadline = Duration::from_secs(20);
        let told_now = tokio::time::timeout(deadline, next_channels(&mut channels)).await;
        assert_eq!(told_now.map(|changes| changes.len()), Ok(1));
        assert!(told.elapsed() >= CHANNELS_INTERVAL);
        assert_eq!(next_channels(&mut channels).now_or_never(), None, "all was told");
    }
}
