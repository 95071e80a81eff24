//! One call: the context a service gets, and the messages it can send before it answers.

use std::sync::{Arc, Weak};

use fanfare_mcp::listen::LogLevel;
use fanfare_mcp::{Era, Error, Id, Meta, json_rpc};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::mcp::caller::Caller;
use crate::mcp::outbox::{ClientGone, Outbox};
use crate::net::streams::{self, StreamPermit};

/// A request that is being answered.
#[derive(Debug)]
pub struct Call {
    /// The caller.
    pub caller: Caller,
    /// The id of the call.
    pub id: Id,
    meta: Meta,
    /// The outbox for messages that precede the answer.
    outbox: Arc<Outbox>,
    /// The HTTP request that waits for the answer, if there is one.
    permit: Weak<StreamPermit>,
}

impl Call {
    /// Creates the context of a request.
    pub fn new(caller: Caller, id: Id, meta: Meta, outbox: Arc<Outbox>) -> Call {
        Call { caller, id, meta, outbox, permit: Weak::new() }
    }

    /// Names the HTTP request that waits for the answer.
    #[must_use]
    pub fn over(mut self, permit: Weak<StreamPermit>) -> Call {
        self.permit = permit;
        self
    }

    /// Waits until the answer has to come because the HTTP request has taken longer than a short one, and there is no
    /// room for that.
    pub async fn crowded_out(&self) {
        drop(streams::crowded_out(self.permit.clone()).await);
    }

    /// Waits until the client's input has ended: it gets the answer that there is now, and asks for nothing more.
    pub async fn input_ended(&self) {
        match &self.caller.session {
            Some(session) => session.input_ended().asked().await,
            None => std::future::pending().await,
        }
    }

    /// Returns the era of its revision.
    pub fn era(&self) -> Era {
        self.caller.version.era()
    }

    /// Returns whether the client declared `capability`, a path such as `elicitation.form`.
    pub fn can(&self, capability: &str) -> bool {
        match &self.caller.session {
            Some(session) if self.era() == Era::Legacy => session.can(capability),
            _ => self.meta.can(capability),
        }
    }

    /// Returns whether the client asked for progress.
    pub fn wants_progress(&self) -> bool {
        self.meta.progress_token.is_some()
    }

    /// Reports progress, if the client asked for it.
    pub async fn progress(&self, progress: f64, total: Option<f64>, message: &str) -> Result<(), ClientGone> {
        let Some(token) = &self.meta.progress_token else { return Ok(()) };
        // `message` was added in 2025-03-26; older clients ignore it.
        let params = Progress { progress_token: token, progress, total, message };
        self.notify("notifications/progress", &params).await
    }

    /// Sends a log message, if the client asked for its level.
    pub async fn log(&self, level: LogLevel, logger: &str, data: Value) -> Result<(), ClientGone> {
        let least = match (self.era(), &self.caller.session) {
            (Era::Modern, _) => self.meta.log_level,
            (Era::Legacy, Some(session)) => Some(session.log_level()),
            (Era::Legacy, None) => Some(LogLevel::Debug),
        };
        if least.is_none_or(|least| level < least) {
            return Ok(());
        }
        let params = json!({ "level": level, "logger": logger, "data": data });
        self.notify("notifications/message", &params).await
    }

    /// Sends the client a request and waits for the answer; legacy sessions only.
    pub async fn ask(&self, method: &str, params: &Value) -> Result<Box<RawValue>, Error> {
        let session = self.caller.session.as_ref().filter(|_| self.era() == Era::Legacy);
        let session = session.ok_or_else(|| Error::internal("the client can only be asked in a session"))?;
        let ask = session.asks.begin()?;
        let question = json_rpc::write_request(&ask.id, method, params);
        self.say(question).await.map_err(|ClientGone| Error::internal("the client is gone"))?;
        ask.answer().await
    }

    /// Leaves the call unanswered, because the gateway is stopping and has done nothing for it. Returns whether the
    /// client asks the next gateway. If so, the caller only waits to be dropped.
    pub fn leave(&self) -> bool {
        self.caller.session.as_ref().is_some_and(|session| session.leave_call(&self.id))
    }

    /// Ends the connection that would carry the answer, while the call continues: the client resumes on another
    /// connection. Sessions over Streamable HTTP only.
    pub fn hang_up(&self) {
        self.outbox.hang_up();
    }

    /// Sends bytes before the answer.
    pub(super) async fn say(&self, message: Vec<u8>) -> Result<(), ClientGone> {
        self.outbox.send(message).await
    }

    async fn notify(&self, method: &str, params: &impl Serialize) -> Result<(), ClientGone> {
        self.say(json_rpc::write_notification(method, params)).await
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress<'a> {
    /// The token as the client wrote it.
    progress_token: &'a Id,
    progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<f64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}
