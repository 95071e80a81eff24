//! Messages of a session: the incoming ones, and the answers, which are sent once they are ready.

use std::sync::{Arc, Weak};

use fanfare_mcp::json_rpc::{BadMessage, write_error};
use fanfare_mcp::{Cancellation, Error, Id, Incoming, Message, Method, Params, Request, cancellation};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::mcp::call::Call;
use crate::mcp::caller::{self, Caller};
use crate::mcp::engine::{Server, watch};
use crate::mcp::outbox::Outbox;
use crate::mcp::session::{INPUT_ENDED, Session};
use crate::net::streams::StreamPermit;

impl Server {
    /// Accepts a message on a connection that carries messages both ways. Answers go to the session's outbox. Slow work
    /// is returned, to be run while the next message is read.
    pub fn receive(
        &self,
        session: &Arc<Session>,
        incoming: Result<Incoming, BadMessage>,
    ) -> Option<BoxFuture<'static, ()>> {
        session.touch();
        match incoming {
            Err(refused) => Some(say(session, write_error(refused.id.as_ref(), &refused.error))),
            Ok(Incoming::One(message)) => match message {
                Message::Notification { method, params } => self.notified(session, &method, &params),
                Message::Response { id, outcome } => {
                    session.asks.answer(&id, outcome);
                    None
                }
                Message::Request(request) => {
                    let id = request.id.clone();
                    // The answer takes no connection of its own.
                    let work = self.begin(session, request, &session.outbox, Weak::new());
                    let session = Arc::clone(session);
                    let instead = move |busy: &Error| write_error(Some(&id), busy);
                    Some(
                        async move {
                            if let Some(answer) = work.await {
                                // A disconnected client needs no answer.
                                let _ = session.outbox.answer(answer, instead);
                            }
                        }
                        .boxed(),
                    )
                }
            },
            Ok(Incoming::Batch(messages)) => Some(self.receive_batch(session, messages)),
        }
    }

    /// Starts to answer a request of a session, for which the HTTP request of `permit` may wait. Returns `None` if it was
    /// cancelled.
    pub(super) fn begin(
        &self,
        session: &Arc<Session>,
        request: Request,
        outbox: &Arc<Outbox>,
        permit: Weak<StreamPermit>,
    ) -> BoxFuture<'static, Option<Vec<u8>>> {
        let terms = match caller::terms(&request, session) {
            Ok(terms) => terms,
            Err(error) => return refuse(&request.id, &error),
        };
        let caller = Caller {
            client: session.client.clone(),
            version: terms.version,
            session: Some(Arc::clone(session)),
        };
        let call = Call::new(caller, request.id.clone(), terms.meta, Arc::clone(outbox)).over(permit);
        // The next message may rely on this one, so the two do not run side by side.
        if Method::find(&request.method, call.era()) == Ok(Method::Initialize) {
            let answer = match self.initialize(session, &request) {
                Ok(outcome) => self.write(&outcome, &call),
                Err(error) => write_error(Some(&request.id), &error),
            };
            if session.is_dismissed() {
                // The answer is the last message of the session.
                let _ = session.outbox.answer(answer, |busy| write_error(Some(&request.id), busy));
                session.end();
                return std::future::ready(None).boxed();
            }
            return std::future::ready(Some(answer)).boxed();
        }
        let id = request.id.clone();
        self.begin_call(session, call, request).unwrap_or_else(|error| refuse(&id, &error))
    }

    /// Starts to answer a request that its session can cancel; fails if the session has no room for it.
    pub fn begin_call(
        &self,
        session: &Arc<Session>,
        call: Call,
        request: Request,
    ) -> Result<BoxFuture<'static, Option<Vec<u8>>>, Error> {
        let (mut cancelled, open_call) = session.begin_call(&request.id, self.pace(&request))?;
        let server = self.clone();
        let answer = async move {
            let answer = tokio::select! {
                biased;
                answer = server.answer(&call, &request) => {
                    Some(answer.unwrap_or_else(|error| write_error(Some(&request.id), &error)))
                }
                () = cancelled.asked() => None,
            };
            drop(open_call);
            answer
        };
        Ok(answer.boxed())
    }

    /// Handles a notification of a session.
    pub fn notified(
        &self,
        session: &Arc<Session>,
        method: &str,
        params: &Params,
    ) -> Option<BoxFuture<'static, ()>> {
        match method {
            cancellation::METHOD => {
                if let Ok(Cancellation { request_id }) = params.read() {
                    session.calls.cancel(&request_id);
                }
                None
            }
            "notifications/initialized" if session.watching.begin() => {
                let version = session.version()?;
                let caller =
                    Caller { client: session.client.clone(), version, session: Some(Arc::clone(session)) };
                Some(watch::tell(Arc::clone(&self.service), Arc::clone(session), caller).boxed())
            }
            INPUT_ENDED => {
                session.end_input();
                None
            }
            // A server can do without whatever it does not know of a client.
            _ => None,
        }
    }
}

/// Answers a request with an error.
pub fn refuse(id: &Id, error: &Error) -> BoxFuture<'static, Option<Vec<u8>>> {
    std::future::ready(Some(write_error(Some(id), error))).boxed()
}

fn say(session: &Arc<Session>, message: Vec<u8>) -> BoxFuture<'static, ()> {
    let session = Arc::clone(session);
    async move {
        // A disconnected client needs no answer.
        let _ = session.outbox.send(message).await;
    }
    .boxed()
}
