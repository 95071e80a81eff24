//! Several messages at once: a feature that revision 2025-03-26 added and the next one removed.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use fanfare_mcp::json_rpc::{BadMessage, Message, write_error};
use fanfare_mcp::{Declaration, Error, Id, Incoming, Request, Version};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join, join_all};

use crate::mcp::answer::Answer;
use crate::mcp::engine::Server;
use crate::mcp::engine::messages::refuse;
use crate::mcp::engine::requests::begins_session;
use crate::mcp::outbox::Outbox;
use crate::mcp::session::Session;
use crate::net::streams::StreamPermit;

/// A batch that was started.
pub struct Batch {
    /// The answers as one message, if there are any.
    pub answers: BoxFuture<'static, Option<Answer>>,
    /// Work that continues alongside the answers.
    pub beside: Vec<BoxFuture<'static, ()>>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("beside", &self.beside.len()).finish_non_exhaustive()
    }
}

/// Maximum bytes of the answers to one batch, which are one message; they are held until the last one is there.
const ANSWERS_LEN_MAX: usize = 8 * 1024 * 1024;

/// Counts an answer as soon as it exists, because it waits for the rest of the batch. An answer that does not
/// fit, alone or after the earlier ones, is replaced with an error.
fn within(
    room: Arc<AtomicUsize>,
    outbox: Arc<Outbox>,
    id: Id,
    work: BoxFuture<'static, Option<Vec<u8>>>,
) -> BoxFuture<'static, Option<Answer>> {
    let count = move |answer: Vec<u8>| {
        let taken =
            room.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(answer.len()));
        let counted = match taken {
            Ok(_) => outbox.count(answer),
            Err(_) => Err(Error::busy("the answers to the batch are too long; send fewer calls at once")),
        };
        counted.unwrap_or_else(|busy| outbox.count_error(write_error(Some(&id), &busy)))
    };
    work.map(move |answer| answer.map(count)).boxed()
}

/// Returns whether a client may send batches; one that has not named its revision may.
pub fn check(version: Option<Version>) -> Result<(), Error> {
    match version {
        None | Some(Version::V2025_03_26) => Ok(()),
        Some(Version::V2024_11_05 | Version::V2025_06_18 | Version::V2025_11_25 | Version::V2026_07_28) => {
            Err(Error::invalid_request(
                "this protocol revision does not support batches; send one message at a time",
            ))
        }
    }
}

/// Returns whether a request may be part of a batch: not one that starts a session, as 2025-03-26 requires, and not a
/// modern one, whose headers repeat a single body.
fn check_one(request: &Request) -> Result<(), Error> {
    let problem = match Declaration::read(&request.params)? {
        Declaration::Modern { .. } => "a self-contained request cannot be part of a batch; send it alone",
        Declaration::Legacy(_) if begins_session(request) => {
            "`initialize` cannot be part of a batch; send it alone"
        }
        Declaration::Legacy(_) => return Ok(()),
    };
    Err(Error::invalid_request(problem))
}

impl Server {
    /// Starts everything in a batch, whose answers the HTTP request of `permit` may wait for. Messages that precede the
    /// answers go to `outbox`.
    pub fn begin_batch(
        &self,
        session: &Arc<Session>,
        messages: Vec<Result<Message, BadMessage>>,
        outbox: &Arc<Outbox>,
        permit: &Weak<StreamPermit>,
    ) -> Batch {
        let room = Arc::new(AtomicUsize::new(ANSWERS_LEN_MAX));
        let mut work = Vec::new();
        let mut beside = Vec::new();
        for message in messages {
            match message {
                Ok(Message::Request(request)) => {
                    let id = request.id.clone();
                    let answer = match check_one(&request) {
                        Ok(()) => self.begin(session, request, outbox, Weak::clone(permit)),
                        Err(error) => refuse(&id, &error),
                    };
                    work.push(within(Arc::clone(&room), Arc::clone(outbox), id, answer));
                }
                Ok(message) => beside.extend(self.receive(session, Ok(Incoming::One(message)))),
                Err(refused) => {
                    let answer = outbox.count_error(write_error(refused.id.as_ref(), &refused.error));
                    work.push(std::future::ready(Some(answer)).boxed());
                }
            }
        }
        let answers = async move {
            let answers: Vec<_> = join_all(work).await.into_iter().flatten().collect();
            (!answers.is_empty()).then(|| Answer::array(answers))
        };
        Batch { answers: answers.boxed(), beside }
    }

    /// Accepts a batch on a connection that carries messages both ways.
    pub(super) fn receive_batch(
        &self,
        session: &Arc<Session>,
        messages: Vec<Result<Message, BadMessage>>,
    ) -> BoxFuture<'static, ()> {
        let Batch { answers, beside } = match check(session.version()) {
            Ok(()) => self.begin_batch(session, messages, &session.outbox, &Weak::new()),
            Err(error) => {
                let refusal = session.outbox.count_error(write_error(None, &error));
                let refusal = std::future::ready(Some(refusal));
                Batch { answers: refusal.boxed(), beside: Vec::new() }
            }
        };
        let session = Arc::clone(session);
        let answer = async move {
            if let Some(answers) = answers.await {
                // A disconnected client needs no answer.
                let _ = session.outbox.answer_counted(answers, |busy| write_error(None, busy));
            }
        };
        join(answer, join_all(beside)).map(|_| ()).boxed()
    }
}
