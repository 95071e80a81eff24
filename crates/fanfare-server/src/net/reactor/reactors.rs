//! All reactors of the process: streams are assigned to them in turn, and one that has ended gets a successor.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::net::counts::Counts;
use crate::net::reactor::librarian::Jobs;
use crate::net::reactor::{Adopted, Command, Config, Inbox, Reactor};
use fanfare_runtime::parts::{Outcome, Pulse};
use fanfare_runtime::shutdown::Shutdown;

/// All reactors of the process.
#[derive(Debug)]
pub struct Reactors {
    /// Each guards the inbox of the reactor in that place; held to copy or to replace it, never for an event.
    places: Vec<Mutex<Arc<Inbox>>>,
    next: AtomicUsize,
}

/// One of the places: the work of its successive reactors.
#[derive(Debug)]
pub struct Place {
    number: usize,
    reactors: Arc<Reactors>,
    config: Config,
    jobs: Jobs,
    counts: Counts,
    /// The first one, until it runs.
    first: Option<Reactor>,
}

impl Reactors {
    /// Creates `count` reactors, at least one, and the places in which they run.
    pub fn new(
        count: usize,
        config: Config,
        jobs: &Jobs,
        counts: &Counts,
    ) -> io::Result<(Arc<Reactors>, Vec<Place>)> {
        let made: Vec<_> = (0..count)
            .map(|_| Reactor::new(config, jobs.clone(), counts.clone()))
            .collect::<io::Result<_>>()?;
        let places = made.iter().map(|(_, inbox)| Mutex::new(Arc::clone(inbox))).collect();
        let reactors = Arc::new(Reactors { places, next: AtomicUsize::new(0) });
        let place = |(number, (reactor, _))| Place {
            number,
            reactors: Arc::clone(&reactors),
            config,
            jobs: jobs.clone(),
            counts: counts.clone(),
            first: Some(reactor),
        };
        let places = made.into_iter().enumerate().map(place).collect();
        Ok((reactors, places))
    }

    /// Passes a stream to the reactor whose turn it is, or to the next running one.
    pub fn adopt(&self, adopted: Adopted) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let mut command = Command::Adopt(Box::new(adopted));
        for offset in 0..self.places.len() {
            let inbox = self.inbox(turn.wrapping_add(offset) % self.places.len());
            match inbox.send(command) {
                Ok(()) => return,
                Err(back) => command = back,
            }
        }
        // The socket closes, and the client reconnects.
        tracing::debug!("a stream was closed, because no reactor runs");
    }

    /// Asks every reactor to end once its last stream has ended.
    pub fn stop(&self) {
        for number in 0..self.places.len() {
            // A reactor that has ended needs no command.
            let _ = self.inbox(number).send(Command::Stop);
        }
    }

    /// Asks every reactor to close all streams at once.
    pub fn hang_up(&self) {
        for number in 0..self.places.len() {
            // The same applies here.
            let _ = self.inbox(number).send(Command::HangUp);
        }
    }

    fn inbox(&self, number: usize) -> Arc<Inbox> {
        Arc::clone(&self.places[number].lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, number: usize, inbox: Arc<Inbox>) {
        *self.places[number].lock().unwrap_or_else(PoisonError::into_inner) = inbox;
    }
}

impl Place {
    /// Runs a reactor on this thread: the first one, or a successor of the one that has ended.
    pub fn run(&mut self, stop: &Shutdown, pulse: &Pulse) -> Outcome {
        let reactor = match self.first.take() {
            Some(reactor) => reactor,
            None => self.succeed(stop)?,
        };
        reactor.run(pulse)
    }

    fn succeed(&self, stop: &Shutdown) -> io::Result<Reactor> {
        let (reactor, inbox) = Reactor::new(self.config, self.jobs.clone(), self.counts.clone())?;
        self.reactors.replace(self.number, Arc::clone(&inbox));
        // A stop request sets the flag first, and may have reached only the previous reactor.
        if stop.is_asked() {
            // The inbox is not shared yet, so it accepts the command.
            let _ = inbox.send(Command::Stop);
        }
        Ok(reactor)
    }
}
