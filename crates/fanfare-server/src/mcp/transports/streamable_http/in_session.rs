//! Legacy sessions: answers that a client can resume, and the stream of unrequested messages.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fanfare_mcp::{Error, Meta, Request as RpcRequest, Version, error, headers, sse};
use http::{HeaderValue, StatusCode};

use crate::mcp::call::Call;
use crate::mcp::caller::Caller;
use crate::mcp::engine::messages::refuse;
use crate::mcp::outbox::{Attachment, Entry, Outbox};
use crate::mcp::session::Session;
use crate::mcp::session::usage::Connection;
use crate::mcp::transports::refusal::Refusal;
use crate::mcp::transports::response::{event_response, json_response};
use crate::mcp::transports::streamable_http::alone::PATIENCE;
use crate::mcp::transports::streamable_http::{Exchange, write_error};
use crate::net::heartbeat::Beats;
use fanfare_hub::session::Wire;

/// Delay before a client should reconnect after its stream broke.
const RETRY_MS: u64 = 1_000;

/// A stream that a client reads.
struct Stream {
    /// The number of the stream in the session; 0 is the stream of unrequested messages.
    number: u64,
    outbox: Arc<Outbox>,
    attachment: Attachment,
    seq: u64,
    /// Sends the position to resume from first, even before there is a message.
    primes: bool,
    beats: Beats,
    /// Whether the stream is complete.
    is_over: bool,
    _connection: Connection,
}

impl Exchange {
    /// Finds the session that the header names.
    pub(super) fn session(&self) -> Result<Option<Arc<Session>>, Error> {
        let Some(id) = self.parts.headers.get(headers::SESSION) else { return Ok(None) };
        let id = id.to_str().map_err(|_| Error::no_session())?;
        let session = self.door.sessions.find(id, &self.client.principal, self.client.locality)?;
        // A session that sends answers to its own event stream does not exist for this transport.
        if session.framing().is_some() { Err(Error::no_session()) } else { Ok(Some(session)) }
    }

    /// Starts a session and answers `initialize`.
    pub(super) async fn begin_session(self, request: &RpcRequest, meta: Meta) -> Result<Response, Refusal> {
        let outbox = Outbox::resumable(self.door.account(&self.client));
        let session = self.door.begin(self.client.clone(), outbox, Wire::StreamableHttp)?;
        let version = Version::NEWEST_LEGACY;
        let caller = Caller { client: self.client, version, session: Some(Arc::clone(&session)) };
        let call = Call::new(caller, request.id.clone(), meta, Arc::clone(&session.outbox));
        match self.door.server.answer(&call, request).await {
            Ok(answer) => {
                let mut response = if self.accepts.json {
                    json_response(StatusCode::OK, answer)
                } else {
                    let mut event = Vec::new();
                    sse::write("message", None, &answer, &mut event);
                    event_response(event.into())
                };
                let id = HeaderValue::from_str(&session.id).expect("an id is hexadecimal");
                response.headers_mut().insert(headers::SESSION, id);
                Ok(response)
            }
            Err(error) => {
                self.door.sessions.end(&session);
                Err(match session.is_dismissed() {
                    true => Refusal::new(StatusCode::FORBIDDEN, error),
                    false => error.into(),
                })
            }
        }
    }

    /// Answers a request of a session. The work continues if the client loses its connection.
    pub(super) async fn answer_in(
        self,
        session: Arc<Session>,
        request: RpcRequest,
        meta: Meta,
    ) -> Result<Response, Refusal> {
        let version = session.version().unwrap_or(Version::NEWEST_LEGACY);
        let (number, outbox) = session.streams.open(session.outbox.another());
        let caller = Caller { client: self.client.clone(), version, session: Some(Arc::clone(&session)) };
        let call = Call::new(caller, request.id.clone(), meta, Arc::clone(&outbox)).over(self.permit());
        let id = request.id.clone();
        let work = match self.door.server.begin_call(&session, call, request) {
            Ok(work) => work,
            // The status says so as well, and when to try again.
            Err(error) if error.code == error::BUSY => {
                session.streams.close(number);
                return Err(error.into());
            }
            Err(error) => refuse(&id, &error),
        };
        let answers = Arc::clone(&outbox);
        let attachment = outbox.attach();
        let whose = Arc::clone(&session);
        let job = async move {
            match work.await {
                // An ended session needs no answer.
                Some(answer) => drop(answers.finish(answer, |busy| write_error(&id, busy))),
                None => answers.end(),
            }
            whose.streams.forget_ended();
        };
        self.door.sessions.run(Box::pin(job)).await;
        if !self.accepts.events {
            return Ok(only_the_answer(&session, number, &outbox, attachment).await);
        }
        match tokio::time::timeout(PATIENCE, outbox.next(attachment, 0)).await {
            Ok(Some(Entry { message, held, is_last: true, .. })) if self.accepts.json => {
                session.streams.close(number);
                return Ok(json_response(StatusCode::OK, held.keep(message)));
            }
            // The call was cancelled.
            Ok(None) if outbox.is_over(0) => {
                session.streams.close(number);
                return Ok(StatusCode::ACCEPTED.into_response());
            }
            _ => {}
        }
        Ok(self.follow(&session, number, outbox, attachment, 0))
    }

    /// Responds with unrequested messages, or with a broken stream, from where the client stopped.
    pub(super) fn stream(self, session: &Arc<Session>) -> Result<Response, Refusal> {
        let last = self.parts.headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let place = last.and_then(|id| {
            let (number, seq) = id.split_once('-')?;
            Some((number.parse::<u64>().ok()?, seq.parse::<u64>().ok()?))
        });
        let (number, outbox, seq) = match place {
            // An id of another form carries no position.
            None => (0, Arc::clone(&session.outbox), session.outbox.taken()),
            Some((0, seq)) => (0, Arc::clone(&session.outbox), seq.min(session.outbox.last())),
            Some((number, seq)) => {
                let outbox = session.streams.find(number).filter(|outbox| seq <= outbox.last());
                let problem =
                    "the stream that `Last-Event-ID` names is no longer kept; send the request again";
                (number, outbox.ok_or_else(|| Error::invalid_request(problem))?, seq)
            }
        };
        let attachment = outbox.attach();
        Ok(self.follow(session, number, outbox, attachment, seq))
    }

    fn follow(
        self,
        session: &Arc<Session>,
        number: u64,
        outbox: Arc<Outbox>,
        attachment: Attachment,
        seq: u64,
    ) -> Response {
        // Older clients read the data of every event as JSON.
        let primes = session.version().is_some_and(|version| version >= Version::V2025_11_25);
        let stream = Stream {
            number,
            outbox,
            attachment,
            seq,
            primes,
            beats: self.beats,
            is_over: false,
            _connection: session.connect(),
        };
        let events = futures_util::stream::unfold(stream, |mut stream| async {
            let bytes = stream.next().await?;
            Some((Ok::<_, std::convert::Infallible>(bytes), stream))
        });
        event_response(Body::from_stream(events))
    }
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        let mut bytes = Vec::new();
        if std::mem::take(&mut self.primes) {
            sse::write_priming(&self.id(), RETRY_MS, &mut bytes);
            return Some(bytes.into());
        }
        if self.is_over {
            return None;
        }
        tokio::select! {
            taken = self.outbox.next(self.attachment, self.seq) => {
                let taken = taken?;
                self.seq = taken.seq;
                self.is_over = taken.is_last;
                sse::write("message", Some(&self.id()), &taken.message, &mut bytes);
                return Some(taken.held.keep(bytes));
            }
            () = self.beats.next() => bytes.extend_from_slice(sse::KEEPALIVE),
        }
        Some(bytes.into())
    }

    fn id(&self) -> String {
        format!("{}-{}", self.number, self.seq)
    }
}

/// Waits for the answer, for a client that accepts only JSON.
async fn only_the_answer(
    session: &Session,
    number: u64,
    outbox: &Outbox,
    mut attachment: Attachment,
) -> Response {
    let mut seq = 0;
    let mut answer = None;
    while answer.is_none() && !outbox.is_over(seq) {
        match outbox.next(attachment, seq).await {
            Some(taken) => {
                seq = taken.seq;
                answer = taken.is_last.then(|| taken.held.keep(taken.message));
            }
            // A call that closes the stream early expects its client to reconnect, and this one cannot.
            None => attachment = outbox.attach(),
        }
    }
    session.streams.close(number);
    match answer {
        Some(answer) => json_response(StatusCode::OK, answer),
        None => StatusCode::ACCEPTED.into_response(),
    }
}
