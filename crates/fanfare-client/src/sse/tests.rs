//! The parsing rules, as test vectors, each split at every point and byte by byte.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream;
use proptest::prelude::*;

use super::{BLOCK_LEN_MAX, Frame, Frames};

/// Returns the frames as `event|data|id`, and the delay at the end.
fn read(chunks: &[&[u8]]) -> (Vec<String>, Option<u64>) {
    let chunks: Vec<Result<Bytes, Infallible>> =
        chunks.iter().map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let mut frames = Frames::new(stream::iter(chunks), None);
    let mut seen = Vec::new();
    // A stream that is complete never waits.
    while let Some(frame) = frames.next().now_or_never().expect("ready").expect("well formed") {
        let Frame { event, data } = frame;
        let id = frames.last_id().unwrap_or("-");
        seen.push(format!("{}|{}|{id}", event.as_deref().unwrap_or("message"), data.replace('\n', "⏎")));
    }
    (seen, frames.retry().map(|retry| retry.as_millis() as u64))
}

const VECTORS: &[(&str, &str, &[&str])] = &[
    ("one line", "data: x\n\n", &["message|x|-"]),
    ("no space after the colon", "data:x\n\n", &["message|x|-"]),
    ("only the first space is dropped", "data:  x \n\n", &["message| x |-"]),
    ("a tab is no space", "data:\tx\n\n", &["message|\tx|-"]),
    ("several lines of data", "data: a\ndata:\ndata: b\n\n", &["message|a⏎⏎b|-"]),
    ("data that ends in an empty line", "data: a\ndata:\n\n", &["message|a⏎|-"]),
    ("empty data is an event", "data:\n\n", &["message||-"]),
    ("a field without a colon has an empty value", "data\n\ndata\ndata\n\n", &["message||-", "message|⏎|-"]),
    ("an event without data is none", "event: a\nid: 1\n\ndata: x\n\n", &["message|x|1"]),
    ("the type does not outlive its block", "event: a\n\ndata: x\n\n", &["message|x|-"]),
    ("the type", "event: a\ndata: x\n\ndata: y\n\n", &["a|x|-", "message|y|-"]),
    ("an empty type is the usual one", "event: a\nevent:\ndata: x\n\n", &["message|x|-"]),
    ("CR ends a line", "data: a\rdata: b\r\rdata: c\r\r", &["message|a⏎b|-", "message|c|-"]),
    ("CRLF ends one line", "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", &["message|a⏎b|-", "message|c|-"]),
    ("all ends of lines mixed", "data: a\rdata: b\ndata: c\r\n\n", &["message|a⏎b⏎c|-"]),
    ("a byte order mark is dropped", "\u{feff}data: x\n\n", &["message|x|-"]),
    ("only the first byte order mark", "\u{feff}\u{feff}data: x\n\ndata: y\n\n", &["message|y|-"]),
    (
        "a byte order mark later is part of the name",
        "data: x\n\n\u{feff}data: y\n\ndata: z\n\n",
        &["message|x|-", "message|z|-"],
    ),
    ("comments are nothing", ":\n: hi\ndata: x\n:data: y\n\n:\n\n", &["message|x|-"]),
    ("an id lasts", "id: 1\ndata: x\n\ndata: y\n\n", &["message|x|1", "message|y|1"]),
    ("an id without data counts", "id: 1\n\ndata: y\n\n", &["message|y|1"]),
    ("an empty id takes back", "id: 1\ndata: x\n\nid\ndata: y\n\n", &["message|x|1", "message|y|-"]),
    (
        "an id with NUL is passed over",
        "id: 1\ndata: x\n\nid: 2\0\ndata: y\n\n",
        &["message|x|1", "message|y|1"],
    ),
    ("the last id of a block wins", "id: 1\nid: 2\ndata: x\n\n", &["message|x|2"]),
    ("unknown fields are nothing", "datas: a\n data: b\nDATA: c\ndata : d\ndata: x\n\n", &["message|x|-"]),
    ("a value may hold colons", "data: a:b: c\n\n", &["message|a:b: c|-"]),
    ("data may hold NUL", "data: a\0b\n\n", &["message|a\0b|-"]),
    ("an unfinished block is dropped", "data: x\n\nid: 2\ndata: y\n", &["message|x|-"]),
    ("an unfinished line is dropped", "data: x\n\ndata: y", &["message|x|-"]),
    (
        "the form of our own gateway",
        "retry: 1500\n: fanfare\n\nid: k3f9x2ab-1\ndata: {}\n\n",
        &["message|{}|k3f9x2ab-1"],
    ),
    ("characters of several bytes", "data: täglich ☕ 𝄞\n\n", &["message|täglich ☕ 𝄞|-"]),
];

#[test]
fn every_rule_holds_however_the_bytes_are_cut() {
    for (rule, text, wanted) in VECTORS {
        let bytes = text.as_bytes();
        assert_eq!(read(&[bytes]).0, *wanted, "{rule}");
        for at in 1..bytes.len() {
            let (one, two) = bytes.split_at(at);
            assert_eq!(read(&[one, two]).0, *wanted, "{rule}, cut at {at}");
            assert_eq!(read(&[one, b"", two]).0, *wanted, "{rule}, cut at {at} with nothing between");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single).0, *wanted, "{rule}, byte by byte");
    }
}

#[test]
fn only_digits_are_a_pause() {
    for (text, wanted) in [
        ("retry: 1500\n\n", Some(1500)),
        ("retry:0\n\n", Some(0)),
        ("retry: 1500x\n\n", None),
        ("retry: -1\n\n", None),
        ("retry: 1.5\n\n", None),
        ("retry:\n\n", None),
        ("retry: 9\nretry: soon\n\n", Some(9)),
        ("retry: 99999999999999999999999\n\n", None),
    ] {
        assert_eq!(read(&[text.as_bytes()]).1, wanted, "{text:?}");
    }
}

#[test]
fn the_id_of_the_connection_before_is_in_force() {
    let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"data: x\n\n"))]);
    let mut frames = Frames::new(bytes, Some("k3f9x2ab-7".to_owned()));
    assert!(frames.next().now_or_never().expect("ready").expect("well formed").is_some());
    assert_eq!(frames.last_id(), Some("k3f9x2ab-7"));
}

#[test]
fn a_block_without_end_ends_the_stream() {
    let chunk = Bytes::from(vec![b'x'; BLOCK_LEN_MAX / 4]);
    let chunks = (0..8).map(move |_| Ok::<_, Infallible>(chunk.clone()));
    let mut frames = Frames::new(stream::iter(chunks), None);
    assert!(frames.next().now_or_never().expect("ready").is_err());
}

proptest! {
    #[test]
    fn cutting_changes_nothing(
        text in "(data|event|id|retry|:|\u{feff}|x)?(: |:)?[a-b0\u{0}☕]{0,3}(\n|\r|\r\n){1,2}[^a]{0,4}(data:z)?(\n|\r\n|\r){0,3}",
        cuts in proptest::collection::vec(0usize..64, 0..6),
    ) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(bytes.len());
        let mut start = 0;
        let chunks: Vec<&[u8]> = cuts
            .into_iter()
            .map(|end| &bytes[std::mem::replace(&mut start, end)..end])
            .collect();
        prop_assert_eq!(read(&chunks), read(&[bytes]));
    }
}
