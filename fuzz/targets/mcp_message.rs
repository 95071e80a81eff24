//! Messages of an MCP client: nothing panics, every answer is one line of JSON, and a refusal names the request that it
//! is for, if the id can be read.

#![no_main]

use fanfare_mcp::json_rpc::{parse, write_error};
use fanfare_mcp::listen::{Change, Interests, acknowledged, torn_down};
use fanfare_mcp::{Declaration, Era, Id, Incoming, Message, Meta, Method, Outcome, tools};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

/// Checks that an answer built from a client's own words can be parsed.
fn told(id: &Id, meta: &Meta) {
    for written in [acknowledged(&Interests::default(), id), torn_down(id), Change::Tools.write(Some(id))] {
        assert!(!written.contains(&b'\n') && serde_json::from_slice::<Value>(&written).is_ok());
    }
    assert!(meta.progress_token.as_ref().is_none_or(|token| serde_json::to_value(token).is_ok()));
}

fuzz_target!(|bytes: &[u8]| {
    let one = |message: &Message| match message {
        Message::Notification { params, .. } => {
            // Not every JSON is a value: a number can be larger than any float.
            assert!(
                params.to_json().starts_with('{')
                    && serde_json::from_str::<&RawValue>(&params.to_json()).is_ok()
            );
        }
        Message::Request(request) => {
            let answer = match Declaration::read(&request.params) {
                Ok(Declaration::Legacy(meta)) => {
                    told(&request.id, &meta);
                    let _ = Method::find(&request.method, Era::Legacy);
                    Outcome::empty().write(&request.id, Era::Legacy, "{}")
                }
                Ok(Declaration::Modern { version, meta }) => {
                    told(&request.id, &meta);
                    let _ = (Declaration::served(&version), meta.can("elicitation.form"));
                    Outcome::listened(&request.id).write(&request.id, Era::Modern, "{}")
                }
                Err(error) => write_error(Some(&request.id), &error),
            };
            assert!(!answer.contains(&b'\n'));
            let answer: Value = serde_json::from_slice(&answer).expect("an answer is JSON");
            assert!(answer["id"].is_string() || answer["id"].is_number());
            if let Ok(call) = tools::Call::read(&request.params) {
                assert!(call.arguments().starts_with('{'));
            }
        }
        Message::Response { .. } => {}
    };
    match parse(bytes) {
        Ok(Incoming::One(message)) => one(&message),
        Ok(Incoming::Batch(messages)) => {
            assert!(!messages.is_empty());
            messages.iter().filter_map(|message| message.as_ref().ok()).for_each(one);
        }
        Err(refused) => {
            let answer = write_error(refused.id.as_ref(), &refused.error);
            assert!(serde_json::from_slice::<Value>(&answer).is_ok());
        }
    }
});
