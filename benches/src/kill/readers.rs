//! Subscribers that reconnect with `Last-Event-ID`, and record their events.

use std::{
    sync::{Mutex, atomic::Ordering},
    thread::Scope,
    time::Duration,
};

use serde_json::Value;

use super::load::Load;
use crate::{client::Stream, pause::pause, rng::Rng, wire::sse::Frame};

/// Between two tries to connect to a server that is not there.
const PAUSE: Duration = Duration::from_millis(2);
/// Interval at which a subscriber checks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(50);
/// Maximum pause of a slow subscriber after each read.
const SLOW_MS_MAX: u64 = 5;
/// Average number of reads after which a restless subscriber disconnects.
const RESTLESS_READS: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Temper {
    Quick,
    Restless,
    Slow,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) id: String,
    pub(super) message: String,
}

pub(crate) struct Reader {
    pub(super) name: &'static str,
    /// The channel that it asks for.
    pub(super) channel: Option<&'static str>,
    query: &'static [&'static str],
    is_json: bool,
    temper: Temper,
    pub(super) received: Mutex<Vec<Received>>,
}

impl Reader {
    /// Returns the subscribers that take part.
    pub(super) fn cast() -> Vec<Self> {
        let reader = |name, temper, channel, query, is_json| Self {
            name,
            channel,
            query,
            is_json,
            temper,
            received: Mutex::default(),
        };
        vec![
            reader("quick", Temper::Quick, None, &[][..], false),
            reader("restless", Temper::Restless, None, &[][..], false),
            reader("slow", Temper::Slow, None, &[][..], false),
            reader("JSON", Temper::Quick, None, &["format=json", "events=named"], true),
            reader("one channel", Temper::Restless, Some("kill.1"), &["channel=kill.1"], false),
            reader(
                "one channel of batches",
                Temper::Quick,
                Some("kill.batch.0"),
                &["channel=kill.batch.0"],
                false,
            ),
        ]
    }

    fn message(&self, frame: Frame<'_>) -> Option<String> {
        if self.is_json {
            let event: Value = serde_json::from_slice(frame.data).ok()?;
            return event["message"].as_str().map(str::to_owned);
        }
        let text = str::from_utf8(frame.data).ok()?;
        text.split_once("] ").map(|(_, message)| message.to_owned())
    }

    fn note(&self, frame: Frame<'_>, load: &Load) {
        match frame.event {
            b"caught-up" | b"closing" => return,
            b"gap" | b"reset" => {
                let (event, data) =
                    (String::from_utf8_lossy(frame.event), String::from_utf8_lossy(frame.data));
                load.complain(format!("reader `{}` got {event} {data}", self.name));
                return;
            }
            _ => {}
        }
        let Some(message) = self.message(frame).filter(|_| !frame.id.is_empty()) else {
            load.complain(format!("reader `{}` got a frame it cannot read: {frame:?}", self.name));
            return;
        };
        let id = String::from_utf8_lossy(frame.id).into_owned();
        if let Ok(mut received) = self.received.lock() {
            received.push(Received { id, message });
        }
    }

    /// Reads one connection until it ends or the subscriber stops.
    fn connect(&self, load: &Load, rng: &mut Rng) -> anyhow::Result<()> {
        let last = self.received.lock().ok().and_then(|received| received.last().map(|last| last.id.clone()));
        let mut query = self.query.to_vec();
        let header = match last {
            Some(id) => format!("Last-Event-ID: {id}\r\n"),
            None => {
                query.push("since=earliest");
                String::new()
            }
        };
        let path = format!("/stream?{}", query.join("&"));
        let mut stream = Stream::open(load.server, &path, &header)?;
        stream.patience(PATIENCE)?;
        load.connects.fetch_add(1, Ordering::Relaxed);
        while !load.readers_stop.load(Ordering::Relaxed) && stream.read(|frame| self.note(frame, load))? {
            match self.temper {
                Temper::Restless if rng.below(RESTLESS_READS) == 0 => return Ok(()),
                Temper::Slow => pause(Duration::from_millis(rng.below(SLOW_MS_MAX))),
                Temper::Quick | Temper::Restless => {}
            }
        }
        Ok(())
    }
}

pub(super) fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, load: &'scope Load, rng: &mut Rng) {
    for reader in &load.readers {
        let mut rng = rng.fork();
        scope.spawn(move || {
            while !load.readers_stop.load(Ordering::Relaxed) {
                // A server that is being killed ends streams in every possible way.
                if reader.connect(load, &mut rng).is_err() {
                    pause(PAUSE);
                }
            }
        });
    }
}
