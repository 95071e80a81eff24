//! Durable readers: cursors that outlive connections.

use std::sync::Arc;

use fanfare_core::folded::Folded;
use fanfare_core::refusal::Refusal;
use fanfare_core::{Code, Event, Filter, Position, Principal, ReaderName, page};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::Hub;
use crate::lag::LagPages;
use crate::own;
use fanfare_store as store;
use fanfare_store::ReaderRow;

/// Maximum acknowledgements that a waiting caller may fall behind; beyond it, the caller looks at the readers instead.
pub(super) const ACKNOWLEDGEMENTS_MAX: usize = 256;

/// A durable reader and its lag.
#[derive(Debug, Clone)]
pub struct ReaderInfo {
    /// The reader's row in the store.
    pub row: ReaderRow,
    /// The number of connections that the reader has.
    pub connected: usize,
    /// The number of matching events after the acknowledged position, or of all events if it is not exact.
    pub lag: u64,
    /// Whether only matching events were counted, which is so up to [`LAG_MAX`](crate::lag::LAG_MAX).
    pub lag_is_exact: bool,
}

/// A page of durable readers.
#[derive(Debug, Clone)]
pub struct ReadersPage {
    /// The readers, ordered by name.
    pub readers: Vec<ReaderInfo>,
    /// The reader after which the next page starts, if there is one.
    pub next: Option<ReaderName>,
    /// The number of readers on all pages.
    pub total: usize,
}

/// A message to callers that wait for an acknowledgement.
#[derive(Debug, Clone)]
pub enum AckSignal {
    /// A reader has acknowledged a position.
    Acknowledged(Arc<ReaderRow>),
    /// The gateway is stopping.
    Closing,
}

/// The acknowledgements of one principal's readers.
#[derive(Debug)]
pub struct Acknowledgements {
    hub: Hub,
    by: Principal,
    told: broadcast::Receiver<AckSignal>,
}

impl Acknowledgements {
    /// Waits for the next; what was missed because too much was told is an error, as it is of a broadcast.
    pub async fn recv(&mut self) -> Result<AckSignal, RecvError> {
        loop {
            let told = self.told.recv().await?;
            match &told {
                AckSignal::Acknowledged(row) if !self.hub.owns(&self.by, &row.key.owner) => {}
                AckSignal::Acknowledged(_) | AckSignal::Closing => return Ok(told),
            }
        }
    }
}

/// The reason why nothing was acknowledged or set.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AckError {
    /// The position is beyond the end of the log or from another log.
    #[error("position `{position}` is not in this log")]
    NotInLog {
        /// The position that was given.
        position: Position,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// No reader has this name.
    #[error("no reader is named `{name}`")]
    UnknownReader {
        /// The name that was given.
        name: ReaderName,
    },
}

impl From<AckError> for Refusal {
    fn from(error: AckError) -> Refusal {
        match error {
            AckError::NotInLog { position } => Refusal::new(
                Code::InvalidPosition,
                format!("position `{position}` is not in this log"),
                "use the `id` of an event that this gateway sent",
            )
            .at("/position"),
            AckError::Store(error) => error.into(),
            AckError::UnknownReader { name } => Refusal::new(
                Code::NotFound,
                format!("unknown reader `{name}`"),
                "create a reader with `GET /stream?reader=NAME`, or with `subscribe` and `reader` on a WebSocket",
            ),
        }
    }
}

impl Hub {
    /// Records that `name` has everything up to `position`.
    pub async fn acknowledge(
        &self,
        by: &Principal,
        name: &ReaderName,
        position: Position,
    ) -> Result<ReaderRow, AckError> {
        self.check_in_log(position)?;
        let row = self.ledger().acknowledge(&own::reader(by, name), position).await?;
        let row = row.ok_or_else(|| AckError::UnknownReader { name: name.clone() })?;
        let told = &self.shared.acknowledgements;
        if told.receiver_count() > 0 {
            // The caller that waited may be gone by now.
            let _ = told.send(AckSignal::Acknowledged(Arc::new(row.clone())));
        }
        Ok(row)
    }

    /// Sets the filter of a reader, and its position if one is given: forward or back. A reader that does not exist is
    /// created, at the end of the log if no position is given. Returns whether it is new. Connections that it has keep the
    /// filter that they were opened with.
    pub async fn set_reader(
        &self,
        by: &Principal,
        name: &ReaderName,
        filter: &Filter,
        position: Option<Position>,
    ) -> Result<(ReaderRow, bool), AckError> {
        if let Some(position) = position {
            self.check_in_log(position)?;
        }
        Ok(self.ledger().put_reader(&own::reader(by, name), filter, position).await?)
    }

    fn check_in_log(&self, position: Position) -> Result<(), AckError> {
        match position.epoch != self.epoch() || position.seq > self.extent().last {
            true => Err(AckError::NotInLog { position }),
            false => Ok(()),
        }
    }

    /// Returns a receiver of what the readers of `by` acknowledge from now on. A caller that lags must look at
    /// [`Hub::receipts`] again.
    pub fn acknowledgements(&self, by: &Principal) -> Acknowledgements {
        let told = self.shared.acknowledgements.subscribe();
        Acknowledgements { hub: self.clone(), by: by.clone(), told }
    }

    /// Returns a page of the durable readers of `by`, ordered by name: at most `limit` of those after `after`.
    pub async fn readers(
        &self,
        by: &Principal,
        after: Option<&ReaderName>,
        limit: usize,
    ) -> Result<ReadersPage, store::Error> {
        let mut rows = self.own_readers(by).await?;
        let total = rows.len();
        rows.sort_unstable_by(|a, b| a.key.name.cmp(&b.key.name));
        rows.retain(|row| after.is_none_or(|after| row.key.name > *after));
        let next = page::cut(&mut rows, limit, |row| row.key.name.clone());
        let mut readers = Vec::new();
        let mut pages = LagPages::of_list();
        for row in rows {
            let connected = self.shared.clients.connected(&row.key);
            let (lag, lag_is_exact) = self.reader_lag(row.acknowledged, &row.filter, &mut pages).await?;
            readers.push(ReaderInfo { row, connected, lag, lag_is_exact });
        }
        Ok(ReadersPage { readers, next, total })
    }

    /// Records that the connected readers are in use.
    pub(super) async fn note_readers_in_use(&self) -> Result<(), store::Error> {
        let connected = self.shared.clients.readers();
        if connected.is_empty() {
            return Ok(());
        }
        self.ledger().use_readers(connected).await
    }

    /// Describes a reader without reading the log: its lag is not exact, unless it is 0.
    pub async fn reader_info(&self, row: ReaderRow) -> Result<ReaderInfo, store::Error> {
        let connected = self.shared.clients.connected(&row.key);
        let (lag, lag_is_exact) =
            self.reader_lag(row.acknowledged, &row.filter, &mut LagPages::none()).await?;
        Ok(ReaderInfo { row, connected, lag, lag_is_exact })
    }

    /// Removes a durable reader and returns it as it was, if it existed.
    pub async fn remove_reader(
        &self,
        by: &Principal,
        name: &ReaderName,
    ) -> Result<Option<ReaderRow>, store::Error> {
        self.ledger().remove_reader(&own::reader(by, name)).await
    }

    /// Returns the durable readers of `by` that `event` is for.
    pub async fn receipts(&self, by: &Principal, event: &Event) -> Result<Vec<ReaderRow>, store::Error> {
        let mut readers = self.own_readers(by).await?;
        let message = Folded::new(&event.message);
        readers.retain(|reader| reader.filter.matches_folded(event, &message));
        Ok(readers)
    }

    async fn own_readers(&self, by: &Principal) -> Result<Vec<ReaderRow>, store::Error> {
        let mut readers = self.ledger().readers().await?;
        readers.retain(|reader| self.owns(by, &reader.key.owner));
        Ok(readers)
    }
}
