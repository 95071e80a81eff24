//! A subscriber, over any way of listening: the same scenario can be run over all of them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::event_source::EventSource;
use crate::support::gateway::{reqwest_client, send_apart};
use crate::support::raw::Raw;
use crate::support::socket::{Said, Socket};
use crate::support::soon;

/// The ways to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Server-sent events over HTTP/1.1.
    Sse1,
    /// Server-sent events over HTTP/2.
    Sse2,
    /// A WebSocket.
    WebSocket,
}

impl Transport {
    pub(crate) const ALL: [Transport; 3] = [Transport::Sse1, Transport::Sse2, Transport::WebSocket];
}

/// The subscription. Over server-sent events it asks for JSON, so that all ways return the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listen {
    pub(crate) patterns: Vec<String>,
    pub(crate) types: Vec<String>,
    pub(crate) min_priority: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) reader: Option<String>,
    pub(crate) conflate: bool,
    pub(crate) shed: bool,
    /// Further parameters, which only server-sent events have.
    pub(crate) query: String,
}

impl Listen {
    pub(crate) fn to(pattern: &str) -> Listen {
        Listen { patterns: vec![pattern.to_owned()], ..Listen::default() }
    }

    pub(crate) fn earliest(pattern: &str) -> Listen {
        Listen { since: Some("earliest".to_owned()), ..Listen::to(pattern) }
    }

    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("format", "json");
        self.patterns.iter().for_each(|pattern| {
            query.append_pair("channel", pattern);
        });
        self.types.iter().for_each(|event_type| {
            query.append_pair("type", event_type);
        });
        for (name, value) in [
            ("min_priority", &self.min_priority),
            ("text", &self.text),
            ("last_event_id", &self.after),
            ("since", &self.since),
            ("reader", &self.reader),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        if self.conflate {
            query.append_pair("conflate", "1");
        }
        if self.shed {
            query.append_pair("shed", "low");
        }
        format!("{}&{}", query.finish(), self.query)
    }

    fn request(&self) -> Value {
        let mut request = json!({
            "op": "subscribe", "channels": self.patterns, "types": self.types, "conflate": self.conflate,
        });
        if self.shed {
            request["shed"] = json!("low");
        }
        for (name, value) in [
            ("min_priority", &self.min_priority),
            ("text", &self.text),
            ("after", &self.after),
            ("since", &self.since),
            ("reader", &self.reader),
        ] {
            if let Some(value) = value {
                request[name] = json!(value);
            }
        }
        request
    }
}

/// A frame that a subscriber got.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    CaughtUp(Value),
    /// The notice that the gateway stops: the event, or the code and reason of a WebSocket's close.
    Closing(Value),
    /// The stream is over.
    End,
    Event(Value),
    Gap(Value),
    ReaderFilter(Value),
    Reset(Value),
}

#[derive(Debug)]
pub(crate) struct Reader {
    wire: Wire,
}

#[derive(Debug)]
enum Wire {
    Sse(Box<Sse>),
    WebSocket(Box<Socket>),
}

#[derive(Debug)]
struct Sse {
    source: Source,
    parser: EventSource,
    frames: std::collections::VecDeque<Frame>,
}

#[derive(Debug)]
enum Source {
    Http1(Raw),
    Http2(reqwest::Response),
}

impl Reader {
    /// Opens a subscription; returns once the gateway has it.
    pub(crate) async fn open(address: SocketAddr, transport: Transport, listen: Listen) -> Reader {
        let sse = |source| {
            let parser = EventSource::default();
            Reader { wire: Wire::Sse(Box::new(Sse { source, parser, frames: Default::default() })) }
        };
        match transport {
            Transport::Sse1 => {
                let mut raw = Raw::connect(address).await;
                let head = raw.get(&format!("/stream?{}", listen.query()), "").await;
                assert_eq!(head.status, 200);
                sse(Source::Http1(raw))
            }
            Transport::Sse2 => {
                let url = format!("http://{address}/stream?{}", listen.query());
                let response = soon("a stream", send_apart(reqwest_client(true).get(url))).await;
                assert_eq!(response.status(), 200);
                assert_eq!(response.version(), http::Version::HTTP_2);
                sse(Source::Http2(response))
            }
            Transport::WebSocket => {
                let mut socket = Socket::open(address).await;
                let answer = socket.ask(listen.request()).await;
                assert_eq!(answer["op"], "subscribed", "{answer}");
                Reader { wire: Wire::WebSocket(Box::new(socket)) }
            }
        }
    }

    /// Returns the next frame.
    pub(crate) async fn next(&mut self) -> Frame {
        match &mut self.wire {
            Wire::Sse(sse) => sse.next().await,
            Wire::WebSocket(socket) => loop {
                let said = match socket.hear().await {
                    Said::Json(said) => said,
                    Said::Ping => continue,
                    Said::Close(code, reason) => {
                        return Frame::Closing(json!({ "code": code, "reason": reason }));
                    }
                    Said::End => return Frame::End,
                };
                return match said["op"].as_str() {
                    Some("event") => Frame::Event(said["event"].clone()),
                    Some("caught-up") => Frame::CaughtUp(said),
                    Some("gap") => Frame::Gap(said),
                    Some("reader-filter") => Frame::ReaderFilter(said),
                    Some("reset") => Frame::Reset(said),
                    // The notice comes first; the close with its code means the same.
                    Some("closing") => continue,
                    _ => panic!("unexpected: {said}"),
                };
            },
        }
    }

    /// Returns the next event; anything else fails the test, except the end of a replay.
    pub(crate) async fn event(&mut self) -> Value {
        loop {
            match self.next().await {
                Frame::Event(event) => return event,
                Frame::CaughtUp(_) => {}
                other => panic!("an event was expected: {other:?}"),
            }
        }
    }

    /// Returns the message of the next event.
    pub(crate) async fn message(&mut self) -> String {
        self.event().await["message"].as_str().expect("a message").to_owned()
    }

    /// Returns the messages of this many events.
    pub(crate) async fn messages(&mut self, count: usize) -> Vec<String> {
        let mut messages = Vec::new();
        while messages.len() < count {
            messages.push(self.message().await);
        }
        messages
    }

    /// Returns the events up to the end of a replay.
    pub(crate) async fn replay(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                Frame::Event(event) => events.push(event),
                Frame::CaughtUp(_) => return events,
                other => panic!("a replay was expected: {other:?}"),
            }
        }
    }
}

impl Sse {
    async fn next(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return frame;
            }
            let chunk = match &mut self.source {
                Source::Http1(raw) => raw.chunk().await,
                // A stream that is reset has also ended.
                Source::Http2(response) => {
                    soon("bytes", response.chunk()).await.ok().flatten().map(|bytes| bytes.to_vec())
                }
            };
            let Some(chunk) = chunk else { return Frame::End };
            for said in self.parser.feed(&chunk) {
                let data: Value = serde_json::from_str(&said.data).expect("JSON");
                self.frames.push_back(match said.event.as_str() {
                    "message" => {
                        assert_eq!(
                            data["id"], said.last_event_id,
                            "the id of the frame is that of the event"
                        );
                        Frame::Event(data)
                    }
                    "caught-up" => Frame::CaughtUp(data),
                    "closing" => Frame::Closing(data),
                    "gap" => Frame::Gap(data),
                    "reader-filter" => Frame::ReaderFilter(data),
                    "reset" => Frame::Reset(data),
                    other => panic!("unexpected: {other}"),
                });
            }
        }
    }
}
