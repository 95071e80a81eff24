//! The sockets that a gateway listens on: bound by itself, or passed to it by the process that started it.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, ensure};
use fanfare_core::Endpoint;
use fanfare_server::net::listeners;
use fanfare_server::net::socket::Listener;
use fanfare_server::net::unix_socket::SocketFile;
use listenfd::ListenFd;
use socket2::SockRef;

/// The sockets, before connections are accepted.
#[derive(Debug)]
pub struct Sockets {
    pub(super) listening: Vec<(Endpoint, Listener)>,
    /// The file that this process created for each, if it has one.
    files: Vec<Option<SocketFile>>,
}

/// Sockets that were passed by systemd, or by the gateway before this one (`sd_listen_fds(3)`).
#[derive(Debug)]
pub struct Inherited(Vec<(Endpoint, Passed, Option<SocketFile>)>);

#[derive(Debug)]
enum Passed {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Keeps the sockets of a running gateway for its successor; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Spare(
    /// Guards the sockets; held to take or to replace them.
    Arc<Mutex<Kept>>,
);

/// The sockets that are kept for a successor.
#[derive(Debug, Default)]
struct Kept {
    /// Empty once they are taken.
    sockets: Inheritance,
    /// Whether the gateway accepts no more connections: sockets that stayed open would fill their queues for nobody.
    is_closed: bool,
}

/// The sockets that a successor gets. Dropping them closes the descriptors and removes the files.
#[derive(Debug, Default)]
pub struct Inheritance {
    /// The sockets.
    pub descriptors: Vec<OwnedFd>,
    /// The file that this process created for each, if it has one.
    pub files: Vec<Option<SocketFile>>,
}

impl Sockets {
    /// Binds a socket at each address.
    pub fn bind(endpoints: &[Endpoint]) -> anyhow::Result<Sockets> {
        let mut sockets = Sockets { listening: Vec::new(), files: Vec::new() };
        for endpoint in endpoints {
            let bound = listeners::bind(endpoint).with_context(|| format!("cannot listen on {endpoint}"))?;
            sockets.listening.push(bound);
            sockets.files.push(match endpoint {
                Endpoint::Unix(path) => {
                    Some(SocketFile::at(path).with_context(|| format!("cannot read {endpoint}"))?)
                }
                Endpoint::Network(_) => None,
            });
        }
        Ok(sockets)
    }

    /// Returns the addresses, with the ports that were picked.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.listening.iter().map(|(endpoint, _)| endpoint.clone()).collect()
    }

    /// Returns further descriptors of the same sockets, for a successor.
    pub(super) fn spare(&mut self) -> io::Result<Spare> {
        let descriptors =
            self.listening.iter().map(|(_, listener)| listener.duplicate()).collect::<Result<_, _>>()?;
        let sockets = Inheritance { descriptors, files: std::mem::take(&mut self.files) };
        Ok(Spare(Arc::new(Mutex::new(Kept { sockets, is_closed: false }))))
    }
}

impl Inherited {
    /// Takes the sockets that the environment names; `None` if there are none. Call this before there are
    /// threads: it changes the environment, so that child processes do not take the sockets for their own.
    pub fn from_environment() -> anyhow::Result<Option<Inherited>> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names: Vec<&str> = names.split(':').collect();
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..passed.len() {
            let socket = match passed.take_tcp_listener(index) {
                Ok(Some(listener)) => (listener.local_addr()?.into(), Passed::Tcp(listener), None),
                _ => {
                    let listener = passed.take_unix_listener(index).ok().flatten();
                    let listener = listener.with_context(|| {
                        format!("descriptor {index} of LISTEN_FDS is not a stream socket")
                    })?;
                    let address = listener.local_addr()?;
                    let path = address.as_pathname().map_or_else(|| PathBuf::from("@"), PathBuf::from);
                    let file = names.get(index).and_then(|name| SocketFile::named(name, &path));
                    (Endpoint::Unix(path), Passed::Unix(listener), file)
                }
            };
            ensure!(
                socket.1.is_listening()?,
                "descriptor {index} of LISTEN_FDS is a connection, not a listening socket; a systemd socket unit must \
                 not set `Accept=yes`"
            );
            sockets.push(socket);
        }
        Ok((!sockets.is_empty()).then_some(Inherited(sockets)))
    }

    /// Returns the addresses.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.0.iter().map(|(endpoint, ..)| endpoint.clone()).collect()
    }

    /// Registers them with the runtime that calls this.
    pub fn into_sockets(self) -> io::Result<Sockets> {
        let mut sockets = Sockets { listening: Vec::new(), files: Vec::new() };
        for (endpoint, passed, file) in self.0 {
            sockets.listening.push((endpoint, passed.into_listener()?));
            sockets.files.push(file);
        }
        Ok(sockets)
    }
}

impl Passed {
    fn is_listening(&self) -> io::Result<bool> {
        match self {
            Passed::Tcp(listener) => SockRef::from(listener).is_listener(),
            Passed::Unix(listener) => SockRef::from(listener).is_listener(),
        }
    }

    fn into_listener(self) -> io::Result<Listener> {
        match self {
            Passed::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Ok(Listener::Tcp(tokio::net::TcpListener::from_std(listener)?))
            }
            Passed::Unix(listener) => {
                listener.set_nonblocking(true)?;
                Ok(Listener::Unix(tokio::net::UnixListener::from_std(listener)?))
            }
        }
    }
}

impl Spare {
    /// Takes the sockets for a successor. Empty if it is too late.
    pub fn take(&self) -> Inheritance {
        std::mem::take(&mut self.kept().sockets)
    }

    /// Returns the sockets that were taken, if there will be no successor. They are closed if it is too late to accept
    /// connections.
    pub fn put_back(&self, sockets: Inheritance) {
        let mut kept = self.kept();
        if !kept.is_closed {
            kept.sockets = sockets;
        }
    }

    /// Closes the descriptors and removes the socket files, unless a successor has taken them over.
    pub fn close(&self) {
        let mut kept = self.kept();
        kept.is_closed = true;
        kept.sockets = Inheritance::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
