//! What an attached process remembers of its client, so that another gateway can go on where one has ended.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use fanfare_mcp::listen::{Change, Listen, RESOURCES_MAX};
use fanfare_mcp::meta::SUBSCRIPTION_ID;
use fanfare_mcp::{Cancellation, Error, Id, Incoming, Message, Method, Params};
use fanfare_mcp::{cancellation, json_rpc, tools};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::cli::mcp::asked::{What, request, what};
use crate::cli::mcp::repeat;
use fanfare_server::mcp::gateway;

/// Most requests without an answer: a gateway has at most a few hundred of one client.
const OPEN_MAX: usize = 1_024;
/// Most bytes of them.
const OPEN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What ids of our own begin with, as JSON.
const OWN: &str = "\"fanfare-attached-";

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Requests without an answer, in their order.
    open: BTreeMap<u64, Open>,
    /// Where they are; a batch stands under each of its ids.
    places: HashMap<Id, u64>,
    last: u64,
    bytes: usize,
    /// What the client began with, once that was answered.
    initialize: Option<Params>,
    /// It said that it goes on.
    initialized: bool,
    level: Option<Params>,
    /// What it wants to hear of, outside of `subscriptions/listen`.
    resources: Vec<String>,
    /// What is known of tools.
    tools: repeat::Tools,
    /// The gateway was asked for them under this number.
    asked: Option<u64>,
    last_own: u64,
}

/// A request without an answer.
#[derive(Debug)]
struct Open {
    text: Utf8Bytes,
    ids: Vec<Id>,
    what: What,
}

/// What to do with a message of the client.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Answer it.
    Answer(Vec<u8>),
    /// Send it, after what comes first.
    Send(Option<Utf8Bytes>),
}

/// What makes a new gateway go on.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// What it is sent.
    pub(crate) send: Vec<Utf8Bytes>,
    /// What the client is told: that what it watches may have changed meanwhile.
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
    /// Takes note of a message of the client.
    pub(crate) fn heard(&mut self, text: &Utf8Bytes) -> Heard {
        let incoming = match json_rpc::parse(text.as_bytes()) {
            Ok(incoming) => incoming,
            Err(refused) => return Heard::Answer(json_rpc::write_error(refused.id.as_ref(), &refused.error)),
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
                return Heard::Send(None);
            }
            Incoming::One(Message::Response { .. }) => return Heard::Send(None),
            Incoming::Batch(messages) => {
                let ids = messages.into_iter().filter_map(|message| match message {
                    Ok(Message::Request(request)) => Some(request.id),
                    Ok(Message::Notification { .. } | Message::Response { .. }) | Err(_) => None,
                });
                (ids.collect(), What::Batch)
            }
        };
        let Some(first) = ids.first() else { return Heard::Send(None) };
        if let Some(id) = ids.iter().find(|id| self.places.contains_key(id)) {
            let problem = format!("the id {id} is in use by a call that is not answered yet");
            return Heard::Answer(json_rpc::write_error(Some(first), &Error::invalid_request(problem)));
        }
        if self.open.len() >= OPEN_MAX || self.bytes >= OPEN_BYTES_MAX {
            let problem = format!("{} calls are not answered yet; wait for some of them", self.open.len());
            return Heard::Answer(json_rpc::write_error(Some(first), &Error::busy(problem)));
        }
        let calls = matches!(what, What::Batch | What::Call);
        self.last += 1;
        self.bytes += text.len();
        self.places.extend(ids.iter().map(|id| (id.clone(), self.last)));
        self.open.insert(self.last, Open { text: text.clone(), ids, what });
        Heard::Send(calls.then(|| self.ask_for_tools()).flatten())
    }

    /// Asks which tools change nothing, once.
    fn ask_for_tools(&mut self) -> Option<Utf8Bytes> {
        if self.tools.is_known() || self.asked.is_some() {
            return None;
        }
        let text = self.own(Method::ToolsList, "{}");
        self.asked = Some(self.last_own);
        Some(text)
    }

    /// Writes a request of our own.
    fn own(&mut self, method: Method, params: &str) -> Utf8Bytes {
        self.last_own += 1;
        let method = method.as_str();
        let id = format!("{OWN}{}\"", self.last_own);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#).into()
    }

    /// Says whether anything is without an answer that would come.
    pub(crate) fn is_settled(&self) -> bool {
        let waits = |open: &Open| match &open.what {
            What::Listen { .. } => true,
            What::Call => {
                let tool = request(&open.text).and_then(|request| tools::called(&request));
                tool.is_some_and(|tool| gateway::waits(&tool))
            }
            What::Batch
            | What::Initialize(_)
            | What::Level(_)
            | What::Other
            | What::Subscribe(_)
            | What::Unsubscribe(_) => false,
        };
        self.open.values().all(waits)
    }

    /// Says whether more can be remembered while there is no gateway.
    pub(crate) fn has_room(&self) -> bool {
        self.open.len() < OPEN_MAX && self.bytes < OPEN_BYTES_MAX
    }

    /// Takes note of a message of the gateway; says whether the client gets it.
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
            // What is no message at all is refused here, so a gateway says this of batches, which some revisions lack.
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
        if is_done && let Some(What::Listen { .. }) = self.at(&id) {
            // Only a gateway that stops ends it. Another will go on with it.
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

    /// Says whether a gateway that stops ends a subscription, with which another will go on.
    fn is_torn_down(&self, params: Option<&RawValue>) -> bool {
        let cancelled = params.and_then(|params| serde_json::from_str::<Cancellation>(params.get()).ok());
        cancelled.is_some_and(|cancelled| matches!(self.at(&cancelled.request_id), Some(What::Listen { .. })))
    }

    fn at(&self, id: &Id) -> Option<&What> {
        self.open.get(self.places.get(id)?).map(|open| &open.what)
    }

    /// The answers to a batch come as one.
    fn told_batch(&mut self, text: &str) {
        let frames: Vec<Frame> = serde_json::from_str(text).unwrap_or_default();
        for id in frames.iter().filter_map(|frame| serde_json::from_str::<Id>(frame.id?.get()).ok()) {
            self.close(&id);
        }
    }

    fn told_own(&mut self, id: &str, result: Option<&RawValue>) {
        if let (Some(asked), Some(result)) = (self.asked, result)
            && id == format!("{OWN}{asked}\"")
        {
            self.tools.learn(result.get());
        }
    }

    /// Takes note of the first message of a subscription; says whether it is the first of its kind.
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

    /// Sorts what is open when a gateway is lost; gives the answers that the client gets now. `answered` means that the
    /// gateway has answered all that it began.
    pub(crate) fn lost(&mut self, answered: bool) -> Vec<Vec<u8>> {
        self.asked = None;
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

    /// Gives what makes a new gateway go on, and takes it for sent.
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

    /// Gives up on what is open, but for what the client knows to go on; gives the answers.
    pub(crate) fn refuse(&mut self, problem: &str) -> Vec<Vec<u8>> {
        let goes_on = |open: &Open| matches!(open.what, What::Listen { acknowledged: true });
        let refused: Vec<Id> = self
            .open
            .values()
            .filter(|open| !goes_on(open))
            .filter_map(|open| open.ids.first().cloned())
            .collect();
        let error = Error::internal(problem);
        let closed: Vec<Open> = refused.iter().filter_map(|id| self.close(id)).collect();
        closed.iter().flat_map(|open| &open.ids).map(|id| json_rpc::write_error(Some(id), &error)).collect()
    }
}
