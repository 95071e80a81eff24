//! Runs the real program on the files that a cut left: it must have kept its promises, and keep working.

use std::{collections::HashSet, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{promises::Promises, readers, recording};
use crate::{
    client::Client,
    kill::{
        book::{Book, split},
        hooks::{
            self,
            cast::CAST,
            receivers::{Receivers, Said},
            registrar::Registered,
        },
        load::Load,
    },
    pause::pause,
    server::{Placement, Server},
};

/// Maximum number of checks until a receiver has recorded what it answered, and the pause between two of them.
const LOOKS_MAX: usize = 4_000;
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// The retention of the gateway under check: it must not remove what the cut left while that is checked.
const EVERYTHING: u64 = 1_000_000;

/// The inputs of a check besides the files and the promises.
pub(super) struct Checker<'a> {
    pub(super) server_bin: &'a Path,
    /// The retention of the gateway that was recorded.
    pub(super) retention: u64,
    pub(super) receivers: &'a Receivers,
    pub(super) load: &'a Load,
}

/// The counts of what was correct.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// The events in the log, and those that retention had removed before.
    pub(super) events: usize,
    pub(super) removed: u64,
    pub(super) acknowledged: usize,
    /// Readers whose acknowledgements had been answered, or asked for.
    pub(super) readers: usize,
    /// Deliveries of the log's events that were made before the cut, after it, and given up.
    pub(super) delivered_before: usize,
    pub(super) delivered_after: usize,
    pub(super) given_up: usize,
}

impl Checker<'_> {
    /// Starts the gateway on the files below `root` and checks everything.
    pub(super) fn check(&self, root: &Path, promises: &Promises) -> Result<Found> {
        let came_before = self.receivers.records_after(0)?.len();
        let mut command = recording::serve(self.server_bin, root, EVERYTHING);
        let mut server = Server::spawn(&mut command, &Placement::anywhere()?)?;
        let address = server.wait_ready()?;
        let found = self.look(address, promises, came_before);
        let found = found.with_context(|| format!("the gateway said:\n{}", server.said()))?;
        server.kill()?;
        hooks::look_into(&recording::store_below(root))?;
        Ok(found)
    }

    fn look(&self, address: SocketAddr, promises: &Promises, came_before: usize) -> Result<Found> {
        let mut client = Client::connect(address)?;
        let mut book = Book::swept();
        book.read_on(&mut client)?;
        ensure!(
            book.removed() == 0 || book.len() as u64 >= self.retention,
            "the log begins after {} and has {} events: retention keeps {}",
            book.removed(),
            book.len(),
            self.retention
        );
        book.check_acknowledged(&promises.acknowledged)?;
        for (seq, message) in promises.sent.iter().filter(|(seq, _)| **seq > book.removed()) {
            let event =
                book.event(*seq).with_context(|| format!("{message} was sent as {seq} and is gone"))?;
            ensure!(event.1 == message, "{message} was sent as {seq}, where {} stands", event.1);
        }
        for (name, bounds) in &promises.readers {
            readers::check(address, name, *bounds, &book).with_context(|| format!("reader `{name}`"))?;
        }
        Registered::of(promises.registered.clone()).check(&client.get_json("/api/webhooks")?)?;
        push(&mut client, &mut book, promises)?;
        let mut found = self.look_at_deliveries(address, promises, &book, came_before)?;
        let status = client.get_json("/api/status")?;
        ensure!(status["damaged_events"] == 0, "events are damaged: {status}");
        ensure!(client.get("/ready")?.status == 200, "the gateway is not ready");
        (found.events, found.removed) = (book.len(), book.removed());
        (found.acknowledged, found.readers) = (promises.acknowledged.len(), promises.readers.len());
        Ok(found)
    }

    /// Waits until everything is delivered, and checks that each event of the log was.
    fn look_at_deliveries(
        &self,
        address: SocketAddr,
        promises: &Promises,
        book: &Book,
        came_before: usize,
    ) -> Result<Found> {
        let mut hooks: Vec<_> = promises.hooks.iter().collect();
        hooks.sort();
        let ids: Vec<_> = hooks.iter().map(|(_, id)| (*id).clone()).collect();
        hooks::settle(address, self.load, &ids)?;
        let mut client = Client::connect(address)?;
        let mut found = Found::default();
        for (hook, id) in hooks {
            let dead = hooks::dead(&mut client, id)?;
            let before = promises.taken.get(hook);
            let seqs = book.removed() + 1..=book.removed() + book.len() as u64;
            let wanted = seqs.filter(|seq| book.event(*seq).is_some_and(|event| CAST[*hook].wants(event.0)));
            let (before, open): (Vec<u64>, Vec<u64>) =
                wanted.partition(|seq| before.is_some_and(|before| before.contains(seq)));
            let open: Vec<_> = open.into_iter().filter(|seq| !dead.contains(seq)).collect();
            let mut lost = Vec::new();
            for _ in 0..LOOKS_MAX {
                let after = self.taken_after(came_before, *hook)?;
                lost = open.iter().copied().filter(|seq| !after.contains(seq)).collect();
                if lost.is_empty() {
                    break;
                }
                pause(LOOK_PAUSE);
            }
            ensure!(
                lost.is_empty(),
                "`{}`: events {lost:?} were neither delivered before the cut nor after it, nor given up",
                CAST[*hook].name
            );
            found.delivered_before += before.len();
            found.delivered_after += open.len();
            found.given_up += dead.len();
        }
        self.load.check()?;
        Ok(found)
    }

    /// The seqs that a receiver has accepted since its first `from` requests.
    fn taken_after(&self, from: usize, hook: usize) -> Result<HashSet<u64>> {
        let records = self.receivers.records_after(from)?;
        let taken = records.iter().filter(|record| record.hook == hook && record.said == Said::Taken);
        Ok(taken.flat_map(|record| record.events.iter().map(|(seq, _)| *seq)).collect())
    }
}

/// Repeats a push with a known key, and pushes a new event: the log must recognise the first, and continue with
/// the second.
fn push(client: &mut Client, book: &mut Book, promises: &Promises) -> Result<()> {
    let mut push = |body: &str| {
        let response = client.post("/api/push?wait=0s", body)?;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        ensure!(response.status == 200, "a push was answered {} {text}", response.status);
        let answer: Value = serde_json::from_str(&text)?;
        Ok((answer["id"].as_str().context("a push without an id")?.to_owned(), answer))
    };
    if let Some((body, id)) = &promises.last_keyed {
        let (again, answer) = push(body)?;
        ensure!(
            again == *id && answer["repeated"] == true,
            "the event with a key that is {id} was pushed again, and the answer is {answer}"
        );
    }
    let last = book.last().map(split).transpose()?.map_or(0, |(_, seq)| seq);
    // `kill.1` is what most of the cast listens to.
    let (id, _) = push(&json!({ "channel": "kill.1", "message": format!("after-{last}") }).to_string())?;
    let (_, seq) = split(&id)?;
    ensure!(seq == last + 1, "the log ended at {last}, and the next event is {id}");
    book.read_on(client)
}
