//! Server-sent events, as in the HTML standard, section 9.2 "Server-sent events".

use std::io::Write;

use crate::event::Event;
use crate::notice::Notice;
use crate::position::Position;

/// What goes into a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Format {
    /// `data` is the whole event as JSON; otherwise `[timestamp] message`.
    pub json: bool,
    /// Each frame has `event: <type>`.
    pub named: bool,
    /// Each frame is a chunk of an HTTP/1.1 body (RFC 9112, section 7.1), part of the bytes that all readers share.
    /// Without chunks the body would end with the connection, and clients that read such bodies in blocks
    /// (Python's `requests`) would hold events back.
    pub chunked: bool,
}

/// A comment that keeps the connection alive. No blank line follows: it would end a block without data, which
/// the standard ignores, but which some clients (`httpx-sse`) hand on as an event.
const KEEPALIVE: &[u8] = b":\n";

/// Ends a body that is sent in chunks.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends the first bytes of a stream: the delay before a reconnect, a comment, and the position at which it
/// begins. A block without data is no event (section 9.2.6), but its id is remembered: a browser that loses the
/// connection before the first event comes back to where it was.
pub fn write_preamble(format: Format, retry_ms: u64, position: Position, out: &mut Vec<u8>) {
    // A Vec takes whatever is written to it; so it is in this whole file.
    framed(format, out, |out| {
        let _ = write!(out, "retry: {retry_ms}\n: fanfare\nid: {position}\n\n");
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
            let _ = writeln!(out, "event: {}", event.event_type);
        }
        out.extend_from_slice(b"data: ");
        if format.json {
            // The text of an event's `data` has no line breaks (`Json` sees to it), and serde_json writes none.
            let _ = serde_json::to_writer(&mut *out, event);
        } else {
            out.push(b'[');
            event.timestamp.write_to(out);
            out.extend_from_slice(b"] ");
            write_lines(&event.message, out);
        }
        out.extend_from_slice(b"\n\n");
    });
}

/// Appends the frame of a notice. `caught-up` is only for readers that asked for names or JSON: to the others
/// the stream stays what the seeds send.
pub fn write_notice(format: Format, notice: &Notice, out: &mut Vec<u8>) {
    if matches!(notice, Notice::CaughtUp { .. }) && !format.json && !format.named {
        return;
    }
    framed(format, out, |out| {
        if let Some(position) = notice.position() {
            let _ = writeln!(out, "id: {position}");
        }
        if let Notice::Closing { retry_ms } = notice {
            let _ = writeln!(out, "retry: {retry_ms}");
        }
        let _ = write!(out, "event: {}\ndata: {{", notice.name());
        notice.write_members(out);
        out.extend_from_slice(b"}\n\n");
    });
}

/// Appends what `write` writes, as one chunk where the format has chunks.
fn framed(format: Format, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    if format.chunked {
        let size = format!("{:x}\r\n", out.len() - start);
        out.splice(start..start, size.into_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends text, with a `data: ` before each line but the first. CR, LF and CRLF all end a line there, so each
/// of them begins a new one here; the reader joins the lines with LF.
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
