//! Listeners: sockets that accept connections, also on addresses that a caller asks for while the gateway runs.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use fanfare_core::Endpoint;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::net::limits::BACKLOG;
use crate::net::socket::Listener;
use crate::net::unix_socket;
use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

/// Maximum listeners that callers can open: each occupies a port of this machine.
pub const OPENED_MAX: usize = 8;
/// Maximum callers that wait for an answer; each is answered in microseconds, and one more waits to ask.
const ASKS_WAITING_MAX: usize = 16;

/// Opens listeners; cheap to clone.
#[derive(Debug, Clone)]
pub struct Listeners {
    asks: mpsc::Sender<Ask>,
    addresses: watch::Receiver<Vec<Endpoint>>,
}

/// The task that opens listeners.
#[derive(Debug)]
pub struct Worker {
    asks: mpsc::Receiver<Ask>,
    /// The addresses of the configuration; at least one.
    own: Vec<Endpoint>,
    /// The addresses that callers asked for.
    opened: Vec<SocketAddr>,
    /// The sender of the current addresses.
    addresses: watch::Sender<Vec<Endpoint>>,
}

/// A worker that opens listeners and has them served.
pub struct Serving<S> {
    worker: Worker,
    serve: S,
}

#[derive(Debug)]
struct Ask {
    host: Option<IpAddr>,
    port: Option<u16>,
    answer: oneshot::Sender<Result<ListenAddress, ListenError>>,
}

/// An address that the gateway listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddress {
    /// The address.
    pub address: SocketAddr,
    /// Whether the gateway did not listen there before.
    pub is_new: bool,
}

/// The reason that the gateway does not listen on an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// Other machines could connect, and the operator did not allow that.
    #[error(
        "this gateway serves this machine only, so it cannot listen on {0}, which is not a loopback address"
    )]
    OnlyThisMachine(IpAddr),
    /// The operating system reserves low ports for its administrator.
    #[error("the operating system does not allow this gateway to listen on port {}", .0.port())]
    NotPermitted(SocketAddr),
    /// The address belongs to another machine.
    #[error("{} is not an address of this machine", .0.ip())]
    NotHere(SocketAddr),
    /// Another program is listening there.
    #[error("another program is already listening on {0}")]
    Busy(SocketAddr),
    /// The maximum of extra listeners is open.
    #[error("the maximum of {OPENED_MAX} extra listeners is already open: {}", list(.0))]
    TooMany(Vec<SocketAddr>),
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Stopping,
    /// The operating system refused for another reason.
    #[error("the operating system does not allow this gateway to listen on {address}: {problem}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        problem: String,
    },
}

impl Listeners {
    /// Creates the handle, and the worker that must run to open listeners. `own` are the addresses that the gateway
    /// itself listens on, at least one.
    pub fn new(own: Vec<Endpoint>) -> (Listeners, Worker) {
        let (asks, waiting) = mpsc::channel(ASKS_WAITING_MAX);
        let (told, addresses) = watch::channel(own.clone());
        (Listeners { asks, addresses }, Worker { asks: waiting, own, opened: Vec::new(), addresses: told })
    }

    /// Returns the addresses that the gateway listens on, its own before those that callers asked for.
    pub fn addresses(&self) -> watch::Receiver<Vec<Endpoint>> {
        self.addresses.clone()
    }

    /// Makes the gateway listen on an address. Omitted parts come from its own first address; without a host, a port on
    /// which it listens anywhere suffices. Opened listeners stay open until the gateway stops.
    pub async fn open(&self, host: Option<IpAddr>, port: Option<u16>) -> Result<ListenAddress, ListenError> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(Ask { host, port, answer }).await.map_err(|_| ListenError::Stopping)?;
        answered.await.unwrap_or(Err(ListenError::Stopping))
    }
}

impl Worker {
    /// Makes `serve` accept connections from each socket that is opened.
    pub fn serving<S>(self, serve: S) -> Serving<S>
    where
        S: Fn(Endpoint, Listener) + Send + Sync + 'static,
    {
        Serving { worker: self, serve }
    }

    fn open(
        &self,
        host: Option<IpAddr>,
        port: Option<u16>,
    ) -> Result<(ListenAddress, Option<Listener>), ListenError> {
        let own = || self.own.iter().filter_map(Endpoint::network);
        // On Unix sockets only, it has no address of its own, and serves this machine, at one port that is free.
        let first = own().chain(self.opened.iter().copied()).next();
        let first = first.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let port = port.unwrap_or(first.port());
        let mut known = own().chain(self.opened.iter().copied());
        let known = known.find(|known| {
            known.port() == port && host.is_none_or(|host| covers(known.ip(), host.to_canonical()))
        });
        if let Some(known) = known {
            return Ok((ListenAddress { address: known, is_new: false }, None));
        }
        let host = host.unwrap_or(first.ip()).to_canonical();
        if !host.is_loopback() && self.own.iter().all(Endpoint::is_local) {
            return Err(ListenError::OnlyThisMachine(host));
        }
        if self.opened.len() >= OPENED_MAX {
            return Err(ListenError::TooMany(self.opened.clone()));
        }
        let address = SocketAddr::new(host, port);
        let listener = bind_tcp(address).map_err(|error| refused(address, &error))?;
        let address = listener.local_addr().map_err(|error| refused(address, &error))?;
        Ok((ListenAddress { address, is_new: true }, Some(Listener::Tcp(listener))))
    }
}

impl<S: Fn(Endpoint, Listener) + Send + Sync + 'static> Work for Serving<S> {
    /// Callers that wait for an answer keep their place when this starts again.
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        let Serving { worker, serve } = self;
        loop {
            tokio::select! {
                Some(ask) = worker.asks.recv() => {
                    let answer = worker.open(ask.host, ask.port).map(|(opened, listener)| {
                        if let Some(listener) = listener {
                            tracing::info!(address = %opened.address, "also listening on {}", opened.address);
                            worker.opened.push(opened.address);
                            let endpoint = Endpoint::Network(opened.address);
                            worker.addresses.send_modify(|addresses| addresses.push(endpoint.clone()));
                            serve(endpoint, listener);
                        }
                        opened
                    });
                    // The caller may have disconnected; it can ask again.
                    let _ = ask.answer.send(answer);
                }
                () = stop.asked() => return Ok(()),
            }
        }
    }
}

impl<S> fmt::Debug for Serving<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Serving").field(&self.worker).finish_non_exhaustive()
    }
}

/// Returns whether a socket at `bound` accepts connections to `host`.
fn covers(bound: IpAddr, host: IpAddr) -> bool {
    match bound {
        IpAddr::V4(v4) if v4.is_unspecified() => host.is_ipv4(),
        // Such a socket accepts both families, unless the system is configured otherwise.
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
        bound => bound == host,
    }
}

fn refused(address: SocketAddr, error: &io::Error) -> ListenError {
    match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::Busy(address),
        io::ErrorKind::AddrNotAvailable => ListenError::NotHere(address),
        io::ErrorKind::PermissionDenied => ListenError::NotPermitted(address),
        _ => ListenError::Other { address, problem: error.to_string() },
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Listens on `endpoint`, and returns the actual address: port 0 picks a free port.
pub fn bind(endpoint: &Endpoint) -> io::Result<(Endpoint, Listener)> {
    match endpoint {
        Endpoint::Network(address) => {
            let listener = bind_tcp(*address)?;
            Ok((Endpoint::Network(listener.local_addr()?), Listener::Tcp(listener)))
        }
        Endpoint::Unix(path) => Ok((endpoint.clone(), Listener::Unix(unix_socket::bind(path)?))),
    }
}

/// Listens with a queue that holds a crowd of reconnecting clients.
fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    // A gateway that restarts gets its port back at once.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Returns the URL at which a program on this machine reaches `endpoint`.
pub fn url(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Network(address) => format!("http://{}", browsable(*address)),
        Endpoint::Unix(_) => endpoint.to_string(),
    }
}

/// Returns an address that a browser on this machine can open.
fn browsable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};
    use std::net::{IpAddr, SocketAddr};

    use super::{ListenAddress, ListenError, Listeners, OPENED_MAX, refused};

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn where_it_listens_already_nothing_is_opened() {
        for (own, host, port) in [
            ("127.0.0.1:8000", None, Some(8000)),
            ("127.0.0.1:8000", Some("127.0.0.1"), None),
            ("127.0.0.1:8000", Some("::ffff:127.0.0.1"), Some(8000)),
            ("0.0.0.0:8000", Some("127.0.0.1"), Some(8000)),
            ("0.0.0.0:8000", Some("192.0.2.1"), None),
            ("[::]:8000", Some("127.0.0.1"), Some(8000)),
        ] {
            let own: SocketAddr = own.parse().expect("an address");
            let (_, worker) = Listeners::new(vec![own.into()]);
            let opened = worker.open(host.map(ip), port).expect("an address").0;
            assert_eq!(opened, ListenAddress { address: own, is_new: false }, "{own} {host:?} {port:?}");
        }
    }

    #[test]
    fn other_machines_may_connect_only_where_the_operator_lets_them() {
        // An address reserved for documentation, so that nothing is opened even where the system would allow it.
        let elsewhere = Some(ip("192.0.2.1"));
        let (_, worker) = Listeners::new(vec!["127.0.0.1:8000".parse().expect("an address")]);
        for host in ["192.0.2.1", "0.0.0.0", "::", "169.254.1.1"] {
            let said = worker.open(Some(ip(host)), Some(9000)).expect_err("other machines");
            assert_eq!(said, ListenError::OnlyThisMachine(ip(host)));
        }
        let (_, mut worker) = Listeners::new(vec!["192.0.2.7:8000".parse().expect("an address")]);
        let address = "192.0.2.1:9000".parse().expect("an address");
        assert_eq!(worker.open(elsewhere, Some(9000)).expect_err("not here"), ListenError::NotHere(address));
        worker.opened = vec![address; OPENED_MAX];
        assert!(matches!(worker.open(None, Some(9001)).expect_err("enough"), ListenError::TooMany(_)));
    }

    #[test]
    fn what_the_system_refuses_is_said_in_words() {
        let address: SocketAddr = "127.0.0.1:80".parse().expect("an address");
        for (kind, says) in [
            (ErrorKind::AddrInUse, "another program is already listening on 127.0.0.1:80"),
            (
                ErrorKind::PermissionDenied,
                "the operating system does not allow this gateway to listen on port 80",
            ),
            (
                ErrorKind::OutOfMemory,
                "the operating system does not allow this gateway to listen on 127.0.0.1:80: out of memory",
            ),
        ] {
            assert_eq!(refused(address, &Error::from(kind)).to_string(), says);
        }
    }
}
