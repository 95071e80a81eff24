//! Copies the output of the command and keeps its last lines.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Maximum length of a line to keep. A longer line is truncated.
const LINE_LEN_MAX: usize = 1_000;

/// The last lines of output. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    /// Guards the lines. Locked for one line at a time.
    lines: Arc<Mutex<Lines>>,
}

#[derive(Debug)]
struct Lines {
    whole: VecDeque<String>,
    len_max: usize,
}

impl Tail {
    /// Keeps at most `len_max` lines.
    pub(crate) fn new(len_max: u16) -> Tail {
        Tail { lines: Arc::new(Mutex::new(Lines { whole: VecDeque::new(), len_max: len_max.into() })) }
    }

    /// Returns the lines, without escape codes.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.whole.iter().cloned().collect()
    }

    /// Copies `from` to `to` until the end, and keeps the last lines. Stops reading if nothing reads `to` any more, so
    /// that the command gets the same error as if it had written to `to` itself.
    pub(crate) fn copy(&self, mut from: impl Read, mut to: impl Write) {
        let mut buffer = vec![0; 16 * 1024];
        let mut unfinished = Vec::new();
        // A pseudo-terminal returns an error once its last writer is gone.
        while let Ok(len @ 1..) = from.read(&mut buffer) {
            let chunk = &buffer[..len];
            let written = to.write_all(chunk).and_then(|()| to.flush());
            self.take(chunk, &mut unfinished);
            if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
                break;
            }
        }
        if !unfinished.is_empty() {
            self.push(&unfinished);
        }
    }

    fn take(&self, chunk: &[u8], unfinished: &mut Vec<u8>) {
        let mut parts = chunk.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let room = LINE_LEN_MAX.saturating_sub(unfinished.len());
            unfinished.extend_from_slice(&part[..part.len().min(room)]);
            if parts.peek().is_some() {
                self.push(unfinished);
                unfinished.clear();
            }
        }
    }

    fn push(&self, line: &[u8]) {
        let text = anstream::adapter::strip_bytes(line).into_vec();
        // A progress bar overwrites its line. Only the final text counts.
        let text = String::from_utf8_lossy(&text);
        let text = text.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
        let text: String = text.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.whole.push_back(text);
        if lines.whole.len() > lines.len_max {
            lines.whole.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tail;

    #[test]
    fn all_output_is_copied_and_the_last_lines_are_kept() {
        let tail = Tail::new(2);
        let mut out = Vec::new();
        let said = b"one\ntwo\r\n10%\r100%\n\x1b[31mred\x1b[0m";
        tail.copy(&said[..], &mut out);
        assert_eq!(out, said);
        assert_eq!(tail.lines(), ["100%", "red"]);
    }

    #[test]
    fn an_endless_line_is_truncated() {
        let tail = Tail::new(1);
        tail.copy(&vec![b'x'; 100_000][..], std::io::sink());
        assert_eq!(tail.lines()[0].len(), super::LINE_LEN_MAX);
    }
}
