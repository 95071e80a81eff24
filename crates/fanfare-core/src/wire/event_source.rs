//! Reads an event stream as a browser does: the HTML standard, section 9.2.6 "Interpreting an event stream". Only for
//! tests, and separate from the encoder and from our client, so that it can check both.

/// A message that a browser would have dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dispatched {
    /// The name; `message` if the stream has none.
    pub(crate) event: String,
    /// The lines, joined by LF.
    pub(crate) data: String,
    /// The id that a browser would reconnect with.
    pub(crate) last_event_id: String,
}

/// The state of the standard's algorithm between pieces of a stream.
#[derive(Debug, Default)]
pub(crate) struct EventSource {
    line: Vec<u8>,
    after_cr: bool,
    begun: bool,
    event: String,
    data: String,
    pub(crate) last_event_id: String,
    /// The last reconnection delay in the stream.
    pub(crate) retry_ms: Option<u64>,
    /// The comments received so far.
    pub(crate) comments: Vec<String>,
}

impl EventSource {
    /// Reads a piece of the stream; returns the messages that it completes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Dispatched> {
        let mut dispatched = Vec::new();
        for byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    dispatched.extend(self.take_line(&line));
                }
                other => self.line.push(*other),
            }
        }
        dispatched
    }

    fn take_line(&mut self, line: &[u8]) -> Option<Dispatched> {
        let decoded = String::from_utf8_lossy(line);
        let mut line: &str = &decoded;
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => self.comments.push(value.to_owned()),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "event" => value.clone_into(&mut self.event),
            "id" if !value.contains('\0') => value.clone_into(&mut self.last_event_id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok();
            }
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Dispatched> {
        let (event, mut data) = (std::mem::take(&mut self.event), std::mem::take(&mut self.data));
        if data.is_empty() {
            return None;
        }
        data.pop();
        let event = if event.is_empty() { "message".to_owned() } else { event };
        Some(Dispatched { event, data, last_event_id: self.last_event_id.clone() })
    }
}
