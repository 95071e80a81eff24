//! A stream that reconnects by itself: events over as many connections as needed, each continuing where the previous
//! one stopped, and a notice for everything that happened on the way.

use std::pin::Pin;
use std::time::Duration;

use fanfare_core::{EventType, Pattern, Position, Priority, ReaderName};
use futures_util::future::{BoxFuture, FutureExt};
use reqwest::Response;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, Sleep};

use crate::answer::{Answer, Received};
use crate::api::Api;
use crate::backoff;
use crate::error::{Error, innermost};
use crate::sse::{Frame, Frames};

/// The pause before the first reconnect, until the gateway names another.
const RETRY_DEFAULT: Duration = Duration::from_secs(1);

/// The reason of a `closing` for a client that an operator disconnected.
const DISCONNECTED: &str = "disconnected";

/// The header with the position at which a stream starts.
const POSITION: &str = "fanfare-position";

/// The header with the channels that the patterns just miss.
const OVERLOOKED: &str = "fanfare-overlooked";

/// Minimum duration of a good connection, even without events: the next delay is a short one again.
const STEADY: Duration = Duration::from_secs(10);

/// The events to listen to, and the start.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The channel patterns; empty means all.
    pub patterns: Vec<Pattern>,
    /// The event types; empty means all.
    pub types: Vec<EventType>,
    /// The minimum priority.
    pub min_priority: Option<Priority>,
    /// The start: `earliest`, a duration or a time.
    pub since: Option<String>,
    /// Start after this position.
    pub after: Option<String>,
    /// The durable cursor to use; it decides where to start.
    pub reader: Option<ReaderName>,
    /// When behind, only the newest event for each key.
    pub conflate: bool,
    /// When behind, skip events of priority `low` and `min`.
    pub shed: bool,
    /// Whether to keep trying if the gateway cannot be reached at first.
    pub wait: bool,
}

impl Wish {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("format", "json".to_owned())];
        query.extend(self.patterns.iter().map(|pattern| ("channel", pattern.to_string())));
        query.extend(self.types.iter().map(|event_type| ("type", event_type.to_string())));
        query.extend(self.min_priority.map(|priority| ("min_priority", priority.to_string())));
        query.extend(self.reader.as_ref().map(|reader| ("reader", reader.to_string())));
        if self.conflate {
            query.push(("conflate", "1".to_owned()));
        }
        if self.shed {
            query.push(("shed", "low".to_owned()));
        }
        query
    }
}

/// An item of the stream.
#[derive(Debug)]
pub enum Item {
    /// An event.
    Event(Box<Received>),
    /// A notice.
    Notice(Notice),
}

fn retention() -> String {
    "retention".to_owned()
}

/// A notice for the subscriber; as JSON it has the member `notice`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice {
    /// The replay has ended; the following events are live.
    CaughtUp {
        /// The position at the end of the replay.
        position: String,
    },
    /// The connection ends.
    Closing {
        /// Why.
        reason: String,
        /// The delay before the client should reconnect.
        retry_ms: u64,
    },
    /// The connection is established.
    Connected {
        /// The position after which it continues; `None` at the start.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// Whether there was a connection before.
        again: bool,
        /// The channels `X` with events that a pattern `X.>` does not select.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        overlooked: Vec<String>,
    },
    /// The connection is lost, or could not be made.
    Disconnected {
        /// The problem.
        problem: String,
        /// The delay before the next attempt.
        retry_ms: u64,
    },
    /// Events that were not read yet are gone.
    Gap {
        /// The last position that was read.
        after: String,
        /// The position of the next available event.
        next: String,
        /// Maximum number of events that are gone.
        missed: u64,
        /// Why they are gone. Earlier gateways do not say, and know one reason.
        #[serde(default = "retention")]
        reason: String,
    },
    /// The durable reader has another filter than was asked for; its own is served.
    ReaderFilter {
        /// The patterns of the reader.
        channels: Vec<String>,
        /// The event types of the reader; none means all.
        types: Vec<String>,
        /// The minimum priority of the reader.
        min_priority: String,
        /// The text that messages contain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// The gateway's log does not know the position; the following events are live.
    Reset {
        /// Why.
        reason: String,
        /// The log's last position.
        position: String,
    },
}

/// A lasting subscription. Cancelling [`Listening::next`] loses nothing.
#[derive(Debug)]
pub struct Listening {
    api: Api,
    wish: Wish,
    state: State,
    /// The id of the last frame, over all connections.
    last_id: Option<String>,
    /// The last event that was returned: with a durable reader, the gateway repeats events that are not acknowledged.
    last_given: Option<Position>,
    retry: Duration,
    /// Tries since the last frame.
    attempt: u32,
    /// The time since which the connection is established.
    opened_at: Option<Instant>,
    /// Whether a connection was established before.
    was_open: bool,
    /// The reason for which the gateway has announced the end of the connection.
    closing: Option<String>,
    /// The loss that was last reported: repeating it at each try would only be noise.
    reported: Option<String>,
}

enum State {
    Connecting(BoxFuture<'static, Result<Connected, Error>>),
    Idle,
    Open(Box<Frames>),
    Waiting(Pin<Box<Sleep>>),
}

/// A stream, and the position after which it was asked to continue.
struct Connected {
    response: Response,
    after: Option<String>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            State::Connecting(_) => "Connecting",
            State::Idle => "Idle",
            State::Open(_) => "Open",
            State::Waiting(_) => "Waiting",
        })
    }
}

impl Listening {
    /// Prepares a subscription; nothing is sent before the first [`Listening::next`].
    pub fn new(api: Api, wish: Wish) -> Listening {
        Listening {
            last_id: wish.after.clone(),
            api,
            wish,
            state: State::Idle,
            last_given: None,
            retry: RETRY_DEFAULT,
            attempt: 0,
            opened_at: None,
            was_open: false,
            closing: None,
            reported: None,
        }
    }

    /// Returns the URL of the gateway.
    pub fn server(&self) -> &str {
        self.api.server()
    }

    /// Waits for the next item. An error is final.
    pub async fn next(&mut self) -> Result<Item, Error> {
        loop {
            match &mut self.state {
                State::Idle => self.state = State::Connecting(self.connect()),
                State::Waiting(pause) => {
                    pause.as_mut().await;
                    self.state = State::Idle;
                }
                State::Connecting(connecting) => {
                    let connected = connecting.await;
                    self.state = State::Idle;
                    match connected {
                        Ok(connected) => return Ok(Item::Notice(self.opened(connected))),
                        Err(error) if !error.is_passing() || !(self.was_open || self.wish.wait) => {
                            return Err(error);
                        }
                        Err(error) => {
                            if let Some(notice) = self.lost(&error.to_string(), error.retry_after()) {
                                return Ok(Item::Notice(notice));
                            }
                        }
                    }
                }
                State::Open(frames) => match frames.next().await {
                    Ok(Some(frame)) => {
                        self.last_id = frames.last_id().map(str::to_owned);
                        self.retry = frames.retry().unwrap_or(self.retry);
                        self.attempt = 0;
                        if let Some(item) = self.understood(frame)? {
                            return Ok(item);
                        }
                    }
                    ended => {
                        self.last_id = frames.last_id().map(str::to_owned).or_else(|| self.last_id.take());
                        self.retry = frames.retry().unwrap_or(self.retry);
                        let problem = match ended {
                            Err(error) => format!("the connection is lost: {}", innermost(&error)),
                            Ok(_) => match self.closing.as_deref() {
                                Some(DISCONNECTED) => "an operator disconnected this client".to_owned(),
                                Some(_) => "the gateway has stopped".to_owned(),
                                None => "the gateway closed the connection".to_owned(),
                            },
                        };
                        if let Some(notice) = self.lost(&problem, None) {
                            return Ok(Item::Notice(notice));
                        }
                    }
                },
            }
        }
    }

    fn connect(&self) -> BoxFuture<'static, Result<Connected, Error>> {
        let mut query = self.wish.query();
        let starts_live = self.wish.since.is_none() && self.wish.reader.is_none();
        if self.last_id.is_none() {
            query.extend(self.wish.since.clone().map(|since| ("since", since)));
        }
        let (api, mut after) = (self.api.clone(), self.last_id.clone());
        async move {
            if after.is_none() && starts_live {
                // A live stream reveals its position only with its first event. Without a position, events between a
                // connection lost before that and the next one would be missed.
                after = Some(api.status().await?.value.last.to_string());
            }
            let response = api.open_stream(query, after.clone()).await?;
            Ok(Connected { response, after })
        }
        .boxed()
    }

    fn opened(&mut self, connected: Connected) -> Notice {
        let again = std::mem::replace(&mut self.was_open, true);
        self.opened_at = Some(Instant::now());
        self.reported = None;
        self.closing = None;
        // Until the first event, this is where the stream is: a time that it started from would mean a later one then.
        let header = |name| connected.response.headers().get(name).and_then(|value| value.to_str().ok());
        let start = header(POSITION);
        let overlooked = header(OVERLOOKED).map(|names| names.split(", ").map(str::to_owned).collect());
        self.last_id = connected.after.clone().or_else(|| start.map(str::to_owned));
        self.state =
            State::Open(Box::new(Frames::new(connected.response.bytes_stream(), self.last_id.clone())));
        Notice::Connected { after: connected.after, again, overlooked: overlooked.unwrap_or_default() }
    }

    /// Sets the time of the next attempt; returns the notice for it, unless it was returned before.
    fn lost(&mut self, problem: &str, asked: Option<Duration>) -> Option<Notice> {
        if self.opened_at.take().is_some_and(|opened_at| opened_at.elapsed() > STEADY) {
            self.attempt = 0;
        }
        let pause = backoff::pause(self.attempt, self.retry, asked, rand::random_range(0.0..1.0));
        self.attempt += 1;
        self.state = State::Waiting(Box::pin(tokio::time::sleep(pause)));
        if self.reported.as_deref() == Some(problem) {
            return None;
        }
        self.reported = Some(problem.to_owned());
        Some(Notice::Disconnected { problem: problem.to_owned(), retry_ms: pause.as_millis() as u64 })
    }

    /// Parses a frame; returns `None` for an event that was already returned, or for a notice of a later gateway that
    /// this program does not know.
    fn understood(&mut self, frame: Frame) -> Result<Option<Item>, Error> {
        let unreadable = |error: serde_json::Error| Error::NotFanfare {
            url: self.api.server().to_owned(),
            problem: format!("an event cannot be read: {error}"),
        };
        let Some(name) = frame.event else {
            let received: Received = Answer::read(&frame.data).map_err(unreadable)?;
            if self.was_given(received.value.id) {
                return Ok(None);
            }
            self.last_given = Some(received.value.id);
            return Ok(Some(Item::Event(Box::new(received))));
        };
        let mut members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&frame.data).map_err(unreadable)?;
        members.insert("notice".to_owned(), name.into());
        let Ok(notice) = serde_json::from_value(members.into()) else { return Ok(None) };
        if let Notice::Closing { retry_ms, reason } = &notice {
            self.retry = Duration::from_millis(*retry_ms);
            self.closing = Some(reason.clone());
        }
        Ok(Some(Item::Notice(notice)))
    }

    fn was_given(&self, id: Position) -> bool {
        self.last_given.is_some_and(|given| given.epoch == id.epoch && id.seq <= given.seq)
    }
}
