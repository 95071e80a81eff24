//! Messages of a WebSocket client: nothing panics, and answer and refusal repeat the `id`.

#![no_main]

use std::collections::BTreeMap;

use fanfare_core::socket_request::{Op, parse};
use fanfare_core::{Door, Principal, Source};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    let source = Source { principal: Principal::local().name().clone(), door: Door::WebSocket, agent: None };
    let id = match parse(text, &source) {
        Ok(request) => {
            if let Op::Publish(events) = &request.op {
                assert!(!events.clone().into_events().is_empty());
            }
            request.id
        }
        Err(refused) => {
            assert!(!refused.why.what.is_empty() && !refused.why.fix.is_empty());
            if refused.why.what == "`id` is set twice" {
                // Nobody can say which of the two was meant.
                assert_eq!(refused.id, None);
                return;
            }
            refused.id
        }
    };
    // Other members may have numbers that no `Value` can hold.
    let members: Option<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(text).ok();
    let given = members.and_then(|members| serde_json::from_str::<Value>(members.get("id")?.get()).ok());
    assert_eq!(id, given.filter(|id| !id.is_null() && !id.is_object() && !id.is_array()));
});
