//! What the writer is asked for, and how it answers.

use fanfare_core::WebhookId;
use fanfare_core::{Filter, NewEvent, ReaderName};
use tokio::sync::oneshot;

use fanfare_store::{Appended, DeliveryChange, Error, ReaderRow, WebhookRow};

/// Where the answer goes. Nobody may be waiting for it any more.
pub(super) type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Request {
    /// A change; those that wait share one commit.
    Change(Change),
    /// To drain the queue and end.
    Close,
    /// To remove what retention no longer keeps; a commit of its own.
    Sweep(Answer<bool>),
}

/// A change.
#[derive(Debug)]
pub(super) enum Change {
    Acknowledge { name: ReaderName, seq: u64, answer: Answer<Option<ReaderRow>> },
    Append { events: Vec<NewEvent>, answer: Answer<Vec<Appended>> },
    OpenReader { name: ReaderName, filter: Filter, start: u64, answer: Answer<ReaderRow> },
    PutWebhook { row: WebhookRow, answer: Answer<WebhookRow> },
    Record { changes: Vec<DeliveryChange>, answer: Answer<()> },
    RemoveReader { name: ReaderName, answer: Answer<bool> },
    RemoveWebhook { id: WebhookId, answer: Answer<bool> },
}

/// A change that was made in a transaction which is not committed yet.
#[derive(Debug)]
pub(super) enum Made {
    Acknowledged(Answer<Option<ReaderRow>>, Option<ReaderRow>),
    Appended(Answer<Vec<Appended>>, Result<Vec<Appended>, Error>),
    OpenedReader(Answer<ReaderRow>, Result<ReaderRow, Error>),
    PutWebhook(Answer<WebhookRow>, Result<WebhookRow, Error>),
    Recorded(Answer<()>),
    RemovedReader(Answer<bool>, bool),
    RemovedWebhook(Answer<bool>, bool),
}

impl Change {
    /// Counts the rows that it is about.
    pub(super) fn len(&self) -> usize {
        match self {
            Change::Append { events, .. } => events.len(),
            Change::Record { changes, .. } => changes.len(),
            Change::Acknowledge { .. }
            | Change::OpenReader { .. }
            | Change::PutWebhook { .. }
            | Change::RemoveReader { .. }
            | Change::RemoveWebhook { .. } => 1,
        }
    }

    /// Counts the bytes of its long parts.
    pub(super) fn bytes(&self) -> usize {
        let long = |event: &NewEvent| {
            event.message.len() + event.data.as_ref().map_or(0, |data| data.as_str().len())
        };
        match self {
            Change::Append { events, .. } => events.iter().map(long).sum(),
            Change::PutWebhook { row, .. } => row.url.len() + row.settings.len() + row.state.len(),
            Change::Record { changes, .. } => changes.iter().map(long_recorded).sum(),
            Change::Acknowledge { .. }
            | Change::OpenReader { .. }
            | Change::RemoveReader { .. }
            | Change::RemoveWebhook { .. } => 0,
        }
    }

    /// Answers that it was not made.
    pub(super) fn refuse(self, error: Error) {
        // Nobody may be waiting any more: then nobody wants to know.
        match self {
            Change::Acknowledge { answer, .. } => drop(answer.send(Err(error))),
            Change::Append { answer, .. } => drop(answer.send(Err(error))),
            Change::OpenReader { answer, .. } => drop(answer.send(Err(error))),
            Change::PutWebhook { answer, .. } => drop(answer.send(Err(error))),
            Change::Record { answer, .. } => drop(answer.send(Err(error))),
            Change::RemoveWebhook { answer, .. } => drop(answer.send(Err(error))),
            Change::RemoveReader { answer, .. } => drop(answer.send(Err(error))),
        }
    }
}

impl Made {
    /// Answers that it is durable.
    pub(super) fn confirm(self) {
        match self {
            Made::Acknowledged(answer, row) => drop(answer.send(Ok(row))),
            Made::Appended(answer, appended) => drop(answer.send(appended)),
            Made::OpenedReader(answer, row) => drop(answer.send(row)),
            Made::PutWebhook(answer, row) => drop(answer.send(row)),
            Made::Recorded(answer) => drop(answer.send(Ok(()))),
            Made::RemovedWebhook(answer, known) => drop(answer.send(Ok(known))),
            Made::RemovedReader(answer, known) => drop(answer.send(Ok(known))),
        }
    }

    /// Answers that it was not made after all.
    pub(super) fn refuse(self, error: Error) {
        match self {
            Made::Acknowledged(answer, _) => drop(answer.send(Err(error))),
            Made::Appended(answer, _) => drop(answer.send(Err(error))),
            Made::OpenedReader(answer, _) => drop(answer.send(Err(error))),
            Made::PutWebhook(answer, _) => drop(answer.send(Err(error))),
            Made::Recorded(answer) => drop(answer.send(Err(error))),
            Made::RemovedWebhook(answer, _) => drop(answer.send(Err(error))),
            Made::RemovedReader(answer, _) => drop(answer.send(Err(error))),
        }
    }
}

fn long_recorded(change: &DeliveryChange) -> usize {
    match change {
        DeliveryChange::Attempt(row) => row.detail.len(),
        DeliveryChange::Put(row) => row.failure.len(),
        DeliveryChange::State { state, .. } => state.len(),
        DeliveryChange::Cursor { .. } | DeliveryChange::Remove { .. } => 0,
    }
}
