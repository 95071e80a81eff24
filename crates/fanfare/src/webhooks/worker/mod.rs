//! The worker of one webhook: reads the log from its cursor, makes the attempts, and decides what follows from each.

mod land;
mod launch;
mod retries;
mod source;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::webhook::WebhookId;
use fanfare_core::webhook::breaker::Breaker;
use fanfare_core::webhook::signature::SigningKeys;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::shutdown::Shutdown;
use crate::store;
use crate::webhooks::attempt::Attempt;
use crate::webhooks::client::connection::Connection;
use crate::webhooks::dispatcher::Parts;
use crate::webhooks::registry::Entry;
use crate::webhooks::target::Target;
use crate::webhooks::webhook::Webhook;
use crate::webhooks::window::Window;
use crate::webhooks::worker::retries::Retries;
use crate::webhooks::worker::source::Source;

/// How long attempts that are under way may take when the gateway stops; what is cut off is made again at the start.
const STOP_MAX: Duration = Duration::from_secs(5);

/// What an attempt gives back.
enum Landed {
    /// It was made; here is the connection, when that can be used again.
    Attempted(Box<(Attempt, Option<Connection>)>),
    /// There was no need for it any more.
    Unwanted(u64),
}

type Flight = Pin<Box<dyn Future<Output = Result<Landed, store::Error>> + Send>>;

/// The worker of one webhook.
pub(super) struct Worker {
    parts: Arc<Parts>,
    entry: Arc<Entry>,
    id: WebhookId,
    webhook: Arc<Webhook>,
    target: Arc<Target>,
    keys: Arc<SigningKeys>,
    source: Source,
    window: Window,
    retries: Retries,
    breaker: Breaker,
    flights: FuturesUnordered<Flight>,
    idle: Vec<Connection>,
    /// When the next delivery may go out, where a rate is set.
    next_slot: Instant,
    /// Since when events wait for others to make a batch.
    gathering_since: Option<Instant>,
    /// When the breaker lets something through again.
    held_until: Option<Instant>,
}

impl Worker {
    /// Starts where the store has it.
    pub(super) async fn start(parts: Arc<Parts>, entry: Arc<Entry>) -> Result<Worker, store::Error> {
        let webhook = entry.webhook();
        let cursor = entry.cursor.get();
        let source = Source::open(&parts.hub, &webhook.options.filter, cursor).await?;
        let mut retries = Retries::default();
        retries.load(&*parts.store, &webhook.id).await?;
        let (target, keys) = prepared(&parts, &webhook);
        Ok(Worker {
            id: webhook.id.clone(),
            window: Window::new(cursor),
            target,
            keys,
            webhook,
            source,
            retries,
            breaker: Breaker::default(),
            flights: FuturesUnordered::new(),
            idle: Vec::new(),
            next_slot: Instant::now(),
            gathering_since: None,
            held_until: None,
            parts,
            entry,
        })
    }

    /// Works until the webhook is removed or the gateway stops. Fails when the store can no longer be trusted.
    pub(super) async fn run(mut self, mut stop: Shutdown) -> Result<(), store::Error> {
        let mut definition = self.entry.definition.subscribe();
        let mut nudges = self.entry.nudges.subscribe();
        loop {
            if self.retries.are_more_stored() {
                self.reload().await?;
            }
            let is_reading = self.launch()?;
            let wake_at = self.wakes_at();
            tokio::select! {
                Some(landed) = self.flights.next(), if !self.flights.is_empty() => self.land(landed?).await,
                ready = self.source.ready(), if is_reading => {
                    if !ready? {
                        break;
                    }
                    self.note_lost().await;
                }
                () = sleep_until(wake_at), if wake_at.is_some() => {}
                changed = definition.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.redefine().await?;
                }
                _ = nudges.changed() => self.reload().await?,
                () = stop.asked() => break,
            }
        }
        let landing = async {
            while let Some(landed) = self.flights.next().await {
                self.land(landed?).await;
            }
            Ok(())
        };
        // What is cut off is not recorded, so it is made again.
        tokio::time::timeout(STOP_MAX, landing).await.unwrap_or(Ok(()))
    }

    /// Reads anew what waits: somebody has changed it by hand.
    async fn reload(&mut self) -> Result<(), store::Error> {
        // What failed a moment ago may not be written yet, and would be missing.
        self.parts.recorder.flushed().await;
        self.retries.load(&*self.parts.store, &self.id).await
    }

    /// Takes another definition. With another filter, what was not read yet is read with that.
    async fn redefine(&mut self) -> Result<(), store::Error> {
        let webhook = self.entry.webhook();
        if webhook.options.filter != self.webhook.options.filter {
            let after = self.window.read();
            self.source = Source::open(&self.parts.hub, &webhook.options.filter, after).await?;
        }
        if webhook.url != self.webhook.url {
            self.idle.clear();
        }
        self.breaker = Breaker::default();
        self.held_until = None;
        (self.target, self.keys) = prepared(&self.parts, &webhook);
        self.webhook = webhook;
        Ok(())
    }

    /// Gives when something is to be done that nobody tells.
    fn wakes_at(&self) -> Option<Instant> {
        if self.entry.health().is_paused() {
            return None;
        }
        let rated = self.webhook.options.rate_per_second.map(|_| self.next_slot);
        let batch = self.webhook.options.batch.zip(self.gathering_since);
        let gathered = batch.map(|(batch, since)| since + batch.max_wait);
        let due = self.retries.next();
        let now = Instant::now();
        let moments = [self.held_until, rated.filter(|slot| *slot > now), gathered, due];
        // What holds everything back is waited for first; what is due already waits for an attempt to end.
        match self.held_until {
            Some(until) => Some(until),
            None => moments.into_iter().flatten().filter(|moment| *moment > now).min(),
        }
    }
}

fn prepared(parts: &Parts, webhook: &Webhook) -> (Arc<Target>, Arc<SigningKeys>) {
    let target = Target::new(webhook, &parts.hub.epoch().to_string());
    (Arc::new(target), Arc::new(webhook.signing_keys()))
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
