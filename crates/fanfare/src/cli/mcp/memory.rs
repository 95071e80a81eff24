//! What an attached process remembers about its client, so that the next gateway can continue where one has exited.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use fanfare_mcp::listen::{Change, Listen, RESOURCES_MAX};
use fanfare_mcp::meta::SUBSCRIPTION_ID;
use fanfare_mcp::{Cancellation, Error, Id, Incoming, Message, Method, Params};
use fanfare_mcp::{cancellation, json_rpc};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::cli::mcp::asked::{What, request, what};
use crate::cli::mcp::repeat;
use fanfare_server::mcp::session::INPUT_ENDED;

/// Maximum number of open requests. A gateway allows at most a few hundred per client.
const OPEN_MAX: usize = 1_024;
/// Maximum size of all open requests.
const OPEN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Prefix of the ids of our own requests, as JSON.
const OWN: &str = "\"fanfare-attached-";

/// The state of a client's session.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Requests without a response, in order.
    open: BTreeMap<u64, Open>,
    /// Keys of the open requests by id. A batch has an entry for each of its ids.
    places: HashMap<Id, u64>,
    last: u64,
    bytes: usize,
    /// Parameters of `initialize`, once the gateway has responded.
    initialize: Option<Params>,
    /// Whether the client has sent `notifications/initialized`.
    initialized: bool,
    level: Option<Params>,
    /// Resources that the client subscribed to without `subscriptions/listen`.
    resources: Vec<String>,
    /// The tools that are safe to repeat.
    tools: repeat::Tools,
    /// Number of our own open request for the list of tools.
    tools_request: Option<u64>,
    last_own: u64,
    /// Whether the client asks for nothing more.
    input_ended: bool,
}

/// A request without a response.
#[derive(Debug)]
struct Open {
    text: Utf8Bytes,
    ids: Vec<Id>,
    what: What,
}

/// The way to treat a message of the client.
#[derive(Debug)]
pub(crate) enum Disposition {
    /// Send this response to the client instead of forwarding the message.
    Answer(Vec<u8>),
    /// Forward the message, after this one if there is one.
    Send(Option<Utf8Bytes>),
}

/// The messages that let a new gateway continue the session.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// Messages for the gateway.
    pub(crate) send: Vec<Utf8Bytes>,
    /// Messages for the client: the resources that it watches may have changed in the meantime.
    pub(crate) tell: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

impl Memory {
    /// Records a message of the client.
    pub(crate) fn heard(&mut self, text: &Utf8Bytes) -> Disposition {
        let incoming = match json_rpc::parse(text.as_bytes()) {
            Ok(incoming) => incoming,
            Err(refused) => {
                return Disposition::Answer(json_rpc::write_error(refused.id.as_ref(), &refused.error));
            }
        };
        if let Some(Cancellation { request_id }) = Cancellation::of(&incoming) {
            self.close(&request_id);
        }
        let (ids, what) = match incoming {
            Incoming::One(Message::Request(request)) => {
                let what = what(&request);
                (vec![request.id], what)
            }
            Incoming::One(Message::Notification { method, .. }) => {
                self.initialized |= &*method == "notifications/initialized";
                return Disposition::Send(None);
            }
            Incoming::One(Message::Response { .. }) => return Disposition::Send(None),
            Incoming::Batch(messages) => {
                let ids = messages.into_iter().filter_map(|message| match message {
                    Ok(Message::Request(request)) => Some(request.id),
                    Ok(Message::Notification { .. } | Message::Response { .. }) | Err(_) => None,
                });
                (ids.collect(), What::Batch)
            }
        };
        let Some(first) = ids.first() else { return Disposition::Send(None) };
        if let Some(id) = ids.iter().find(|id| self.places.contains_key(id)) {
            let problem = format!("the id {id} is in use by a call that is not answered yet");
            return Disposition::Answer(json_rpc::write_error(Some(first), &Error::invalid_request(problem)));
        }
        if self.open.len() >= OPEN_MAX || self.bytes >= OPEN_BYTES_MAX {
            let problem = format!("{} calls are not answered yet; wait for some of them", self.open.len());
            return Disposition::Answer(json_rpc::write_error(Some(first), &Error::busy(problem)));
        }
        let calls = matches!(what, What::Batch | What::Call);
        self.last += 1;
        self.bytes += text.len();
        self.places.extend(ids.iter().map(|id| (id.clone(), self.last)));
        self.open.insert(self.last, Open { text: text.clone(), ids, what });
        Disposition::Send(calls.then(|| self.ask_for_tools()).flatten())
    }

    /// Returns a request for the list of tools, unless it is known or requested already.
    fn ask_for_tools(&mut self) -> Option<Utf8Bytes> {
        if self.tools.is_known() || self.tools_request.is_some() {
            return None;
        }
        let text = self.own(Method::ToolsList, "{}");
        self.tools_request = Some(self.last_own);
        Some(text)
    }

    /// Returns a request of our own.
    fn own(&mut self, method: Method, params: &str) -> Utf8Bytes {
        self.last_own += 1;
        let method = method.as_str();
        let id = format!("{OWN}{}\"", self.last_own);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#).into()
    }

    /// Records the end of the client's input, and returns what tells the gateway so: waits end with an answer then.
    pub(crate) fn end_input(&mut self) -> Utf8Bytes {
        self.input_ended = true;
        format!(r#"{{"jsonrpc":"2.0","method":"{INPUT_ENDED}"}}"#).into()
    }

    /// Returns whether every request is answered.
    pub(crate) fn is_done(&self) -> bool {
        self.open.is_empty()
    }

    /// Returns whether there is room for another request while there is no gateway.
    pub(crate) fn has_room(&self) -> bool {
        self.open.len() < OPEN_MAX && self.bytes < OPEN_BYTES_MAX
    }

    /// Records a message of the gateway, and returns whether to forward it to the client.
    pub(crate) fn told(&mut self, text: &str) -> bool {
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            self.told_batch(text);
            return true;
        };
        if let Some(method) = frame.method {
            return match &*method {
                cancellation::METHOD => !self.is_torn_down(frame.params),
                "notifications/subscriptions/acknowledged" => self.acknowledged(frame.params),
                _ => true,
            };
        }
        let Some(raw) = frame.id else {
            // Invalid messages never reach the gateway, so an error without an id refuses a batch, which some revisions
            // do not support.
            let batch = self.open.values().find(|open| matches!(open.what, What::Batch));
            if let Some(id) = batch.and_then(|batch| batch.ids.first().cloned()) {
                self.close(&id);
            }
            return true;
        };
        if raw.get().starts_with(OWN) {
            self.told_own(raw.get(), frame.result);
            return false;
        }
        let Ok(id) = serde_json::from_str::<Id>(raw.get()) else { return true };
        let is_done = frame.result.is_some();
        if is_done
            && !self.input_ended
            && let Some(What::Listen { .. }) = self.at(&id)
        {
            // Only a gateway that is shutting down ends a subscription, and the next gateway continues it.
            return false;
        }
        if let Some(open) = self.close(&id)
            && is_done
        {
            match open.what {
                What::Initialize(params) => self.initialize = Some(params),
                What::Level(params) => self.level = Some(params),
                What::Subscribe(uri) => {
                    if self.resources.len() < RESOURCES_MAX && !self.resources.contains(&uri) {
                        self.resources.push(uri);
                    }
                }
                What::Unsubscribe(uri) => self.resources.retain(|known| *known != uri),
                What::Batch | What::Call | What::Listen { .. } | What::Other => {}
            }
        }
        true
    }

    /// Returns whether a notification cancels a subscription, which the next gateway continues.
    fn is_torn_down(&self, params: Option<&RawValue>) -> bool {
        let cancelled = params.and_then(|params| serde_json::from_str::<Cancellation>(params.get()).ok());
        cancelled.is_some_and(|cancelled| matches!(self.at(&cancelled.request_id), Some(What::Listen { .. })))
    }

    fn at(&self, id: &Id) -> Option<&What> {
        self.open.get(self.places.get(id)?).map(|open| &open.what)
    }

    /// Closes the requests that a batch of responses answers.
    fn told_batch(&mut self, text: &str) {
        let frames: Vec<Frame> = serde_json::from_str(text).unwrap_or_default();
        for id in frames.iter().filter_map(|frame| serde_json::from_str::<Id>(frame.id?.get()).ok()) {
            self.close(&id);
        }
    }

    fn told_own(&mut self, id: &str, result: Option<&RawValue>) {
        if let (Some(request), Some(result)) = (self.tools_request, result)
            && id == format!("{OWN}{request}\"")
        {
            self.tools.learn(result.get());
        }
    }

    /// Records the acknowledgement of a subscription, and returns whether the client has not received one yet.
    fn acknowledged(&mut self, params: Option<&RawValue>) -> bool {
        #[derive(Deserialize)]
        struct Tagged {
            #[serde(rename = "_meta")]
            meta: HashMap<String, Box<RawValue>>,
        }
        let tagged = params.and_then(|params| serde_json::from_str::<Tagged>(params.get()).ok());
        let id = tagged
            .and_then(|tagged| serde_json::from_str::<Id>(tagged.meta.get(SUBSCRIPTION_ID)?.get()).ok());
        let open = id.and_then(|id| self.open.get_mut(self.places.get(&id)?));
        match open.map(|open| &mut open.what) {
            Some(What::Listen { acknowledged }) => !std::mem::replace(acknowledged, true),
            _ => true,
        }
    }

    fn close(&mut self, id: &Id) -> Option<Open> {
        let open = self.open.remove(self.places.get(id)?)?;
        for id in &open.ids {
            self.places.remove(id);
        }
        self.bytes -= open.text.len();
        Some(open)
    }

    /// Closes the open requests that are not safe to repeat, because the gateway is lost, and returns the responses to
    /// them. `answered` means that the gateway has answered every request it started.
    pub(crate) fn lost(&mut self, answered: bool) -> Vec<Vec<u8>> {
        self.tools_request = None;
        let mut answers = Vec::new();
        if !answered {
            let unknown: Vec<Id> = self
                .open
                .values()
                .filter(|open| !self.can_repeat(open))
                .filter_map(|open| open.ids.first().cloned())
                .collect();
            for open in unknown.iter().filter_map(|id| self.close(id)).collect::<Vec<_>>() {
                answers.extend(repeat::unknown_outcome(open.text.as_bytes()));
            }
        }
        answers
    }

    fn can_repeat(&self, open: &Open) -> bool {
        match open.what {
            What::Batch | What::Call => self.tools.can_repeat(open.text.as_bytes()),
            What::Initialize(_)
            | What::Level(_)
            | What::Listen { .. }
            | What::Other
            | What::Subscribe(_)
            | What::Unsubscribe(_) => true,
        }
    }

    /// Returns the messages that let a new gateway continue the session.
    pub(crate) fn replay(&mut self) -> Replay {
        let mut replay = Replay::default();
        if let Some(params) = self.initialize.clone() {
            replay.send.push(self.own(Method::Initialize, &params.to_json()));
        }
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        if self.initialized && self.initialize.is_some() {
            replay.send.push(initialized.into());
        }
        if let Some(params) = self.level.clone() {
            replay.send.push(self.own(Method::SetLevel, &params.to_json()));
        }
        for uri in self.resources.clone() {
            replay.tell.push(Change::Resource(uri.clone()).write(None));
            let params = serde_json::json!({ "uri": uri }).to_string();
            replay.send.push(self.own(Method::ResourcesSubscribe, &params));
        }
        if self.open.values().any(|open| matches!(open.what, What::Call | What::Batch)) {
            replay.send.extend(self.ask_for_tools());
        }
        for open in self.open.values() {
            replay.send.push(open.text.clone());
            if matches!(open.what, What::Listen { acknowledged: true })
                && let Some(request) = request(&open.text)
                && let Ok(Listen { notifications }) = request.params.read()
            {
                let changes = notifications.resource_subscriptions.into_iter().map(Change::Resource);
                replay.tell.extend(changes.map(|change| change.write(Some(&request.id))));
            }
        }
        if self.initialized && self.initialize.is_none() {
            replay.send.push(initialized.into());
        }
        replay
    }

    /// Refuses the open requests and returns the responses to them. Acknowledged subscriptions stay open, unless the
    /// client's input has ended.
    pub(crate) fn refuse(&mut self, problem: &str) -> Vec<Vec<u8>> {
        let stays_open =
            |open: &Open| matches!(open.what, What::Listen { acknowledged: true }) && !self.input_ended;
        let refused: Vec<Id> = self
            .open
            .values()
            .filter(|open| !stays_open(open))
            .filter_map(|open| open.ids.first().cloned())
            .collect();
        let error = Error::internal(problem);
        let closed: Vec<Open> = refused.iter().filter_map(|id| self.close(id)).collect();
        closed.iter().flat_map(|open| &open.ids).map(|id| json_rpc::write_error(Some(id), &error)).collect()
    }
}
