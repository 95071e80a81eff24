//! What senders send besides JSON: questions and forms.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{now, one, secrets};
use crate::ingest::challenge::Challenge;
use crate::ingest::{Incoming, Kind, Read, read};
use crate::verify::Headers;
use fanfare_core::principal::{Door, Source};

#[test]
fn a_question_in_a_body_is_answered_and_is_no_event() {
    let source = Source { principal: Arc::from("local"), door: Door::Ingest, agent: None };
    let headers = Headers::from_iter([("content-type", &b"application/json"[..])]);
    let body = json!({"token": "t", "challenge": "3eZb", "type": "url_verification"}).to_string();
    let incoming = Incoming { name: "generic", headers: &headers, body: body.as_bytes(), source: &source };
    let answer =
        read(Kind::Generic, incoming, &secrets().verifier(Kind::Generic), now()).expect("a question");
    assert_eq!(answer, Read::Challenge(Challenge::Challenge(json!("3eZb"))));
}

#[test]
fn a_form_becomes_data() {
    const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded; charset=UTF-8")];
    const PARTS: &[(&str, &str)] = &[("content-type", "multipart/form-data; boundary=\"x-y\"")];
    let parts = "--x-y\r\nContent-Disposition: form-data; name=\"subject\"\r\n\r\nHello\r\nthere\r\n--x-y\r\n\
                 content-disposition: form-data; name=\"cover\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n1234\r\n--x-y--\r\n";
    let payload = "--x-y\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\"title\":\"played\"}\r\n--x-y--\r\n";
    for (headers, body, message, data) in [
        (
            FORM,
            "From=%2B49151&Body=On+my+way&NumMedia=0",
            "On my way",
            Some(json!({"From": "+49151", "Body": "On my way", "NumMedia": "0"})),
        ),
        (
            FORM,
            "command=%2Fdeploy&text=web&a=1&a=2&a=3",
            "web",
            Some(json!({"command": "/deploy", "text": "web", "a": ["1", "2", "3"]})),
        ),
        (FORM, "payload=%7B%22text%22%3A%22clicked%22%7D", "clicked", Some(json!({"text": "clicked"}))),
        (FORM, "a=1", "received a", Some(json!({"a": "1"}))),
        (
            PARTS,
            parts,
            "Hello\r\nthere",
            Some(
                json!({"subject": "Hello\r\nthere", "cover": {"filename": "a.png", "content_type": "image/png", "bytes": 4}}),
            ),
        ),
        (PARTS, payload, "played", Some(json!({"title": "played"}))),
        // `curl -d` declares every text to be a form.
        (FORM, "backup done", "backup done", None),
        (FORM, "x=1 and y=2", "x=1 and y=2", None),
        (FORM, "done&dusted", "done&dusted", None),
        (PARTS, "--x-y\r\nhalf a part", "--x-y\r\nhalf a part", None),
    ] {
        let event = one(Kind::Generic, headers, body).expect(body);
        assert_eq!(&*event.message, message);
        let read = event.data.map(|data| serde_json::from_str::<Value>(data.as_str()).expect("JSON"));
        assert_eq!(read, data, "{body}");
    }
}
