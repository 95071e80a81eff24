//! The librarian: reads back from the store for streams that are behind, so that the reactor never waits.

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};

use crate::net::reactor::{Command, Inbox, ReadBack};
use fanfare_hub::subscription::Subscription;
use fanfare_hub::values;
use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

/// Maximum concurrent reads for subscriptions: twice the store's reading connections, so that none of these waits. A read
/// lasts until its stream has the page: a reactor that is busy must not have pages pile up in its inbox.
const READS_MAX: usize = 8;

/// A subscription to read for.
#[derive(Debug)]
pub struct Job {
    subscription: Subscription,
    loan: Loan,
}

/// The way back to the stream that lent its subscription. The stream is notified if the subscription is lost: otherwise
/// it would wait forever.
#[derive(Debug)]
struct Loan {
    key: usize,
    serial: u64,
    inbox: Arc<Inbox>,
    is_given_back: bool,
}

impl Job {
    /// Returns the subscription of the stream with `key` and `serial` in the reactor of `inbox`.
    pub fn new(subscription: Subscription, key: usize, serial: u64, inbox: Arc<Inbox>) -> Job {
        Job { subscription, loan: Loan { key, serial, inbox, is_given_back: false } }
    }

    async fn run(self) {
        let Job { mut subscription, loan } = self;
        let outcome = subscription.read_back().await;
        let (reading, read) = oneshot::channel();
        loan.give_back(subscription, outcome, reading);
        // The sender is dropped, without a word, when the stream has the page.
        let _ = read.await;
    }
}

impl Loan {
    fn give_back(
        mut self,
        subscription: Subscription,
        outcome: Result<(), values::Error>,
        reading: oneshot::Sender<Infallible>,
    ) {
        self.is_given_back = true;
        let (key, serial) = (self.key, self.serial);
        let read_back = ReadBack { key, serial, subscription, outcome, _reading: reading };
        // A reactor that has ended took its streams with it.
        let _ = self.inbox.send(Command::ReadBack(read_back));
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if !self.is_given_back {
            // Returns an error for the same reason.
            let _ = self.inbox.send(Command::Lost { key: self.key, serial: self.serial });
        }
    }
}

/// The queue of jobs. It is unbounded in itself, but a connection has at most one job.
#[derive(Debug, Clone)]
pub struct Jobs(mpsc::UnboundedSender<Job>);

impl Jobs {
    /// Submits a job. If the librarian has ended, the stream ends.
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
    /// Creates the librarian and its queue.
    pub fn new() -> (Librarian, Jobs) {
        let (sender, jobs) = mpsc::unbounded_channel();
        (Librarian { jobs }, Jobs(sender))
    }
}

impl Work for Librarian {
    /// Waiting jobs are still there when the librarian restarts. The streams of running ones end.
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(job) = self.jobs.recv(), if running.len() < READS_MAX => running.push(job.run()),
                Some(()) = running.next(), if !running.is_empty() => {}
                () = stop.asked() => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Inbox, Loan};
    use crate::net::reactor::Command;

    #[test]
    fn a_stream_hears_of_a_subscription_that_is_lost() {
        let poll = mio::Poll::new().expect("a poll");
        let inbox = Arc::new(Inbox::new(poll.registry()).expect("an inbox"));
        let loan = |is_given_back| Loan { key: 7, serial: 9, inbox: Arc::clone(&inbox), is_given_back };
        drop(loan(true));
        assert!(inbox.take().is_empty());
        drop(loan(false));
        assert!(matches!(inbox.take()[..], [Command::Lost { key: 7, serial: 9 }]));
        inbox.close();
        drop(loan(false));
        assert!(inbox.take().is_empty(), "its streams are gone");
    }
}
