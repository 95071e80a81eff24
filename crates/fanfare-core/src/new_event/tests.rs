//! Bodies of pushes: what is read, and what is refused.

use std::sync::Arc;

use proptest::prelude::*;

use super::{PushBody, parse_json, parse_ndjson};
use crate::principal::{Door, Source};

fn source() -> Source {
    Source { principal: Arc::from("local"), door: Door::Http, agent: None }
}

#[test]
fn an_object_is_an_event_and_an_array_is_a_batch() {
    let one = parse_json(br#" {"message":"hi","channel":"a.b","data":{"x":1},"expires_in":90}"#, &source());
    assert!(matches!(one, Ok(PushBody::One(event)) if event.channel.as_str() == "a.b"));
    let batch = parse_json(br#"[{"message":"a"},{"message":"b"}]"#, &source());
    assert!(matches!(batch, Ok(PushBody::Batch(events)) if events.len() == 2));
    let lines = parse_ndjson(b"{\"message\":\"a\"}\r\n\n{\"message\":\"b\"}", &source());
    assert!(matches!(lines, Ok(PushBody::Batch(events)) if events.len() == 2));
}

#[test]
fn a_refusal_names_the_code_and_the_place() {
    for (body, code, at) in [
        (r#"{"mesage":"x"}"#, "unknown_field", "/mesage"),
        (r#"{"message":5}"#, "invalid_message", "/message"),
        (r#"{}"#, "invalid_message", "/message"),
        (r#"{"message":null}"#, "invalid_message", "/message"),
        (r#"{"message":""}"#, "invalid_message", "/message"),
        (r#"{"message":"","data":null}"#, "invalid_message", "/message"),
        (r#"[{"message":"","data":0},{"message":""}]"#, "invalid_message", "/1/message"),
        (r#"{"message":"x","channel":"a..b"}"#, "invalid_channel", "/channel"),
        (r#"[{"message":"x"},{"message":"x","priority":"urgent"}]"#, "invalid_priority", "/1/priority"),
        (r#"[{"message":"x"},{"message":"x","key":7}]"#, "invalid_key", "/1/key"),
        (r#"[{"message":"x"},3]"#, "invalid_json", "/1"),
        (r#"{"message":"x","expires_in":-1}"#, "invalid_duration", "/expires_in"),
        (r#"{"message":"x","expires_in":[1]}"#, "invalid_duration", "/expires_in"),
        (r#"{"message":"x","expires_in":1e300}"#, "invalid_duration", "/expires_in"),
        (r#"{"message":"x","message":"y"}"#, "invalid_json", ""),
        (r#"{"message":"x""#, "invalid_json", ""),
        (r#""x""#, "invalid_json", ""),
        ("[]", "empty_batch", ""),
        ("", "invalid_json", ""),
    ] {
        let error = parse_json(body.as_bytes(), &source()).expect_err(body);
        assert_eq!((error.code.as_str(), error.at.as_str()), (code, at), "{body}");
    }
    let error = parse_ndjson(b"{\"message\":\"a\"}\n{", &source()).expect_err("second line");
    assert_eq!(error.at, "/1");
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(body: Vec<u8>) {
        let _ = parse_json(&body, &source());
        let _ = parse_ndjson(&body, &source());
    }

    #[test]
    fn no_json_makes_the_parser_panic(
        body in "\\[?\\{\"(message|channel|key|data|expires_in)\":(\"[a-z.]{0,4}\"|[0-9]{1,3}|null|\\{\\})\\}\\]?"
    ) {
        let _ = parse_json(body.as_bytes(), &source());
    }
}
