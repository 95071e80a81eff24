//! Durable readers: cursors that outlive connections.

use std::collections::HashMap;
use std::sync::Arc;

use fanfare_core::{Event, Filter, Position, Principal, ReaderName};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::Hub;
use crate::own;
use fanfare_runtime::clock;
use fanfare_store as store;
use fanfare_store::{Order, Read, ReaderRow};

/// The lag of a reader is counted up to here.
pub const LAG_MAX: u64 = 10_000;

/// Most pages that one listing looks at, for all readers together: about two seconds of work. The lag of those that come
/// after is what could be counted, and is said not to be exact.
const PAGES_MAX: usize = 100;
/// Most pages for one of them: a page ends early on bytes or on events looked at.
const PAGES_EACH_MAX: usize = 4;

/// Most acknowledgements that somebody who waits for one may be behind; past it, the readers are looked at instead.
pub(super) const ACKNOWLEDGEMENTS_MAX: usize = 256;

/// A durable reader and how far behind it is.
#[derive(Debug, Clone)]
pub struct ReaderInfo {
    /// What the store knows.
    pub row: ReaderRow,
    /// How many connections it has.
    pub connected: usize,
    /// How many matching events come after what it acknowledged, up to [`LAG_MAX`].
    pub lag: u64,
    /// Whether all were counted.
    pub lag_is_exact: bool,
}

/// What somebody is told who waits for an acknowledgement.
#[derive(Debug, Clone)]
pub enum Told {
    /// A reader is that far.
    Acknowledged(Arc<ReaderRow>),
    /// The gateway is stopping.
    Closing,
}

/// What the readers of one principal acknowledge.
#[derive(Debug)]
pub struct Acknowledgements {
    hub: Hub,
    by: Principal,
    told: broadcast::Receiver<Told>,
}

impl Acknowledgements {
    /// Waits for the next; what was missed because too much was told is an error, as it is of a broadcast.
    pub async fn recv(&mut self) -> Result<Told, RecvError> {
        loop {
            let told = self.told.recv().await?;
            match &told {
                Told::Acknowledged(row) if !self.hub.owns(&self.by, &row.key.owner) => {}
                Told::Acknowledged(_) | Told::Closing => return Ok(told),
            }
        }
    }
}

/// Why nothing was acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AckError {
    /// The position is past the log's end or of another log.
    #[error("position `{position}` is not in this log")]
    NotInLog {
        /// The position.
        position: Position,
    },
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// No reader has this name.
    #[error("no reader is named `{name}`")]
    UnknownReader {
        /// The name.
        name: ReaderName,
    },
}

impl Hub {
    /// Notes that `name` has everything up to `position`.
    pub async fn acknowledge(
        &self,
        by: &Principal,
        name: &ReaderName,
        position: Position,
    ) -> Result<ReaderRow, AckError> {
        if position.epoch != self.epoch() || position.seq > self.extent().last {
            return Err(AckError::NotInLog { position });
        }
        let row = self.ledger().acknowledge(&own::reader(by, name), position.seq).await?;
        let row = row.ok_or_else(|| AckError::UnknownReader { name: name.clone() })?;
        let told = &self.shared.acknowledgements;
        if told.receiver_count() > 0 {
            // Whoever waited may be gone by now.
            let _ = told.send(Told::Acknowledged(Arc::new(row.clone())));
        }
        Ok(row)
    }

    /// Tells what readers of `by` acknowledge from now on. Whoever lags has to look at [`Hub::receipts`] again.
    pub fn acknowledgements(&self, by: &Principal) -> Acknowledgements {
        let told = self.shared.acknowledgements.subscribe();
        Acknowledgements { hub: self.clone(), by: by.clone(), told }
    }

    /// Returns the durable readers of `by`.
    pub async fn readers(&self, by: &Principal) -> Result<Vec<ReaderInfo>, store::Error> {
        let clients = self.clients(by);
        let mut connections: HashMap<&ReaderName, usize> = HashMap::new();
        for name in clients.iter().filter_map(|client| client.reader.as_ref()) {
            *connections.entry(name).or_default() += 1;
        }
        let mut readers = Vec::new();
        let mut pages = PAGES_MAX;
        for row in self.own_readers(by).await? {
            let connected = connections.get(&row.key.name).copied().unwrap_or_default();
            let (lag, lag_is_exact) = self.count_after(row.acknowledged, &row.filter, &mut pages).await?;
            readers.push(ReaderInfo { row, connected, lag, lag_is_exact });
        }
        Ok(readers)
    }

    /// Forgets a durable reader; says whether it was known.
    pub async fn remove_reader(&self, by: &Principal, name: &ReaderName) -> Result<bool, store::Error> {
        self.ledger().remove_reader(&own::reader(by, name)).await
    }

    /// Returns the durable readers of `by` that `event` is for.
    pub async fn receipts(&self, by: &Principal, event: &Event) -> Result<Vec<ReaderRow>, store::Error> {
        let mut readers = self.own_readers(by).await?;
        readers.retain(|reader| reader.filter.matches(event));
        Ok(readers)
    }

    async fn own_readers(&self, by: &Principal) -> Result<Vec<ReaderRow>, store::Error> {
        let mut readers = self.ledger().readers().await?;
        readers.retain(|reader| self.owns(by, &reader.key.owner));
        Ok(readers)
    }

    /// Counts the events after `seq` that pass `filter`, up to [`LAG_MAX`]; says whether those are all.
    pub async fn lag(&self, _by: &Principal, seq: u64, filter: &Filter) -> Result<(u64, bool), store::Error> {
        let mut pages = PAGES_EACH_MAX;
        self.count_after(seq, filter, &mut pages).await
    }

    /// Counts the events after `seq` that pass the filter, as far as `pages` last, which it takes from.
    async fn count_after(
        &self,
        seq: u64,
        filter: &Filter,
        pages: &mut usize,
    ) -> Result<(u64, bool), store::Error> {
        let read = Read {
            after: seq,
            until: self.extent().last,
            filter: filter.clone(),
            order: Order::Oldest,
            limit: LAG_MAX as usize,
            now: clock::now(),
        };
        let mut after = seq;
        let mut count = 0;
        for _ in 0..PAGES_EACH_MAX {
            if after >= read.until || *pages == 0 {
                break;
            }
            *pages -= 1;
            let page = self.log().read(Read { after, ..read.clone() }).await?;
            count += page.events.len() as u64;
            after = page.scanned;
            if count >= LAG_MAX {
                break;
            }
        }
        Ok((count.min(LAG_MAX), after >= read.until && count <= LAG_MAX))
    }
}
