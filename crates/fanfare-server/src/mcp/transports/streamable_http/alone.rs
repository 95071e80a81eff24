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
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
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
    is_done: bool,
    /// The answer, after the messages that precede it.
    outbox: Arc<Outbox>,
    attachment: Attachment,
    seq: u64,
    beats: Beats,
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
        let permit = self.permit();
        let caller = Caller { client: self.client, version, session: None };
        let id = request.id.clone();
        let server = self.door.server;
        let call = Call::new(caller, id.clone(), meta, Arc::clone(&outbox)).over(permit);
        if !self.accepts.events {
            // The answer does not wait for a message that cannot be sent.
            outbox.end();
        }
        let mut work = async move { server.answer(&call, &request).await }.boxed();
        let attachment = outbox.attach();
        let answer = tokio::select! {
            biased;
            answer = &mut work => match (answer, outbox.try_next(attachment, 0)) {
                (Ok(answer), None) if self.accepts.json => {
                    return Ok(match outbox.count(answer) {
                        Ok(answer) => json_response(StatusCode::OK, answer.into_bytes()),
                        Err(busy) => refused(&id, &busy, version.era()),
                    });
                }
                (Err(error), None) => return Ok(refused(&id, &error, version.era())),
                (answer, _) => Some(answer),
            },
            _ = outbox.next(attachment, 0), if self.accepts.events => None,
            () = tokio::time::sleep(PATIENCE), if self.accepts.events => None,
        };
        let mut open =
            OpenRequest { id, work, is_done: false, outbox, attachment, seq: 0, beats: self.beats };
        if let Some(answer) = answer {
            open.finish(answer);
        }
        let events = futures_util::stream::unfold(open, |mut open| async {
            let bytes = open.next().await?;
            Some((Ok::<_, std::convert::Infallible>(bytes), open))
        });
        Ok(event_response(Body::from_stream(events)))
    }

    /// Answers a batch (2025-03-26): all at once, as JSON.
    pub(super) async fn take_batch(
        self,
        messages: Vec<Result<Message, BadMessage>>,
    ) -> Result<Response, Refusal> {
        let session = self.session()?;
        let version = session.as_ref().and_then(|session| session.version());
        batch::check(version.or(self.named_version()?))?;
        for message in messages.iter().flatten() {
            if let Message::Request(request) = message {
                self.count(request)?;
            }
        }
        let nobody = Arc::new(Outbox::new(self.door.account(&self.client)));
        nobody.end();
        let permit = self.permit();
        let server = &self.door.server;
        let answers = match session {
            Some(session) => {
                let batch = server.begin_batch(&session, messages, &nobody, &permit);
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
                server.begin_batch(&passing, messages, &nobody, &permit).answers.await
            }
        };
        match answers {
            Some(answers) => Ok(json_response(StatusCode::OK, answers.into_bytes())),
            None => Ok(axum::response::IntoResponse::into_response(StatusCode::ACCEPTED)),
        }
    }
}

impl OpenRequest {
    /// Puts the answer after the messages that precede it, where it counts.
    fn finish(&mut self, answer: Result<Vec<u8>, Error>) {
        self.is_done = true;
        let answer = answer.unwrap_or_else(|error| write_error(&self.id, &error));
        // Only this ends the outbox.
        let _ = self.outbox.finish(answer, |busy| write_error(&self.id, busy));
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let mut bytes = Vec::new();
            tokio::select! {
                biased;
                taken = self.outbox.next(self.attachment, self.seq) => {
                    let taken = taken?;
                    self.seq = taken.seq;
                    sse::write("message", None, &taken.message, &mut bytes);
                    return Some(taken.held.keep(bytes));
                }
                answer = &mut self.work, if !self.is_done => self.finish(answer),
                () = self.beats.next() => {
                    bytes.extend_from_slice(sse::KEEPALIVE);
                    return Some(bytes.into());
                }
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
