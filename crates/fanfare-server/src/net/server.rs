//! The server: accepts connections, and ends them in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::net::connection::{self, Shared};
use crate::net::limits::{Connections, Permit};
use crate::problem::Problem;

/// When a connection could not be accepted for want of descriptors, wait so long before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How much longer than outlets the kernel waits for a socket that takes nothing.
const USER_TIMEOUT_GRACE: Duration = Duration::from_secs(2);

/// Accepts connections on one address.
#[derive(Debug)]
pub struct Server {
    /// The listening socket.
    pub listener: TcpListener,
    /// How many connections there may be.
    pub connections: Arc<Connections>,
    /// What every connection works with.
    pub shared: Shared,
}

impl Server {
    /// Runs until `shared.stop` turns true; then gives the connections until `grace` to end.
    pub async fn run(self, grace: Duration) {
        let mut open = JoinSet::new();
        let mut stop = self.shared.stop.clone();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, &mut open),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = open.join_next(), if !open.is_empty() => {}
                () = stop.asked() => break,
            }
        }
        drop(self.listener);
        let ended = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, ended).await.is_err() {
            tracing::info!("connections were cut off that did not end in time");
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, open: &mut JoinSet<()>) {
        // A frame must not wait for the acknowledgement of the one before it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "the connection broke at once");
            return;
        }
        // What nobody takes must not wait for ever: neither for a machine that is gone, nor for a client that has
        // stopped reading. Outlets notice by themselves, and a moment earlier; this is for every other answer.
        let patience = self.shared.stall_timeout + USER_TIMEOUT_GRACE;
        if let Err(error) = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(patience)) {
            tracing::debug!(%peer, %error, "the kernel keeps what a client does not take");
        }
        match self.connections.admit(peer.ip()) {
            Ok(permit) => self.serve(stream, peer, permit, open),
            Err(problem) => {
                self.shared.metrics.connections_refused.inc();
                open.spawn(refuse(stream, problem));
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, permit: Permit, open: &mut JoinSet<()>) {
        open.spawn(connection::serve(stream, peer, permit, self.shared.clone()));
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
