//! Requests to a modern client: the questions, and their answers (2026-07-28, multi-round-trip requests).

use fanfare_mcp::outcome::InputRequired;
use fanfare_mcp::{Error, Outcome};
use fanfare_server::mcp::call::Call;
use serde_json::{Map, Value, json};

/// One question.
#[derive(Debug)]
pub(crate) struct Asked {
    key: &'static str,
    /// The capability that the client needs to answer it.
    pub(crate) capability: &'static str,
    method: &'static str,
    params: Value,
    /// The place of the answer in the client's result.
    pointer: String,
}

impl Asked {
    /// Asks the user for a text.
    pub(crate) fn text(key: &'static str, message: &str, name: &str) -> Asked {
        Asked::form(key, message, name, "string")
    }

    /// Asks the user for yes or no.
    pub(crate) fn choice(key: &'static str, message: &str, name: &str) -> Asked {
        Asked::form(key, message, name, "boolean")
    }

    fn form(key: &'static str, message: &str, name: &str, kind: &str) -> Asked {
        let schema =
            json!({ "type": "object", "properties": { name: { "type": kind } }, "required": [name] });
        Asked {
            key,
            capability: "elicitation",
            method: "elicitation/create",
            params: json!({ "message": message, "requestedSchema": schema }),
            pointer: format!("/content/{name}"),
        }
    }

    /// Asks the client's model.
    pub(crate) fn model(key: &'static str, text: &str, max_tokens: u32) -> Asked {
        let message = json!({ "role": "user", "content": { "type": "text", "text": text } });
        Asked {
            key,
            capability: "sampling",
            method: "sampling/createMessage",
            params: json!({ "messages": [message], "maxTokens": max_tokens }),
            pointer: "/content/text".to_owned(),
        }
    }

    /// Asks for the folders that the client works on.
    pub(crate) fn roots(key: &'static str) -> Asked {
        Asked {
            key,
            capability: "roots",
            method: "roots/list",
            params: json!({}),
            pointer: "/roots".to_owned(),
        }
    }
}

/// One round: the answers that came with a request, and the means to ask for more.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    call: &'a Call,
    answers: Option<&'a Map<String, Value>>,
}

impl<'a> Round<'a> {
    /// Creates a round with the answers that `call` brought.
    pub(crate) fn new(call: &'a Call, answers: Option<&'a Map<String, Value>>) -> Round<'a> {
        Round { call, answers }
    }

    /// Returns the answer to a question. `None` if it was not answered, or not in the requested form: then it has to be
    /// asked again.
    pub(crate) fn answer(&self, asked: &Asked) -> Option<&'a Value> {
        self.answers?.get(asked.key)?.pointer(&asked.pointer).filter(|value| !value.is_null())
    }

    /// Asks; `state` comes back with the answers.
    pub(crate) fn ask(&self, questions: &[Asked], state: Option<String>) -> Result<Outcome, Error> {
        let lacking = questions.iter().filter(|asked| !self.call.can(asked.capability));
        let lacking: Map<_, _> = lacking.map(|asked| (asked.capability.to_owned(), json!({}))).collect();
        if !lacking.is_empty() {
            return Err(Error::missing_capability(lacking.into()));
        }
        let requests = questions
            .iter()
            .map(|asked| (asked.key.to_owned(), json!({ "method": asked.method, "params": asked.params })));
        Ok(Outcome::input_required(&InputRequired {
            input_requests: requests.collect(),
            request_state: state,
        }))
    }
}
