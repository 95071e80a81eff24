//! Frames of `text/event-stream` as they arrive, in pieces of any size. Supports only the output of servers here: lines
//! end in `\n` or `\r\n`.

use anyhow::{Result, ensure};
use memchr::memchr;

/// Over this a frame is not an event but a mistake.
const FRAME_LEN_MAX: usize = 2 * 1024 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) id: &'a [u8],
    pub(crate) event: &'a [u8],
    /// The first `data:` line; the messages of the benchmarks have one.
    pub(crate) data: &'a [u8],
}

impl Frame<'_> {
    /// The seq in an id `epoch-seq`.
    pub(crate) fn seq(&self) -> Option<u64> {
        let dash = memchr::memrchr(b'-', self.id)?;
        number(&self.id[dash + 1..])
    }
}

/// Parses decimal digits; `None` if there is anything else, or nothing.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Cuts a stream into frames. Holds bytes only while a frame is incomplete.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    unfinished: Vec<u8>,
}

impl Frames {
    pub(crate) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(Frame<'_>)) -> Result<()> {
        if self.unfinished.is_empty() {
            let used = cut(bytes, &mut each);
            self.unfinished.extend_from_slice(&bytes[used..]);
        } else {
            self.unfinished.extend_from_slice(bytes);
            let used = cut(&self.unfinished, &mut each);
            self.unfinished.drain(..used);
        }
        if self.unfinished.is_empty() {
            // Otherwise ten thousand subscribers would each keep the memory of their largest fragment.
            self.unfinished = Vec::new();
        }
        ensure!(self.unfinished.len() <= FRAME_LEN_MAX, "a frame of over {FRAME_LEN_MAX} bytes");
        Ok(())
    }
}

/// Passes every complete frame that has data to `each`; returns the length of the complete frames.
fn cut(bytes: &[u8], each: &mut impl FnMut(Frame<'_>)) -> usize {
    let (mut line_start, mut frame_start) = (0, 0);
    let mut frame = Frame::default();
    let mut has_data = false;
    while let Some(len) = memchr(b'\n', &bytes[line_start..]) {
        let line = &bytes[line_start..line_start + len];
        line_start += len + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            // A position alone, or a comment, dispatches no event: `EventSource` has it so.
            if has_data {
                each(frame);
            }
            frame = Frame::default();
            has_data = false;
            frame_start = line_start;
        } else if let Some(value) = value(line, b"data:") {
            if !has_data {
                frame.data = value;
            }
            has_data = true;
        } else if let Some(value) = value(line, b"id:") {
            frame.id = value;
        } else if let Some(value) = value(line, b"event:") {
            frame.event = value;
        }
    }
    frame_start
}

fn value<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    let value = line.strip_prefix(field)?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::{Frame, Frames};

    const WIRE: &[u8] = b"retry: 1500\n: fanfare\n\nid: k3f9x2ab-6\n\nid: k3f9x2ab-7\ndata: [t] one\n\n:\n\n\
        id: k3f9x2ab-8\r\nevent: info\r\ndata: two\r\ndata: lines\r\n\r\nevent: gap\ndata: {}\n\ndata:\n\nid: k3";

    #[test]
    fn frames_are_the_same_however_they_arrive() {
        for size in 1..WIRE.len() {
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for piece in WIRE.chunks(size) {
                let fed = frames.feed(piece, |frame| {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    found.push((frame.seq(), text(frame.event), text(frame.data)));
                });
                fed.expect("short frames");
            }
            let expected = [
                (Some(7), String::new(), "[t] one".to_owned()),
                (Some(8), "info".to_owned(), "two".to_owned()),
                (None, "gap".to_owned(), "{}".to_owned()),
                (None, String::new(), String::new()),
            ];
            assert_eq!(found, expected, "in pieces of {size}");
            assert_eq!(frames.unfinished, b"id: k3");
        }
    }

    #[test]
    fn an_id_without_a_number_has_no_seq() {
        for id in [&b"k3f9x2ab"[..], b"k3f9x2ab-", b"k3f9x2ab-1x"] {
            assert_eq!(Frame { id, ..Frame::default() }.seq(), None);
        }
    }

    #[test]
    fn a_frame_without_end_is_refused() {
        let mut frames = Frames::default();
        let endless = vec![b'a'; 1024 * 1024];
        assert!((0..4).any(|_| frames.feed(&endless, |_| ()).is_err()));
    }
}
