//! Tests of the encoder, whose output is read back as a browser does.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use crate::event::{Event, NOTICE_NAMES};
use crate::filter::Filter;
use crate::new_event::NewEvent;
use crate::notice::{ClosingReason, GapReason, Notice, ResetReason};
use crate::position::{Epoch, Position};
use crate::principal::{Door, Source};
use crate::timestamp::Timestamp;
use crate::wire::event_source::{Dispatched, EventSource};
use crate::wire::{sse, websocket};

const STAMP: &str = "[2026-11-21T08:00:00.123456+00:00] ";

fn position(seq: u64) -> Position {
    Position { epoch: "k3f9x2ab".parse::<Epoch>().expect("an epoch"), seq }
}

fn event(seq: u64, event_type: &str, message: &str) -> Event {
    let source = Source { principal: Arc::from("local"), door: Door::Http, agent: None };
    let mut new = NewEvent::new(message, source).expect("a message");
    new.event_type = event_type.parse().expect("a type");
    new.into_event(position(seq), Timestamp::from_micros(1_795_248_000_123_456))
}

fn formats() -> impl Iterator<Item = sse::Format> {
    (0..8).map(|bits: u8| sse::Format { json: bits & 1 != 0, named: bits & 2 != 0, chunked: bits & 4 != 0 })
}

/// Removes the chunks of RFC 9112, section 7.1. The output of a format without chunks is returned unchanged.
fn body(format: sse::Format, bytes: &[u8]) -> Vec<u8> {
    if !format.chunked {
        return bytes.to_vec();
    }
    let (mut body, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").expect("a chunk size");
        let size = std::str::from_utf8(&rest[..end]).expect("a chunk size");
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        assert!(size > 0, "a chunk without bytes would end the body");
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        assert_eq!(&rest[end + 2 + size..end + 4 + size], b"\r\n");
        rest = &rest[end + 4 + size..];
    }
    body
}

fn encoded(format: sse::Format, events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        sse::write_event(format, event, &mut bytes);
    }
    bytes
}

fn read(bytes: &[u8]) -> Vec<Dispatched> {
    EventSource::default().feed(bytes)
}

/// Returns a text as a browser reports it: with lines joined by LF, whatever ended them.
fn with_lf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Runs the vectors of web-platform-tests `eventsource/`, so that the reader of the other tests can be trusted.
#[test]
fn the_browser_of_these_tests_keeps_to_the_standard() {
    /// Data, event and last event id.
    type Said = (&'static str, &'static str, &'static str);
    let cases: [(&str, &[Said]); 14] = [
        (
            "data:\n\ndata\ndata\n\ndata:test\n\n",
            &[("", "message", ""), ("\n", "message", ""), ("test", "message", "")],
        ),
        ("\u{feff}data:1\n\n\u{feff}data:2\n\ndata:3\n\n", &[("1", "message", ""), ("3", "message", "")]),
        ("\u{feff}\u{feff}data:1\n\ndata:2\n\n", &[("2", "message", "")]),
        (
            "data: data\n\ndata:\tdata\n\ndata:  x\n\n",
            &[("data", "message", ""), ("\tdata", "message", ""), (" x", "message", "")],
        ),
        ("data:test\r\ndata\ndata:test\r\n\r\n", &[("test\n\ntest", "message", "")]),
        ("data:test\r\rdata:x\r\n\n", &[("test", "message", ""), ("x", "message", "")]),
        ("event:test\ndata:x\n\ndata:y\n\n", &[("x", "test", ""), ("y", "message", "")]),
        ("event: \ndata:data\n\n", &[("data", "message", "")]),
        ("event:a\n\ndata:x\n\n", &[("x", "message", "")]),
        ("id:1\ndata:x\n\nid\ndata:y\n\n", &[("x", "message", "1"), ("y", "message", "")]),
        ("id:1\ndata:x\n\nid:a\0b\ndata:y\n\n", &[("x", "message", "1"), ("y", "message", "1")]),
        (" data:1\n\nDATA:2\n\ndatax:3\n\n", &[]),
        ("data:unfinished\n", &[]),
        (":comment\ndata:x\n:\0\n\n", &[("x", "message", "")]),
    ];
    for (stream, wanted) in cases {
        let said = read(stream.as_bytes());
        let said: Vec<_> = said
            .iter()
            .map(|said| (said.data.as_str(), said.event.as_str(), said.last_event_id.as_str()))
            .collect();
        assert_eq!(said, wanted, "{stream:?}");
    }
    let mut browser = EventSource::default();
    browser.feed(b"retry:3000\nretry:1000x\nretry\nretry:-1\n\n");
    assert_eq!(browser.retry_ms, Some(3_000));
}

#[test]
fn the_bytes_are_those_of_the_original_with_an_id() {
    let bytes = encoded(sse::Format::default(), &[event(7, "info", "deployed"), event(8, "error", "a\nb")]);
    assert_eq!(
        String::from_utf8(bytes).expect("text"),
        format!("id: k3f9x2ab-7\ndata: {STAMP}deployed\n\nid: k3f9x2ab-8\ndata: {STAMP}a\ndata: b\n\n")
    );
    let named = sse::Format { named: true, ..sse::Format::default() };
    let bytes = encoded(named, &[event(7, "build.failed", "x")]);
    let text = String::from_utf8(bytes).expect("text");
    assert_eq!(text, format!("id: k3f9x2ab-7\nevent: build.failed\ndata: {STAMP}x\n\n"));
}

#[test]
fn a_type_does_not_read_as_an_event_of_the_connection() {
    let format = sse::Format { named: true, ..sse::Format::default() };
    let events = [event(1, "error", "x"), event(2, "open", "x"), event(3, "errors", "x")];
    let said = EventSource::default().feed(&encoded(format, &events));
    let names: Vec<_> = said.iter().map(|said| said.event.as_str()).collect();
    assert_eq!(names, ["type.error", "type.open", "errors"]);
}

/// Runs the cases of web-platform-tests `eventsource/format-*` that a message can try to imitate.
#[test]
fn no_message_breaks_out_of_its_frame() {
    for message in [
        "",
        " ",
        "  two leading spaces",
        "\ttab",
        "\n",
        "\n\n",
        "\r",
        "\r\r\n\n",
        "a\r\nb\rc\nd",
        "ends with LF\n",
        "ends with CR\r",
        "\u{feff}starts with a BOM",
        "a NUL \0 in the middle",
        "data: x",
        "x\ndata: y",
        "x\n\ndata: y",
        "x\n\nid: evil\ndata: y\n\n",
        "x\r\rid: evil\rdata: y\r\r",
        "x\nid: evil-1",
        "x\nevent: gap",
        "x\nretry: 1",
        "x\n: comment",
        "x\n:",
        "x\ndata",
        "x\ndata:",
        "colons: in: lines",
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "snowman ☃ and 🎺, ünïcödé",
        "U+2028 \u{2028} and U+0085 \u{85} end no line",
        "\u{fffd}",
    ] {
        for format in formats() {
            let bytes = encoded(format, &[event(1, "info", message), event(2, "success", "next")]);
            let body = body(format, &bytes);
            let mut browser = EventSource::default();
            let said = browser.feed(&body);
            assert_eq!(said.len(), 2, "{message:?} {format:?}");
            assert_eq!(said[0].last_event_id, "k3f9x2ab-1", "{message:?}");
            assert_eq!(said[0].event, if format.named { "info" } else { "message" }, "{message:?}");
            if format.json {
                let json: Value = serde_json::from_str(&said[0].data).expect("JSON");
                assert_eq!(json["message"], message);
            } else {
                assert_eq!(said[0].data, format!("{STAMP}{}", with_lf(message)));
            }
            assert_eq!(said[1].last_event_id, "k3f9x2ab-2", "{message:?}");
            assert_eq!((browser.retry_ms, browser.comments.len()), (None, 0), "{message:?}");
        }
    }
}

#[test]
fn the_first_bytes_and_keepalives_dispatch_nothing() {
    for (format, start) in formats().flat_map(|format| [(format, None), (format, Some(position(7)))]) {
        let mut bytes = Vec::new();
        sse::write_preamble(format, 1_234, &[], start, &mut bytes);
        sse::write_keepalive(format, &mut bytes);
        sse::write_event(format, &event(1, "info", "x"), &mut bytes);
        sse::write_keepalive(format, &mut bytes);
        sse::write_event(format, &event(2, "info", "y"), &mut bytes);
        let mut browser = EventSource::default();
        let said = browser.feed(&body(format, &bytes));
        assert_eq!(said.len(), 2, "{format:?}");
        assert_eq!(browser.retry_ms, Some(1_234));
        assert_eq!(browser.comments, ["fanfare", "", ""]);
    }
}

#[test]
fn a_stream_has_a_position_before_its_first_event() {
    for format in formats() {
        let mut bytes = Vec::new();
        sse::write_preamble(format, 1_234, &[], Some(position(7)), &mut bytes);
        let mut browser = EventSource::default();
        assert_eq!(browser.feed(&body(format, &bytes)).len(), 0);
        assert_eq!(browser.last_event_id, "k3f9x2ab-7");
    }
}

/// Some clients report every block that ends, even one with an id or a delay alone.
#[test]
fn without_a_position_no_block_ends_before_the_first_event() {
    for format in formats() {
        let mut bytes = Vec::new();
        sse::write_preamble(format, 1_234, &[], None, &mut bytes);
        sse::write_keepalive(format, &mut bytes);
        sse::write_event(format, &event(1, "info", "x"), &mut bytes);
        let text = String::from_utf8(body(format, &bytes)).expect("text");
        assert!(text.split("\n\n").next().expect("a block").contains("\ndata: "), "{text}");
    }
}

#[test]
fn notices_say_their_position_and_never_look_like_events() {
    let notices = [
        (
            Notice::Gap {
                after: position(10),
                next: position(500),
                missed: 489,
                reason: GapReason::Retention,
            },
            "k3f9x2ab-499",
        ),
        (Notice::Reset { reason: ResetReason::AnotherEpoch, position: position(3) }, "k3f9x2ab-3"),
        (Notice::CaughtUp { position: position(4) }, "k3f9x2ab-4"),
        (Notice::Closing { reason: ClosingReason::Shutdown, retry_ms: 1_500 }, ""),
        (Notice::Closing { reason: ClosingReason::Disconnected, retry_ms: 1_500 }, ""),
        (Notice::ReaderFilter { filter: Filter::all() }, ""),
    ];
    for format in formats() {
        for (notice, id) in &notices {
            let mut bytes = Vec::new();
            sse::write_notice(format, notice, &mut bytes);
            let shown = format.json || format.named || !matches!(notice, Notice::CaughtUp { .. });
            if !shown {
                // Not even an empty chunk, which would end the body.
                assert!(bytes.is_empty());
                continue;
            }
            let mut browser = EventSource::default();
            let said = browser.feed(&body(format, &bytes));
            assert_eq!(said.len(), 1);
            assert_eq!((said[0].event.as_str(), said[0].last_event_id.as_str()), (notice.name(), *id));
            assert!(NOTICE_NAMES.contains(&notice.name()));
            serde_json::from_str::<Value>(&said[0].data).expect("JSON");
            let closing = matches!(notice, Notice::Closing { .. });
            assert_eq!(browser.retry_ms, closing.then_some(1_500));
        }
    }
    let mut bytes = Vec::new();
    sse::write_notice(sse::Format::default(), &notices[0].0, &mut bytes);
    assert_eq!(
        read(&bytes)[0].data,
        r#"{"after":"k3f9x2ab-10","next":"k3f9x2ab-500","missed":489,"reason":"retention"}"#
    );
}

/// Parses frames of RFC 6455, section 5.2, that a server sent.
fn web_socket_texts(mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let [0x81, len, rest @ ..] = bytes {
        let (len, rest) = match len {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => {
                let len = u64::from_be_bytes(rest[..8].try_into().expect("eight bytes"));
                assert!(len > 0xffff, "the shortest form is required");
                (usize::try_from(len).expect("fits"), &rest[8..])
            }
            len => (usize::from(*len), rest),
        };
        texts.push(String::from_utf8(rest[..len].to_vec()).expect("UTF-8"));
        bytes = &rest[len..];
    }
    assert!(bytes.is_empty(), "what is left is no final text frame without a mask: {bytes:?}");
    texts
}

#[test]
fn web_socket_frames_have_the_length_that_they_say() {
    let events: Vec<_> = [0, 1, 50, 125, 126, 65_000, 65_535, 65_536, 200_000]
        .into_iter()
        .map(|len: usize| event(1, "info", &"x".repeat(len)))
        .collect();
    let mut bytes = Vec::new();
    for event in &events {
        websocket::write_event(event, &mut bytes);
    }
    websocket::write_notice(&Notice::CaughtUp { position: position(1) }, &mut bytes);
    let texts = web_socket_texts(&bytes);
    assert_eq!(texts.len(), events.len() + 1);
    for (text, event) in texts.iter().zip(&events) {
        let json: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!((&json["op"], &json["event"]["message"]), (&"event".into(), &(*event.message).into()));
    }
    assert_eq!(texts[events.len()], r#"{"op":"caught-up","position":"k3f9x2ab-1"}"#);
}

proptest! {
    #[test]
    fn every_message_reads_back(
        messages in prop::collection::vec("(\\PC|[\r\n\0\u{feff}: ]|data|id|event|retry){0,24}", 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let events: Vec<_> =
            messages.iter().zip(1..).map(|(message, seq)| event(seq, "info", message)).collect();
        for format in formats() {
            let body = body(format, &encoded(format, &events));
            // A network delivers pieces, and where they end has no meaning.
            let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            ends.push(body.len());
            ends.sort_unstable();
            let (mut browser, mut said, mut start) = (EventSource::default(), Vec::new(), 0);
            for end in ends {
                said.extend(browser.feed(&body[start..end]));
                start = end;
            }
            prop_assert_eq!(said.len(), events.len());
            for (said, event) in said.iter().zip(&events) {
                prop_assert_eq!(&said.last_event_id, &event.position.to_string());
                if format.json {
                    let json: Value = serde_json::from_str(&said.data).expect("JSON");
                    prop_assert_eq!(&json["message"], &*event.message);
                } else {
                    prop_assert_eq!(&said.data, &format!("{STAMP}{}", with_lf(&event.message)));
                }
            }
            prop_assert_eq!(browser.retry_ms, None);
        }
    }
}
