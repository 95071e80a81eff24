//! JSON in WebSocket text frames, RFC 6455 section 5. A server's frames are not masked, so that all subscribers share
//! the same bytes.

use crate::event::Event;
use crate::line_ends;
use crate::notice::Notice;

/// Appends the frame of an event.
pub fn write_event(event: &Event, out: &mut Vec<u8>) {
    let mut json = Vec::with_capacity(event.message.len() + 256);
    json.extend_from_slice(br#"{"op":"event","event":"#);
    // Writing to a `Vec` cannot fail.
    let _ = serde_json::to_writer(&mut json, event);
    json.push(b'}');
    line_ends::escape(&mut json, 0);
    write_text(&json, out);
}

/// Appends the frame of a notice.
pub fn write_notice(notice: &Notice, out: &mut Vec<u8>) {
    let mut json = format!(r#"{{"op":"{}","#, notice.name()).into_bytes();
    notice.write_members(&mut json);
    json.push(b'}');
    line_ends::escape(&mut json, 0);
    write_text(&json, out);
}

/// Appends a whole text frame with `payload`, which is UTF-8.
pub fn write_text(payload: &[u8], out: &mut Vec<u8>) {
    const FINAL_TEXT: u8 = 0x81;
    out.push(FINAL_TEXT);
    match payload.len() {
        len @ 0..=125 => out.push(len as u8),
        len @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}
