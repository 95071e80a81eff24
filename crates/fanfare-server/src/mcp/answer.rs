//! A message to a client. It counts in the client's share of the budget until its last copy is dropped: in an
//! outbox, in a batch that waits for its other answers, or in a connection that the client does not read.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::line_ends;
use fanfare_mcp::Error;
use fanfare_runtime::budget::{Account, BytesHeld};

/// A message with its count in the budget.
#[derive(Debug)]
pub struct Answer {
    bytes: Bytes,
    /// One count for each message in it.
    held: Vec<BytesHeld>,
}

/// The count of a message, kept until its last copy is dropped; cheap to clone.
#[derive(Debug, Clone)]
pub struct Held {
    _counts: Arc<Vec<BytesHeld>>,
}

/// Bytes that are dropped together with their count.
struct Owner {
    bytes: Bytes,
    _held: Held,
}

impl Answer {
    /// Counts a message; fails with [`no_room`] if it does not fit.
    pub fn new(bytes: impl Into<Bytes>, account: &Account) -> Result<Answer, Error> {
        let (bytes, mut held) = (bytes.into(), account.hold());
        held.add(bytes.len()).map_err(|_| no_room(bytes.len()))?;
        Ok(Answer::with(bytes, held))
    }

    /// Counts a message that is sent even if it does not fit, because the client would otherwise wait for it
    /// forever.
    pub fn in_any_case(bytes: impl Into<Bytes>, account: &Account) -> Answer {
        let (bytes, mut held) = (bytes.into(), account.hold());
        let _ = held.add(bytes.len());
        Answer::with(bytes, held)
    }

    /// Returns a message that `held` counts.
    pub fn with(bytes: Bytes, held: BytesHeld) -> Answer {
        Answer { bytes: on_the_wire(bytes), held: vec![held] }
    }

    /// Returns an array of messages.
    pub fn array(answers: Vec<Answer>) -> Answer {
        let len = answers.iter().map(|answer| answer.len() + 1).sum::<usize>() + 1;
        let (mut array, mut held) = (Vec::with_capacity(len), Vec::with_capacity(answers.len()));
        for answer in answers {
            array.push(if array.is_empty() { b'[' } else { b',' });
            array.extend_from_slice(&answer.bytes);
            // The answer's bytes are dropped here, so none of them is held twice.
            held.extend(answer.held);
        }
        array.push(b']');
        Answer { bytes: array.into(), held }
    }

    /// Returns the number of bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the bytes, which count until the last copy is dropped.
    pub fn into_bytes(self) -> Bytes {
        let (bytes, held) = self.into_parts();
        held.keep(bytes)
    }

    /// Returns the bytes and their count.
    pub fn into_parts(self) -> (Bytes, Held) {
        (self.bytes, Held { _counts: Arc::new(self.held) })
    }
}

impl Held {
    /// Makes the message count until the last copy of `bytes` is dropped: its frame, which a connection holds after the
    /// message has left the outbox.
    pub fn keep(self, bytes: impl Into<Bytes>) -> Bytes {
        Bytes::from_owner(Owner { bytes: bytes.into(), _held: self })
    }
}

/// Returns a message without the [characters](line_ends) that some clients take for the end of a line.
fn on_the_wire(message: Bytes) -> Bytes {
    if !line_ends::are_in(&message) {
        return message;
    }
    let mut escaped = message.to_vec();
    line_ends::escape(&mut escaped, 0);
    escaped.into()
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The error in place of an answer that does not fit.
pub fn no_room(len: usize) -> Error {
    Error::busy(format!(
        "the call was made, but its answer of {len} bytes does not fit; read the waiting messages first"
    ))
}
