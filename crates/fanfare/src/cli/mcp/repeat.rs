//! Decides which calls are safe to repeat after their response was lost, and answers the others.

use std::collections::HashSet;

use fanfare_mcp::tools::{Answer, Call};
use fanfare_mcp::{Declaration, Era, Error, Incoming, Message, Method, Outcome, Request, json_rpc};
use serde::Deserialize;

/// The gateway's tools, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    /// Names of the tools that are safe to repeat; `None` until the gateway has listed its tools.
    harmless: Option<HashSet<String>>,
}

#[derive(Deserialize)]
struct List {
    tools: Vec<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Annotations {
    read_only_hint: bool,
    idempotent_hint: bool,
}

impl Tools {
    /// Returns whether the gateway has listed its tools.
    pub(crate) fn is_known(&self) -> bool {
        self.harmless.is_some()
    }

    /// Records the result of `tools/list`.
    pub(crate) fn learn(&mut self, result: &str) {
        let Ok(list) = serde_json::from_str::<List>(result) else { return };
        let harmless = |tool: &Tool| tool.annotations.read_only_hint || tool.annotations.idempotent_hint;
        self.harmless = Some(list.tools.into_iter().filter(harmless).map(|tool| tool.name).collect());
    }

    /// Returns whether a message is safe to repeat.
    pub(crate) fn can_repeat(&self, text: &[u8]) -> bool {
        match json_rpc::parse(text) {
            Ok(Incoming::One(Message::Request(request))) => self.is_harmless(&request),
            Ok(Incoming::One(Message::Notification { .. } | Message::Response { .. })) | Err(_) => true,
            Ok(Incoming::Batch(messages)) => messages.iter().all(|message| match message {
                Ok(Message::Request(request)) => self.is_harmless(request),
                Ok(Message::Notification { .. } | Message::Response { .. }) | Err(_) => true,
            }),
        }
    }

    fn is_harmless(&self, request: &Request) -> bool {
        #[derive(Deserialize)]
        struct Arguments {
            idempotency_key: Option<String>,
        }
        if &*request.method != Method::ToolsCall.as_str() {
            return true;
        }
        let Ok(call) = Call::read(&request.params) else { return true };
        let has_key = serde_json::from_str::<Arguments>(call.arguments())
            .is_ok_and(|arguments| arguments.idempotency_key.is_some_and(|key| !key.is_empty()));
        has_key || self.harmless.as_ref().is_some_and(|harmless| harmless.contains(&call.name))
    }
}

/// Answers the calls in a message that may or may not have been done.
pub(crate) fn unknown_outcome(text: &[u8]) -> Vec<Vec<u8>> {
    const TEXT: &str = "The gateway went away before it responded, so this may or may not have been done. Check \
                        with `read_history`, or with `list_deliveries` for a webhook, before you do it again. A push \
                        with an `idempotency_key` is safe to repeat.";
    let server_info = concat!(r#"{"name":"fanfare","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
    let answer = |request: &Request| {
        let era = match Declaration::read(&request.params) {
            Ok(Declaration::Modern { .. }) => Era::Modern,
            Ok(Declaration::Legacy(_)) | Err(_) => Era::Legacy,
        };
        Outcome::complete(&Answer::error(TEXT)).write(&request.id, era, server_info)
    };
    let error = Error::internal("the gateway went away before it responded; send this again");
    match json_rpc::parse(text) {
        Ok(Incoming::One(Message::Request(request))) => vec![answer(&request)],
        Ok(Incoming::Batch(messages)) => messages
            .iter()
            .filter_map(|message| match message {
                Ok(Message::Request(request)) if &*request.method == Method::ToolsCall.as_str() => {
                    Some(answer(request))
                }
                Ok(Message::Request(request)) => Some(json_rpc::write_error(Some(&request.id), &error)),
                Ok(Message::Notification { .. } | Message::Response { .. }) | Err(_) => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
