//! The limits on connections, in total and per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fanfare_core::caller::network;
use fanfare_core::{Code, Peer};
use prometheus_client::metrics::gauge::Gauge;

use crate::problem::Problem;

/// Maximum time for a request head. Also the maximum time that an idle connection is kept for the next request.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum connections in a listener's queue: a crowd of reconnecting clients.
pub const BACKLOG: i32 = 4_096;
/// Maximum request head: enough for a browser with many cookies of other programs on `localhost`.
pub const HEADER_LEN_MAX: usize = 32 * 1024;
/// Maximum streams of one HTTP/2 connection: a browser opens one connection for all its tabs.
pub const HTTP2_STREAMS_MAX: u32 = 256;
/// Bytes that a stream's socket buffers before they are on the wire: the backlog of a slow subscriber stays in the
/// shared ring, not in the kernel's memory.
pub const NOT_SENT_LEN_MAX: u32 = 128 * 1024;

/// What decides how many connections there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedBy {
    /// The setting `max-connections`.
    MaxConnections,
    /// The operating system's limit on open files, which is lower.
    OpenFiles,
}

/// Counts connections.
#[derive(Debug)]
pub struct Connections {
    in_all_max: usize,
    limited_by: LimitedBy,
    per_address_max: usize,
    /// Guards the counts; held for one look-up.
    open: Mutex<Open>,
    gauge: Gauge,
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    /// By the network that counts as one address.
    by_address: HashMap<IpAddr, usize>,
}

/// The right to one connection; released on drop.
#[derive(Debug)]
pub struct Permit {
    connections: Arc<Connections>,
    /// The address that counts; none for a program on this machine.
    address: Option<IpAddr>,
}

impl Connections {
    /// Creates the limits.
    pub fn new(
        in_all_max: usize,
        limited_by: LimitedBy,
        per_address_max: usize,
        gauge: Gauge,
    ) -> Arc<Connections> {
        Arc::new(Connections {
            in_all_max,
            limited_by,
            per_address_max,
            open: Mutex::new(Open::default()),
            gauge,
        })
    }

    /// Counts one more connection from `peer`. Programs on this machine have no limit of their own: behind a proxy, all
    /// clients share one.
    pub fn admit(self: &Arc<Self>, peer: &Peer) -> Result<Permit, Problem> {
        self.count(peer.ip().filter(|_| !peer.is_local()).map(network))
    }

    fn count(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Permit, Problem> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let later = Duration::from_secs(5);
        if open.in_all >= self.in_all_max {
            return Err(Problem::new(
                Code::TooManyConnections,
                format!("the gateway is at its limit of {} connections", self.in_all_max),
                match self.limited_by {
                    LimitedBy::MaxConnections => {
                        "try again later; the operator can raise `--max-connections`"
                    }
                    LimitedBy::OpenFiles => "try again later; the operator can raise the limit on open files",
                },
            )
            .over("connections", later));
        }
        if let Some(address) = address {
            let from_there = open.by_address.entry(address).or_default();
            if *from_there >= self.per_address_max {
                return Err(Problem::new(
                    Code::TooManyConnections,
                    format!("this IP address already has {} connections", self.per_address_max),
                    "close some; the operator can raise `--max-connections-per-address`",
                )
                .over("connections_per_address", later));
            }
            *from_there += 1;
        }
        open.in_all += 1;
        self.gauge.inc();
        Ok(Permit { connections: Arc::clone(self), address })
    }
}

impl Permit {
    /// Counts a stream of this connection as one more connection.
    pub fn another(&self) -> Result<Permit, Problem> {
        self.connections.count(self.address)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.in_all -= 1;
        let Open { in_all: _, by_address } = &mut *open;
        if let Some(address) = self.address
            && let Some(from_there) = by_address.get_mut(&address)
        {
            *from_there -= 1;
            if *from_there == 0 {
                by_address.remove(&address);
            }
        }
        self.connections.gauge.dec();
    }
}
