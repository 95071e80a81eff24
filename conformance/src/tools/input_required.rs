//! Tools that need something of a modern client before they can answer (2026-07-28, multi-round-trip requests).

use fanfare_mcp::tools::{Call as ToolCall, Tool};
use fanfare_mcp::{Error, Outcome};
use fanfare_server::mcp::call::Call;
use serde_json::{Value, json};

use crate::asked::{Asked, Round};
use crate::suite::Suite;
use crate::tools::{text, tool};

const CAPABILITY: &str = "test_missing_capability";
const STREAMING: &str = "test_streaming_elicitation";
const ELICITATION: &str = "test_input_required_result_elicitation";
const SAMPLING: &str = "test_input_required_result_sampling";
const ROOTS: &str = "test_input_required_result_list_roots";
const STATE: &str = "test_input_required_result_request_state";
const TAMPERED: &str = "test_input_required_result_tampered_state";
const SEVERAL: &str = "test_input_required_result_multiple_inputs";
const ROUNDS: &str = "test_input_required_result_multi_round";
const CAPABILITIES: &str = "test_input_required_result_capabilities";

/// Lists them.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        tool(CAPABILITY, "Needs a model", "Answers to clients that have a model"),
        tool(STREAMING, "Asks on a stream", "Asks the user, by its result and not by a request"),
        tool(ELICITATION, "Asks the user", "Asks the user, then answers"),
        tool(SAMPLING, "Asks the model", "Asks the client's model, then answers"),
        tool(ROOTS, "Asks for folders", "Asks for the client's folders, then answers"),
        tool(STATE, "Remembers", "Has the client carry its state to the next round"),
        tool(TAMPERED, "Refuses changed state", "Has the client carry its state, and checks it"),
        tool(SEVERAL, "Asks everything", "Asks the user, the model and for folders at once"),
        tool(ROUNDS, "Asks twice", "Asks the user twice, then answers"),
        tool(CAPABILITIES, "Asks what it can", "Asks only what the client can answer"),
    ]
}

/// Calls one of them.
pub(super) fn call(suite: &Suite, call: &Call, tool: &ToolCall<'_>) -> Option<Result<Outcome, Error>> {
    let name = || Asked::text("user_name", "What is your name?", "name");
    let confirm = || Asked::choice("confirm", "Please confirm", "ok");
    let capital = || Asked::model("capital_question", "What is the capital of France?", 100);
    let turn = Turn { suite, call, tool, round: Round::new(call, tool.input_responses.as_ref()) };
    Some(match tool.name.as_str() {
        CAPABILITY if call.can("sampling") => Ok(done("This client has a model.")),
        CAPABILITY => Err(Error::missing_capability(json!({ "sampling": {} }))),
        ELICITATION | STREAMING => turn.ask_once(vec![name()], |said| format!("Hello, {}!", plain(said[0]))),
        SAMPLING => turn.ask_once(vec![capital()], |said| format!("The model says: {}", plain(said[0]))),
        ROOTS => {
            let asked = vec![Asked::roots("client_roots")];
            turn.ask_once(asked, |said| format!("The client works on: {}", said[0]))
        }
        STATE | TAMPERED => turn.ask_remembering(vec![confirm()], |_| "state-ok".to_owned()),
        SEVERAL => {
            let greeting = Asked::model("greeting", "Generate a greeting", 50);
            let asked = vec![name(), greeting, Asked::roots("client_roots")];
            turn.ask_remembering(asked, |said| format!("{}, {}! {}", plain(said[1]), plain(said[0]), said[2]))
        }
        ROUNDS => turn.ask_twice(),
        CAPABILITIES => {
            let asked = vec![capital(), name()];
            let fitting = asked.into_iter().filter(|asked| call.can(asked.capability)).collect();
            turn.ask_once(fitting, |said| format!("{} questions were answered.", said.len()))
        }
        _ => return None,
    })
}

/// One round of one tool.
struct Turn<'a> {
    suite: &'a Suite,
    call: &'a Call,
    tool: &'a ToolCall<'a>,
    round: Round<'a>,
}

impl Turn<'_> {
    /// Asks until everything is answered.
    fn ask_once(&self, asked: Vec<Asked>, say: impl FnOnce(&[&Value]) -> String) -> Result<Outcome, Error> {
        match self.answers(&asked) {
            Some(said) => Ok(done(say(&said))),
            None => self.round.ask(&asked, None),
        }
    }

    /// Asks until everything is answered, and our state has come back with it.
    fn ask_remembering(
        &self,
        asked: Vec<Asked>,
        say: impl FnOnce(&[&Value]) -> String,
    ) -> Result<Outcome, Error> {
        match (self.remembered()?, self.answers(&asked)) {
            (Some(_), Some(said)) => Ok(done(say(&said))),
            _ => self.round.ask(&asked, Some(self.remember(json!({})))),
        }
    }

    /// Asks for a name, then for a colour, and remembers the name meanwhile.
    fn ask_twice(&self) -> Result<Outcome, Error> {
        let first = Asked::text("step1", "Step 1: What is your name?", "name");
        let second = Asked::text("step2", "Step 2: What is your favorite color?", "color");
        let remembered = self.remembered()?;
        let name = remembered.as_ref().and_then(|state| state.get("name"));
        if let Some(name) = name {
            return match self.round.answer(&second) {
                Some(color) => Ok(done(format!("{} likes {}.", plain(name), plain(color)))),
                None => self.round.ask(&[second], Some(self.remember(json!({ "name": name })))),
            };
        }
        match (remembered, self.round.answer(&first)) {
            (Some(_), Some(name)) => self.round.ask(&[second], Some(self.remember(json!({ "name": name })))),
            _ => self.round.ask(&[first], Some(self.remember(json!({})))),
        }
    }

    fn answers(&self, asked: &[Asked]) -> Option<Vec<&Value>> {
        asked.iter().map(|asked| self.round.answer(asked)).collect()
    }

    fn remember(&self, state: Value) -> String {
        self.suite.seal.close(&self.tool.name, self.call.caller.client.principal.name(), state)
    }

    fn remembered(&self) -> Result<Option<Value>, Error> {
        let Some(state) = &self.tool.request_state else { return Ok(None) };
        self.suite.seal.open(&self.tool.name, self.call.caller.client.principal.name(), state).map(Some)
    }
}

fn done(said: impl Into<String>) -> Outcome {
    Outcome::complete(&text(said))
}

/// Returns a text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
