//! Server-sent events, as in the HTML standard, section 9.2 "Server-sent events".

use std::io::Write;

use crate::channel::Channel;
use crate::event::{Event, EventType};
use crate::line_ends;
use crate::notice::Notice;
use crate::position::Position;

/// The options of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Format {
    /// Whether `data` is the whole event as JSON; otherwise it is `[timestamp] message`.
    pub json: bool,
    /// Whether each frame has `event: <type>`.
    pub named: bool,
    /// Whether each frame is a chunk of an HTTP/1.1 body (RFC 9112, section 7.1), part of the bytes that all
    /// subscribers share. Without chunks the body would end with the connection, and clients that read such bodies in
    /// blocks (Python's `requests`) would hold events back.
    pub chunked: bool,
}

/// The comment that keeps the connection alive. No blank line follows: it would end a block without data, which the
/// standard ignores, but which some clients (`httpx-sse`) report as an event.
const KEEPALIVE: &[u8] = b":\n";

/// The end of a body that is sent in chunks.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends the first bytes of a stream: the delay before a reconnect, a comment, and, with `start`, a block with the
/// position at which the stream starts. A block without data is not an event (section 9.2.6), but its id is remembered: a
/// browser that loses the connection before the first event comes back to where it was. Clients that do not follow the
/// standard report the block as an event without data, so it is for those that need it. Without it, these lines belong to
/// the block of the first event: a blank line would end a block here, too. A comment names each of the channels `overlooked`
/// that the filter just misses.
pub fn write_preamble(
    format: Format,
    retry_ms: u64,
    overlooked: &[Channel],
    start: Option<Position>,
    out: &mut Vec<u8>,
) {
    // Writing to a `Vec` cannot fail; this holds for the whole file.
    framed(format, out, |out| {
        let _ = write!(out, "retry: {retry_ms}\n: fanfare\n");
        for channel in overlooked {
            let _ = writeln!(
                out,
                ": `{channel}.>` does not select `{channel}`, which has events; add channel={channel}"
            );
        }
        if let Some(position) = start {
            let _ = write!(out, "id: {position}\n\n");
        }
    });
}

/// Appends the comment that keeps a silent stream alive.
pub fn write_keepalive(format: Format, out: &mut Vec<u8>) {
    framed(format, out, |out| out.extend_from_slice(KEEPALIVE));
}

/// Appends the frame of an event.
pub fn write_event(format: Format, event: &Event, out: &mut Vec<u8>) {
    framed(format, out, |out| {
        let _ = writeln!(out, "id: {}", event.position);
        if format.named {
            let _ = writeln!(out, "event: {}", name(&event.event_type));
        }
        out.extend_from_slice(b"data: ");
        if format.json {
            // The text of an event's `data` has no line breaks (`Json` makes sure of it), and serde_json writes none.
            let start = out.len();
            let _ = serde_json::to_writer(&mut *out, event);
            line_ends::escape(out, start);
        } else {
            out.push(b'[');
            event.timestamp.write_to(out);
            out.extend_from_slice(b"] ");
            write_lines(&event.message, out);
        }
        out.extend_from_slice(b"\n\n");
    });
}

/// Returns the name of an event's frame: its type. `EventSource` dispatches events of its own as `open` and `error`, and a
/// frame of that name would read as a connection that opened or broke.
fn name(event_type: &EventType) -> &str {
    match event_type.as_str() {
        "error" => "type.error",
        "open" => "type.open",
        own => own,
    }
}

/// Appends the frame of a notice. `caught-up` is only for subscribers that asked for names or JSON: for the others, the
/// stream stays the same as that of the seeds.
pub fn write_notice(format: Format, notice: &Notice, out: &mut Vec<u8>) {
    if matches!(notice, Notice::CaughtUp { .. }) && !format.json && !format.named {
        return;
    }
    framed(format, out, |out| {
        if let Some(position) = notice.position() {
            let _ = writeln!(out, "id: {position}");
        }
        if let Notice::Closing { retry_ms, .. } = notice {
            let _ = writeln!(out, "retry: {retry_ms}");
        }
        let _ = write!(out, "event: {}\ndata: {{", notice.name());
        let start = out.len();
        notice.write_members(out);
        line_ends::escape(out, start);
        out.extend_from_slice(b"}\n\n");
    });
}

/// Appends what `write` writes, as one chunk if the format has chunks.
fn framed(format: Format, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    if format.chunked {
        let size = format!("{:x}\r\n", out.len() - start);
        out.splice(start..start, size.into_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends text, with a `data: ` before each line but the first. CR, LF and CRLF all end a line in a stream, so each of
/// them starts a new one here; the client joins the lines with LF.
fn write_lines(text: &str, out: &mut Vec<u8>) {
    if !text.contains(['\n', '\r']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        out.extend_from_slice(&rest.as_bytes()[..end]);
        out.extend_from_slice(b"\ndata: ");
        let break_len = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[end + break_len..];
    }
    out.extend_from_slice(rest.as_bytes());
}
