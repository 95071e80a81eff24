//! The librarian: reads back from the store for streams that are behind, so that the reactor never waits.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use crate::net::reactor::command::{Command, ReadBack};
use crate::net::reactor::inbox::Inbox;
use fanfare_hub::subscription::Subscription;
use fanfare_runtime::shutdown::Shutdown;

/// Most subscriptions that are read for at once: twice the store's readers, so that none of these waits.
const READS_MAX: usize = 8;

/// A subscription that is to be read for.
#[derive(Debug)]
pub struct Job {
    /// The stream's key in the reactor's table.
    pub key: usize,
    /// Tells the stream from a later one with the same key.
    pub serial: u64,
    /// The subscription, lent by the stream.
    pub subscription: Subscription,
    /// Where the stream gets it back.
    pub inbox: Arc<Inbox>,
}

impl Job {
    async fn run(self) {
        let Job { key, serial, mut subscription, inbox } = self;
        let outcome = subscription.read_back().await;
        inbox.send(Command::ReadBack(ReadBack { key, serial, subscription, outcome }));
    }
}

/// Where jobs are handed in. Unbounded in itself: a connection has at most one job.
#[derive(Debug, Clone)]
pub struct Jobs(mpsc::UnboundedSender<Job>);

impl Jobs {
    /// Hands a job in. When the librarian is gone, so is the process; the stream then simply ends.
    pub fn submit(&self, job: Job) {
        let _ = self.0.send(job);
    }
}

/// Reads back from the store.
#[derive(Debug)]
pub struct Librarian {
    jobs: mpsc::UnboundedReceiver<Job>,
}

impl Librarian {
    /// Makes the librarian and the way to it.
    pub fn new() -> (Librarian, Jobs) {
        let (sender, jobs) = mpsc::unbounded_channel();
        (Librarian { jobs }, Jobs(sender))
    }

    /// Runs until `stop` turns true.
    pub async fn run(mut self, mut stop: Shutdown) {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                job = self.jobs.recv(), if running.len() < READS_MAX => match job {
                    Some(job) => running.push(job.run()),
                    None => return,
                },
                Some(()) = running.next(), if !running.is_empty() => {}
                () = stop.asked() => return,
            }
        }
    }
}
