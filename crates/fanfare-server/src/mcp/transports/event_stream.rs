//! Sessions that send all answers on one stream of server-sent events and end with it: shared by the two older
//! transports over HTTP.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use fanfare_core::Principal;
use fanfare_mcp::json_rpc::{BadMessage, Message};
use fanfare_mcp::{Error, Incoming, error, sse};
use futures_util::FutureExt;
use serde_json::json;

use crate::mcp::client::Client;
use crate::mcp::outbox::{Attachment, Outbox};
use crate::mcp::session::table::{Job, Sessions};
use crate::mcp::session::usage::Connection;
use crate::mcp::session::{Framing, Session};
use crate::mcp::transports::door::Door;
use crate::mcp::transports::refusal::Refusal;
use crate::mcp::transports::response::event_response;
use crate::net::heartbeat::Beats;
use crate::net::locality::Locality;
use fanfare_hub::session::Wire;
use fanfare_runtime::clock;
use fanfare_runtime::shutdown::Shutdown;

impl Framing {
    /// Returns the name of the event that carries a JSON-RPC message.
    fn message(self) -> &'static str {
        match self {
            Framing::Connection => "mcp_response",
            Framing::HttpSse => "message",
        }
    }

    /// Writes a heartbeat.
    fn write_beat(self, out: &mut Vec<u8>) {
        match self {
            Framing::Connection => {
                let beat = json!({ "timestamp": clock::now() }).to_string();
                sse::write("heartbeat", None, beat.as_bytes(), out);
            }
            Framing::HttpSse => out.extend_from_slice(sse::KEEPALIVE),
        }
    }

    fn no_session(self) -> Error {
        let problem = match self {
            Framing::Connection => "no such connection; open a new one with `GET /mcp/sse`",
            Framing::HttpSse => "no such session; open a new one with `GET /sse`",
        };
        Error::new(error::NO_SESSION, problem)
    }
}

/// Frames an event that is not a JSON-RPC message, for the outbox of a session with a stream.
pub(super) fn framed(event: &str, id: Option<&str>, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    sse::write(event, id, data, &mut bytes);
    bytes
}

/// JSON-RPC messages are objects and arrays; no frame starts like one.
fn is_message(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'{' | b'['))
}

/// A stream that a client reads.
struct Stream {
    framing: Framing,
    opening: Option<Vec<u8>>,
    session: Arc<Session>,
    sessions: Sessions,
    attachment: Attachment,
    seq: u64,
    beats: Beats,
    stop: Shutdown,
    _connection: Connection,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.sessions.end(&self.session);
    }
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(opening) = self.opening.take() {
            return Some(opening.into());
        }
        let mut bytes = Vec::new();
        tokio::select! {
            // Messages from before the end are still sent.
            biased;
            taken = self.session.outbox.next(self.attachment, self.seq) => {
                let taken = taken?;
                self.seq = taken.seq;
                if !is_message(&taken.message) {
                    return Some(taken.held.keep(taken.message));
                }
                sse::write(self.framing.message(), None, &taken.message, &mut bytes);
                return Some(taken.held.keep(bytes));
            }
            () = self.stop.asked() => return None,
            () = self.beats.next() => self.framing.write_beat(&mut bytes),
        }
        Some(bytes.into())
    }
}

impl Door {
    /// Starts a session, and returns its stream; `opening` writes the first events.
    pub(super) fn open_stream(
        &self,
        client: Client,
        framing: Framing,
        beats: Beats,
        opening: impl FnOnce(&Session) -> Vec<u8>,
    ) -> Result<Response, Refusal> {
        let outbox = Outbox::new(self.account(&client));
        let wire = match framing {
            Framing::Connection => Wire::Connection,
            Framing::HttpSse => Wire::HttpSse,
        };
        let session = self.begin(client, outbox, wire)?;
        session.frame(framing);
        let stream = Stream {
            framing,
            opening: Some(opening(&session)),
            attachment: session.outbox.attach(),
            seq: 0,
            beats,
            stop: self.server.stop(),
            _connection: session.connect(),
            session,
            sessions: self.sessions.clone(),
        };
        let events = futures_util::stream::unfold(stream, |mut stream| async {
            let bytes = stream.next().await?;
            Some((Ok::<_, std::convert::Infallible>(bytes), stream))
        });
        Ok(event_response(Body::from_stream(events)))
    }

    /// Finds the session of a stream.
    pub(super) fn streaming(
        &self,
        id: &str,
        framing: Framing,
        principal: &Principal,
        locality: Locality,
    ) -> Result<Arc<Session>, Error> {
        let session = self.sessions.find(id, principal, locality).ok();
        session.filter(|session| session.framing() == Some(framing)).ok_or_else(|| framing.no_session())
    }

    /// Accepts messages for a session; answers go to its stream.
    pub(super) async fn take(
        &self,
        session: &Arc<Session>,
        incoming: Result<Incoming, BadMessage>,
    ) -> Result<(), Error> {
        match incoming {
            // These messages free room, so they are accepted even if there is none.
            Ok(Incoming::One(Message::Notification { .. } | Message::Response { .. })) => {
                if let Some(job) = self.server.receive(session, incoming) {
                    self.sessions.run(job).await;
                }
                Ok(())
            }
            incoming => self.work(session, || self.server.receive(session, incoming)).await,
        }
    }

    /// Runs a job for a session, within the limit of concurrent jobs.
    pub(super) async fn work(
        &self,
        session: &Arc<Session>,
        begin: impl FnOnce() -> Option<Job>,
    ) -> Result<(), Error> {
        let permit = session.begin_work()?;
        let Some(mut job) = begin() else { return Ok(()) };
        // Most jobs finish immediately; the rest run in the order of arrival.
        if (&mut job).now_or_never().is_none() {
            let rest = async move {
                job.await;
                drop(permit);
            };
            self.sessions.run(rest.boxed()).await;
        }
        Ok(())
    }
}
