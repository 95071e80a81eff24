//! The server: accepts connections, and ends them in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};

use crate::net::connection::{self, Shared};
use crate::net::limits::Connections;
use crate::problem::Problem;
use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

/// When a connection could not be accepted for want of descriptors, wait so long before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How much longer than outlets the kernel waits for a socket that takes nothing.
const USER_TIMEOUT_GRACE: Duration = Duration::from_secs(2);

/// Accepts connections on one address, and owns them.
#[derive(Debug)]
pub struct Server {
    /// The listening socket; closed when it is time to stop.
    listener: Option<TcpListener>,
    connections: Arc<Connections>,
    shared: Shared,
    /// How long connections have to end.
    grace: Duration,
    open: JoinSet<()>,
}

impl Server {
    /// Accepts from `listener` as many as `connections` allows. When it is time to stop, they have until `grace` to end.
    pub fn new(
        listener: TcpListener,
        connections: Arc<Connections>,
        shared: Shared,
        grace: Duration,
    ) -> Server {
        Server { listener: Some(listener), connections, shared, grace, open: JoinSet::new() }
    }
}

impl Work for Server {
    /// Socket and connections stay when this ends before its time, and are there when it begins again.
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        let Server { listener, connections, shared, grace, open } = self;
        let socket = listener.as_ref().ok_or("its socket is closed")?;
        loop {
            tokio::select! {
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => admit(stream, peer, connections, shared, open),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = open.join_next(), if !open.is_empty() => look_at(ended),
                () = stop.asked() => break,
            }
        }
        *listener = None;
        let ended = async {
            while let Some(ended) = open.join_next().await {
                look_at(ended);
            }
        };
        if tokio::time::timeout(*grace, ended).await.is_err() {
            tracing::info!("some connections did not end in time and were cut off");
            open.shutdown().await;
        }
        Ok(())
    }
}

fn admit(
    stream: TcpStream,
    peer: SocketAddr,
    connections: &Arc<Connections>,
    shared: &Shared,
    open: &mut JoinSet<()>,
) {
    // A frame must not wait for the acknowledgement of the one before it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "the connection broke at once");
        return;
    }
    // What nobody takes must not wait for ever: neither for a machine that is gone, nor for a client that has
    // stopped reading. Outlets notice by themselves, and a moment earlier; this is for every other answer.
    let patience = shared.stall_timeout + USER_TIMEOUT_GRACE;
    if let Err(error) = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(patience)) {
        tracing::debug!(%peer, %error, "could not set TCP_USER_TIMEOUT on a connection");
    }
    match connections.admit(peer.ip()) {
        Ok(permit) => open.spawn(connection::serve(stream, peer, permit, shared.clone())),
        Err(problem) => {
            shared.counts.connections_refused.inc();
            open.spawn(refuse(stream, problem))
        }
    };
}

/// A connection that panics takes nobody else with it, but somebody has to know.
fn look_at(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection panicked");
    }
}

/// Says why there is no room, and closes.
async fn refuse(mut stream: TcpStream, problem: Problem) {
    const PATIENCE: Duration = Duration::from_secs(1);
    let body = problem.to_json();
    let retry_after = problem.limit.map_or(1, |(_, retry_after)| retry_after.as_secs().max(1));
    let status = problem.status();
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\nretry-after: {retry_after}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        status.as_str(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    );
    let write = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await
    };
    // Whoever does not even read this is hung up on.
    if let Ok(Ok(())) = tokio::time::timeout(PATIENCE, write).await {
        connection::close(stream).await;
    }
}
