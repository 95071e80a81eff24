//! The log as it was read back, and its invariants.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use super::{
    load::Acknowledged,
    readers::{Reader, Received},
};
use crate::client::Client;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    id: String,
    channel: String,
    message: String,
}

#[derive(Default)]
pub(crate) struct Book {
    /// Whether retention may have removed the beginning of the log.
    is_swept: bool,
    /// The number of events before the first one in `log`.
    removed: u64,
    /// The event with seq `removed + 1` first, without holes.
    log: Vec<Entry>,
    messages: HashSet<String>,
    acknowledged_checked: usize,
    /// By name.
    readers: HashMap<&'static str, Bookmark>,
}

/// The position up to which the book of a subscriber has been compared with the log.
#[derive(Default)]
struct Bookmark {
    log: usize,
    received: usize,
}

impl Book {
    /// Creates the book of a log whose beginning retention may have removed.
    pub(crate) fn swept() -> Self {
        Self { is_swept: true, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.log.len()
    }

    /// The number of events that retention had removed when the first page was read.
    pub(crate) fn removed(&self) -> u64 {
        self.removed
    }

    /// The position of the last event.
    pub(crate) fn last(&self) -> Option<&str> {
        self.log.last().map(|entry| entry.id.as_str())
    }

    /// The place in `log` of the event at `seq`; `None` if it is before the beginning.
    fn place(&self, seq: u64) -> Option<usize> {
        usize::try_from(seq.checked_sub(self.removed + 1)?).ok()
    }

    /// Channel and message of the event at `seq`.
    pub(crate) fn event(&self, seq: u64) -> Option<(&str, &str)> {
        let entry = self.log.get(self.place(seq)?)?;
        Some((&entry.channel, &entry.message))
    }

    /// Reads the events appended since the last call, and checks that they follow and are complete.
    pub(crate) fn read_on(&mut self, client: &mut Client) -> Result<()> {
        let from = self.log.len();
        loop {
            let after = self.log.last().map(|last| format!("&after={}", last.id)).unwrap_or_default();
            let page = client.get_json(&format!("/api/events?order=oldest&limit=1000{after}"))?;
            let events = page["events"].as_array().context("/api/events has no events")?;
            for event in events {
                self.append(event)?;
            }
            if page["next_cursor"].is_null() {
                return self.check_batches(from);
            }
            ensure!(!events.is_empty(), "an empty page of unfiltered history says there is more: {page}");
        }
    }

    fn append(&mut self, event: &Value) -> Result<()> {
        let text = |name: &str| {
            let value = event[name].as_str().with_context(|| format!("an event without {name}: {event}"))?;
            Ok::<_, anyhow::Error>(value.to_owned())
        };
        let entry = Entry { id: text("id")?, channel: text("channel")?, message: text("message")? };
        let (epoch, seq) = split(&entry.id)?;
        if self.is_swept && self.log.is_empty() {
            self.removed = seq.saturating_sub(1);
        }
        let before = self.removed + self.log.len() as u64;
        ensure!(
            seq == before + 1,
            "event {} ({}) follows {before} others: the log has a hole or an event twice",
            entry.id,
            entry.message,
        );
        if let Some(first) = self.log.first() {
            ensure!(first.id.starts_with(epoch), "{} is of another log than {}", entry.id, first.id);
        }
        ensure!(
            self.messages.insert(entry.message.clone()),
            "{} is in the log twice, again as {}",
            entry.message,
            entry.id
        );
        self.log.push(entry);
        Ok(())
    }

    /// Batches are in the log whole and together: `b0-7.1/3` is followed by `b0-7.2/3` and `b0-7.3/3`.
    fn check_batches(&self, from: usize) -> Result<()> {
        let mut expected: Option<String> = None;
        for entry in &self.log[from..] {
            if let Some(expected) = expected.take() {
                ensure!(
                    entry.message == expected,
                    "{} stands at {} instead of {expected}",
                    entry.message,
                    entry.id
                );
            }
            let Some((batch, place)) = entry.message.split_once('.') else { continue };
            let (index, len) =
                place.split_once('/').with_context(|| format!("what is {}?", entry.message))?;
            let index: u64 = index.parse()?;
            if index.to_string() != len {
                expected = Some(format!("{batch}.{}/{len}", index + 1));
            }
        }
        match expected {
            Some(missing) => bail!("the log ends within a batch: {missing} is missing"),
            None => Ok(()),
        }
    }

    /// Checks that every acknowledged event is at the acknowledged position.
    pub(crate) fn check_acknowledged(&mut self, acknowledged: &[Acknowledged]) -> Result<()> {
        for Acknowledged { id, message } in &acknowledged[self.acknowledged_checked..] {
            let seq = split(id)?.1;
            if (1..=self.removed).contains(&seq) {
                continue;
            }
            let entry = self.place(seq).and_then(|place| self.log.get(place));
            let entry = entry.with_context(|| format!("{message} was acknowledged as {id} and is gone"))?;
            ensure!(
                (&entry.id, &entry.message) == (id, message),
                "{message} was acknowledged as {id}, where {} ({}) stands",
                entry.message,
                entry.id,
            );
        }
        self.acknowledged_checked = acknowledged.len();
        Ok(())
    }

    /// Compares the events of a subscriber with the log; returns whether it has all of them.
    pub(super) fn check_reader(&mut self, reader: &Reader) -> Result<bool> {
        let received = reader.received.lock().map_err(|_| anyhow!("reader `{}` panicked", reader.name))?;
        let mark = self.readers.entry(reader.name).or_default();
        while let Some(entry) = self.log.get(mark.log) {
            if reader.channel.is_some_and(|channel| channel != entry.channel) {
                mark.log += 1;
                continue;
            }
            let Some(Received { id, message }) = received.get(mark.received) else { return Ok(false) };
            if (id, message) != (&entry.id, &entry.message) {
                let mut before = String::new();
                for earlier in &received[mark.received.saturating_sub(3)..mark.received] {
                    write!(before, " {} ({})", earlier.message, earlier.id)?;
                }
                bail!(
                    "reader `{}` got {message} ({id}) where the log has {} ({}); before that it got{before}",
                    reader.name,
                    entry.message,
                    entry.id,
                );
            }
            mark.log += 1;
            mark.received += 1;
        }
        Ok(true)
    }

    /// Describes the events that a subscriber still lacks.
    pub(super) fn lag(&self, reader: &Reader) -> Result<String> {
        let received = reader.received.lock().map_err(|_| anyhow!("reader `{}` panicked", reader.name))?;
        let next = self
            .readers
            .get(reader.name)
            .and_then(|mark| self.log.get(mark.log))
            .map_or("nothing", |entry| entry.id.as_str());
        Ok(format!("{} events came, {next} of {} did not", received.len(), self.log.len()))
    }

    /// Reads the whole log again: everything seen in any round is unchanged. Returns its length.
    pub(super) fn check_from_the_start(&self, client: &mut Client) -> Result<usize> {
        let mut again = Self::default();
        again.read_on(client)?;
        let pairs = self.log.iter().zip(&again.log);
        for (before, now) in pairs {
            ensure!(before == now, "{before:?} was in the log and has become {now:?}");
        }
        ensure!(
            again.log.len() >= self.log.len(),
            "the log had {} events and has {}",
            self.log.len(),
            again.log.len()
        );
        Ok(again.log.len())
    }
}

pub(crate) fn split(id: &str) -> Result<(&str, u64)> {
    let (epoch, seq) = id.split_once('-').with_context(|| format!("`{id}` is no position"))?;
    Ok((epoch, seq.parse().with_context(|| format!("`{id}` is no position"))?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::readers::{Reader, Received},
        Acknowledged, Book,
    };

    fn book(messages: &[&str]) -> Book {
        let mut book = Book::default();
        for (seq, message) in (1..).zip(messages) {
            let event = json!({ "id": format!("abcdefgh-{seq}"), "channel": "kill.0", "message": message });
            book.append(&event).expect("in order");
        }
        book
    }

    fn acknowledged(seq: u64, message: &str) -> Acknowledged {
        Acknowledged { id: format!("abcdefgh-{seq}"), message: message.to_owned() }
    }

    fn reader(received: &[(u64, &str)]) -> Reader {
        let mut cast = Reader::cast();
        let reader = cast.swap_remove(0);
        let received = received
            .iter()
            .map(|(seq, message)| Received { id: format!("abcdefgh-{seq}"), message: (*message).to_owned() });
        reader.received.lock().expect("not poisoned").extend(received);
        reader
    }

    #[test]
    fn a_hole_a_repetition_and_another_log_are_found() {
        for (id, message) in
            [("abcdefgh-4", "c"), ("abcdefgh-2", "c"), ("abcdefgh-3", "a"), ("otherlog-3", "c")]
        {
            let event = json!({ "id": id, "channel": "kill.0", "message": message });
            assert!(book(&["a", "b"]).append(&event).is_err(), "{id} {message}");
        }
    }

    #[test]
    fn a_torn_batch_is_found() {
        assert!(book(&["s0-1", "b0-7.1/2", "b0-7.2/2", "b0-8.1/1", "s0-2"]).check_batches(0).is_ok());
        for torn in [&["b0-7.1/2"][..], &["b0-7.1/3", "b0-7.3/3"], &["b0-7.1/2", "s0-1", "b0-7.2/2"]] {
            assert!(book(torn).check_batches(0).is_err(), "{torn:?}");
        }
    }

    #[test]
    fn an_acknowledged_event_that_is_gone_or_elsewhere_is_found() {
        assert!(book(&["a", "b"]).check_acknowledged(&[acknowledged(2, "b"), acknowledged(1, "a")]).is_ok());
        for (seq, message) in [(3, "c"), (1, "b"), (0, "a")] {
            assert!(book(&["a", "b"]).check_acknowledged(&[acknowledged(seq, message)]).is_err(), "{seq}");
        }
    }

    #[test]
    fn a_reader_that_misses_or_repeats_an_event_is_found() {
        let check = |received: &[(u64, &str)]| book(&["a", "b", "c"]).check_reader(&reader(received)).ok();
        assert_eq!(check(&[(1, "a"), (2, "b")]), Some(false));
        assert_eq!(check(&[(1, "a"), (2, "b"), (3, "c"), (4, "d")]), Some(true));
        assert_eq!(check(&[(1, "a"), (3, "c")]), None);
        assert_eq!(check(&[(1, "a"), (1, "a")]), None);
        assert_eq!(check(&[(1, "other")]), None);
    }
}
