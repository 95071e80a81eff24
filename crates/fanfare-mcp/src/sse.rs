//! Messages as server-sent events (WHATWG HTML, section 9.2).

/// Frames `message`, which is JSON and therefore has no line breaks, as an event named `event`. A client sends `id` to
/// continue after it.
pub fn write(event: &str, id: Option<&str>, message: &[u8], out: &mut Vec<u8>) {
    out.reserve(message.len() + event.len() + 32);
    if let Some(id) = id {
        field("id", id.as_bytes(), out);
    }
    // Not only `EventSource` assumes the default name `message`, so the name is always written.
    field("event", event.as_bytes(), out);
    field("data", message, out);
    out.push(b'\n');
}

/// Writes the event that only tells a client where to continue, and when (2025-11-25, Streamable HTTP).
pub fn write_priming(id: &str, retry_ms: u64, out: &mut Vec<u8>) {
    field("id", id.as_bytes(), out);
    field("retry", retry_ms.to_string().as_bytes(), out);
    field("data", b"", out);
    out.push(b'\n');
}

/// A comment that keeps proxies and sockets open, and that clients ignore.
pub const KEEPALIVE: &[u8] = b": keepalive\n\n";

fn field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    debug_assert!(!value.contains(&b'\n') && !value.contains(&b'\r'), "a field is one line");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.push(b'\n');
}
