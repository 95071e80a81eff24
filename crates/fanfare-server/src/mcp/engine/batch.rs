//! Several messages at once: a feature that revision 2025-03-26 added and the next one removed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fanfare_mcp::json_rpc::{BadMessage, Message, write_error};
use fanfare_mcp::{Declaration, Error, Id, Incoming, Request, Version};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join, join_all};

use crate::mcp::engine::Server;
use crate::mcp::engine::messages::refuse;
use crate::mcp::engine::requests::begins_session;
use crate::mcp::outbox::Outbox;
use crate::mcp::session::Session;

/// A batch that was started.
pub struct Batch {
    /// The answers as one message, if there are any.
    pub answers: BoxFuture<'static, Option<Vec<u8>>>,
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

/// Replaces an answer by an error if the answers before it have left no `room` for it.
fn within(
    room: Arc<AtomicUsize>,
    id: Id,
    work: BoxFuture<'static, Option<Vec<u8>>>,
) -> BoxFuture<'static, Option<Vec<u8>>> {
    let replace = move |answer: Vec<u8>| {
        let taken =
            room.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(answer.len()));
        match taken {
            Ok(_) => answer,
            Err(_) => write_error(
                Some(&id),
                &Error::busy("the answers to the batch are too long; send fewer calls at once"),
            ),
        }
    };
    work.map(move |answer| answer.map(replace)).boxed()
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
    /// Starts everything in a batch. Messages that precede the answers go to `outbox`.
    pub fn begin_batch(
        &self,
        session: &Arc<Session>,
        messages: Vec<Result<Message, BadMessage>>,
        outbox: &Arc<Outbox>,
    ) -> Batch {
        let room = Arc::new(AtomicUsize::new(ANSWERS_LEN_MAX));
        let mut work = Vec::new();
        let mut beside = Vec::new();
        for message in messages {
            match message {
                Ok(Message::Request(request)) => work.push(match check_one(&request) {
                    Ok(()) => {
                        let id = request.id.clone();
                        within(Arc::clone(&room), id, self.begin(session, request, outbox))
                    }
                    Err(error) => refuse(&request.id, &error),
                }),
                Ok(message) => beside.extend(self.receive(session, Ok(Incoming::One(message)))),
                Err(refused) => {
                    let answer = write_error(refused.id.as_ref(), &refused.error);
                    work.push(std::future::ready(Some(answer)).boxed());
                }
            }
        }
        let answers = async move {
            let answers: Vec<_> = join_all(work).await.into_iter().flatten().collect();
            (!answers.is_empty()).then(|| [&b"["[..], &answers.join(&b','), b"]"].concat())
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
            Ok(()) => self.begin_batch(session, messages, &session.outbox),
            Err(error) => {
                let refusal = std::future::ready(Some(write_error(None, &error)));
                Batch { answers: refusal.boxed(), beside: Vec::new() }
            }
        };
        let session = Arc::clone(session);
        let answer = async move {
            if let Some(answers) = answers.await {
                // A disconnected client needs no answer.
                let _ = session.outbox.answer(answers, |busy| write_error(None, busy));
            }
        };
        join(answer, join_all(beside)).map(|_| ()).boxed()
    }
}
