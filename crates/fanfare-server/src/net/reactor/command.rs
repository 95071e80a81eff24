//! What a reactor is asked to do.

use bytes::Bytes;
use fanfare_core::wire::sse;

use crate::net::limits::Permit;
use fanfare_hub::subscription::Subscription;
use fanfare_hub::values;

/// What the reactor is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Take a stream.
    Adopt(Box<Adopted>),
    /// The feed of this group has something new.
    Appended(usize),
    /// Close every stream at once.
    HangUp,
    /// A subscription was lost while it was read for.
    Lost {
        /// The stream's key in the reactor's table.
        key: usize,
        /// Tells the stream from a later one with the same key.
        serial: u64,
    },
    /// A subscription was read for.
    ReadBack(ReadBack),
    /// End when the last stream has.
    Stop,
}

/// A stream that the server let go of.
#[derive(Debug)]
pub struct Adopted {
    /// Its socket, nonblocking.
    pub socket: std::net::TcpStream,
    /// The response's head and the first bytes of the stream.
    pub head: Bytes,
    /// What is sent.
    pub subscription: Subscription,
    /// In which format.
    pub format: sse::Format,
    /// The right to be connected.
    pub permit: Permit,
}

/// A subscription that was read for, on its way back to its stream.
#[derive(Debug)]
pub struct ReadBack {
    /// The stream's key in the reactor's table.
    pub key: usize,
    /// Tells the stream from a later one with the same key.
    pub serial: u64,
    /// The subscription, lent by the stream.
    pub subscription: Subscription,
    /// What came of it.
    pub outcome: Result<(), values::Error>,
}
