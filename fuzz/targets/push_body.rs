//! The body of a push: nothing panics, every error has a fix, and accepted events are valid JSON again.

#![no_main]

use fanfare_core::new_event::{PushBody, parse_json, parse_ndjson};
use fanfare_core::{Door, Epoch, Invalid, NewEvent, Position, Principal, Source, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let source = Source { principal: Principal::local().name().clone(), door: Door::Http, agent: None };
    check(parse_json(body, &source));
    check(parse_ndjson(body, &source));
});

fn check(parsed: Result<PushBody, Invalid>) {
    match parsed {
        Ok(PushBody::One(event)) => check_event(*event),
        Ok(PushBody::Batch(events)) => {
            assert!(!events.is_empty());
            events.into_iter().for_each(check_event);
        }
        Err(error) => {
            assert!(!error.what.is_empty() && !error.fix.is_empty());
            assert!(error.at.is_empty() || error.at.starts_with('/'), "{}", error.at);
            assert!(error.what.len() < 2000, "an answer does not repeat the question");
        }
    }
}

fn check_event(event: NewEvent) {
    let message = event.message.clone();
    let position = Position { epoch: Epoch::from_random(7), seq: 1 };
    let event = event.into_event(position, Timestamp::from_micros(1_700_000_000_000_000));
    let json = serde_json::to_vec(&event).expect("an event is JSON");
    assert!(!json.contains(&b'\n') && !json.contains(&b'\r'), "one line in a stream");
    let read: serde_json::Value = match serde_json::from_slice(&json) {
        Ok(value) => value,
        // Numbers beyond the range of a double stay as the pusher wrote them.
        Err(error) => {
            assert!(event.data.is_some(), "{error}");
            return;
        }
    };
    assert_eq!(read["message"], *message);
    assert_eq!(read["id"], position.to_string());
}
