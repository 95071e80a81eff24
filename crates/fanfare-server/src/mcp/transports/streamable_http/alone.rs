//! Requests outside a session: modern ones, and legacy ones without a session. Disconnecting cancels them.
//!
//! An answer is JSON unless a message has to precede it; then it is a stream of events, and the answer is the last.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use fanfare_mcp::json_rpc::{BadMessage, Message};
use fanfare_mcp::{Era, Error, Id, Meta, Request as RpcRequest, Version, sse};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use http::StatusCode;

use crate::mcp::call::Call;
use crate::mcp::caller::Caller;
use crate::mcp::engine::batch;
use crate::mcp::outbox::{Attachment, Outbox};
use crate::mcp::session::Session;
use crate::mcp::transports::refusal::Refusal;
use crate::mcp::transports::response::{event_response, json_response};
use crate::mcp::transports::streamable_http::{Exchange, write_error};
use crate::net::heartbeat::Beats;

/// Maximum time before a client gets the head of an answer: after that it gets a stream, which shows that the server is
/// alive.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A request that is being answered.
struct OpenRequest {
    id: Id,
    work: BoxFuture<'static, Result<Vec<u8>, Error>>,
    /// The answer, while messages that precede it are still to be sent.
    answer: Option<Vec<u8>>,
    outbox: Arc<Outbox>,
    attachment: Attachment,
    seq: u64,
    beats: Beats,
}

/// The next thing to send.
enum Next {
    Alive,
    Answer(Vec<u8>),
    Before(Bytes),
}

impl Exchange {
    /// Answers a request outside a session.
    pub(super) async fn answer_alone(
        self,
        request: RpcRequest,
        version: Version,
        meta: Meta,
    ) -> Result<Response, Refusal> {
        let outbox = Arc::new(Outbox::new(self.door.account(&self.client)));
        let caller = Caller { client: self.client, version, session: None };
        let id = request.id.clone();
        let server = self.door.server;
        let call = Call::new(caller, id.clone(), meta, Arc::clone(&outbox));
        if !self.accepts.events {
            // The answer does not wait for a message that cannot be sent.
            outbox.end();
        }
        let mut work = async move { server.answer(&call, &request).await }.boxed();
        let attachment = outbox.attach();
        let before = tokio::select! {
            biased;
            answer = &mut work => match (answer, outbox.try_next(attachment, 0)) {
                (Ok(answer), None) if self.accepts.json => return Ok(json_response(StatusCode::OK, answer)),
                (Err(error), None) => return Ok(refused(&id, &error, version.era())),
                (answer, _) => Some(answer.unwrap_or_else(|error| write_error(&id, &error))),
            },
            _ = outbox.next(attachment, 0), if self.accepts.events => None,
            () = tokio::time::sleep(PATIENCE), if self.accepts.events => None,
        };
        if before.is_some() {
            outbox.end();
        }
        let running =
            OpenRequest { id, work, answer: before, outbox, attachment, seq: 0, beats: self.door.beats };
        let events = futures_util::stream::unfold(Some(running), |running| async {
            let mut running = running?;
            let mut bytes = Vec::new();
            let next = running.next().await;
            match &next {
                Next::Alive => bytes.extend_from_slice(sse::KEEPALIVE),
                Next::Answer(message) => sse::write("message", None, message, &mut bytes),
                Next::Before(message) => sse::write("message", None, message, &mut bytes),
            }
            let rest = (!matches!(next, Next::Answer(_))).then_some(running);
            Some((Ok::<_, std::convert::Infallible>(Bytes::from(bytes)), rest))
        });
        Ok(event_response(Body::from_stream(events.fuse())))
    }

    /// Answers a batch (2025-03-26): all at once, as JSON.
    pub(super) async fn take_batch(
        self,
        messages: Vec<Result<Message, BadMessage>>,
    ) -> Result<Response, Refusal> {
        let session = self.session()?;
        let version = session.as_ref().and_then(|session| session.version());
        batch::check(version.or(self.named_version()?))?;
        let nobody = Arc::new(Outbox::new(self.door.account(&self.client)));
        nobody.end();
        let server = &self.door.server;
        let answers = match session {
            Some(session) => {
                let batch = server.begin_batch(&session, messages, &nobody);
                for job in batch.beside {
                    self.door.sessions.run(job).await;
                }
                batch.answers.await
            }
            None => {
                // Work that continues in a session needs one, and this request has none.
                let outbox = Outbox::new(self.door.account(&self.client));
                let passing = Session::new("", self.client, outbox);
                passing.agree_on(Version::V2025_03_26);
                server.begin_batch(&passing, messages, &nobody).answers.await
            }
        };
        match answers {
            Some(answers) => Ok(json_response(StatusCode::OK, answers)),
            None => Ok(axum::response::IntoResponse::into_response(StatusCode::ACCEPTED)),
        }
    }
}

impl OpenRequest {
    async fn next(&mut self) -> Next {
        loop {
            tokio::select! {
                biased;
                taken = self.outbox.next(self.attachment, self.seq) => match taken {
                    Some(taken) => {
                        self.seq = taken.seq;
                        return Next::Before(taken.message);
                    }
                    None => if let Some(answer) = self.answer.take() {
                        return Next::Answer(answer);
                    },
                },
                answer = &mut self.work, if self.answer.is_none() => {
                    self.answer = Some(answer.unwrap_or_else(|error| write_error(&self.id, &error)));
                    self.outbox.end();
                }
                () = self.beats.next() => return Next::Alive,
            }
        }
    }
}

/// An error found while answering. Legacy clients treat any other status as a broken connection.
fn refused(id: &Id, error: &Error, era: Era) -> Response {
    let status = match era {
        Era::Legacy => StatusCode::OK,
        Era::Modern => error.status(),
    };
    json_response(status, write_error(id, error))
}
