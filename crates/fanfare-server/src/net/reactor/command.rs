//! The commands of a reactor.

use bytes::Bytes;
use fanfare_core::wire::sse;

use crate::net::limits::Permit;
use fanfare_hub::subscription::Subscription;
use fanfare_hub::values;

/// A command for the reactor.
#[derive(Debug)]
pub enum Command {
    /// Adopt a stream.
    Adopt(Box<Adopted>),
    /// The feed of this group has something new.
    Appended(usize),
    /// Close every stream at once.
    HangUp,
    /// A subscription was lost during a read for it.
    Lost {
        /// The stream's key in the reactor's table.
        key: usize,
        /// Distinguishes the stream from a later one with the same key.
        serial: u64,
    },
    /// A read for a subscription has finished.
    ReadBack(ReadBack),
    /// End when the last stream has ended.
    Stop,
}

/// A stream that the server let go of.
#[derive(Debug)]
pub struct Adopted {
    /// The socket, nonblocking.
    pub socket: std::net::TcpStream,
    /// The response's head and the first bytes of the stream.
    pub head: Bytes,
    /// The subscription to send.
    pub subscription: Subscription,
    /// The format of the events.
    pub format: sse::Format,
    /// The right to be connected.
    pub permit: Permit,
}

/// A subscription on its way back to its stream, after a read for it.
#[derive(Debug)]
pub struct ReadBack {
    /// The stream's key in the reactor's table.
    pub key: usize,
    /// Distinguishes the stream from a later one with the same key.
    pub serial: u64,
    /// The subscription, lent by the stream.
    pub subscription: Subscription,
    /// The outcome of the read.
    pub outcome: Result<(), values::Error>,
}
