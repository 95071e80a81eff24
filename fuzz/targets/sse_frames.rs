//! Frames of server-sent events: whatever a message holds, a client that follows the HTML standard gets exactly one
//! event from its frame, and nothing in the message can pass for another field.

#![no_main]

use fanfare_core::wire::sse::{Format, write_event, write_preamble};
use fanfare_core::{Channel, Door, Epoch, NewEvent, Position, Principal, Source, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|message: &str| {
    let source = Source { principal: Principal::local().name().clone(), door: Door::Http, agent: None };
    let Ok(event) = NewEvent::new(message, source) else { return };
    let position = Position { epoch: Epoch::from_random(7), seq: 42 };
    let event = event.into_event(position, Timestamp::from_micros(1_700_000_000_000_000));
    let text = Format { json: false, named: false, chunked: false };
    for format in [text, Format { json: true, named: true, ..text }] {
        let mut bytes = Vec::new();
        write_preamble(format, 1000, &[Channel::default()], Some(position), &mut bytes);
        write_event(format, &event, &mut bytes);
        let stream = String::from_utf8(bytes).expect("UTF-8 in, UTF-8 out");
        let events = read(&stream);
        assert_eq!(events.len(), 1, "{stream:?}");
        let (id, name, data) = &events[0];
        assert_eq!(*id, position.to_string());
        if format.json {
            let whole: serde_json::Value = serde_json::from_str(data).expect("JSON");
            assert_eq!((name.as_str(), &whole["message"]), ("info", &message.into()));
        } else {
            let (_, text) = data.split_once("] ").expect("a time in brackets");
            assert_eq!((name.as_str(), text), ("", lines(message).join("\n").as_str()));
        }
    }
});

/// The interpretation of the standard, section 9.2.6, written from its words and not from ours.
fn read(stream: &str) -> Vec<(String, String, String)> {
    let (mut id, mut name, mut data) = (String::new(), String::new(), String::new());
    let mut events = Vec::new();
    for line in lines(stream) {
        if line.is_empty() {
            if !data.is_empty() {
                data.truncate(data.len() - 1);
                events.push((id.clone(), std::mem::take(&mut name), std::mem::take(&mut data)));
            }
            name.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                data.push_str(value);
                data.push('\n');
            }
            "event" => name = value.to_owned(),
            "id" if !value.contains('\0') => id = value.to_owned(),
            _ => {}
        }
    }
    events
}

/// Lines as the standard ends them: by CRLF, LF or CR.
fn lines(text: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(end) = rest.find(['\n', '\r']) {
        found.push(&rest[..end]);
        rest = rest[end..].strip_prefix("\r\n").unwrap_or(&rest[end + 1..]);
    }
    found.push(rest);
    found
}
