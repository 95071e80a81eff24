//! The server: accepts connections, and ends them in order.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::Peer;
use fanfare_core::caller::Place;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::net::connection::{self, Shared};
use crate::net::connections::Connections;
use crate::net::limits::BACKLOG;
use crate::net::request_tasks::note_panic;
use crate::net::socket::{Listener, Socket};
use crate::problem::Problem;
use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

/// Pause before the next accept after one failed for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections after which those that are open have their turn: a flood of new ones must not hold them up.
const ACCEPTED_AT_ONCE_MAX: u32 = 8;

/// Additional time, beyond that of outlets, that the kernel waits for a socket that makes no progress.
const USER_TIMEOUT_GRACE: Duration = Duration::from_secs(2);

/// Accepts connections on one address, and owns them.
#[derive(Debug)]
pub struct Server {
    /// The listening socket; closed when it is time to stop.
    listener: Option<Listener>,
    connections: Arc<Connections>,
    shared: Arc<Shared>,
    /// Maximum time for connections to end; read when it is time to stop.
    grace: watch::Receiver<Duration>,
    open: JoinSet<()>,
}

impl Server {
    /// Accepts as many connections from `listener` as `connections` allows. After the stop, they have until `grace` to
    /// end.
    pub fn new(
        listener: Listener,
        connections: Arc<Connections>,
        shared: Arc<Shared>,
        grace: watch::Receiver<Duration>,
    ) -> Server {
        Server { listener: Some(listener), connections, shared, grace, open: JoinSet::new() }
    }
}

impl Work for Server {
    /// The socket and the connections survive an early end of this future, and are there when it restarts.
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        let Server { listener, connections, shared, grace, open } = self;
        let socket = listener.as_ref().ok_or("its socket is closed")?;
        let mut accepted_at_once = 0;
        loop {
            tokio::select! {
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => {
                        admit(stream, peer, connections, shared, open);
                        accepted_at_once = (accepted_at_once + 1) % ACCEPTED_AT_ONCE_MAX;
                        if accepted_at_once == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = open.join_next(), if !open.is_empty() => note_panic(ended),
                () = stop.asked() => break,
            }
        }
        // Clients that are already connected would otherwise get no answer, not even a refused connection.
        let queued = listener.take().map(|listener| listener.into_queued(BACKLOG.unsigned_abs() as usize));
        match queued.unwrap_or_else(|| Ok(Vec::new())) {
            Ok(queued) => {
                for (stream, peer) in queued {
                    admit(stream, peer, connections, shared, open);
                }
            }
            // Those that are open are still waited for.
            Err(error) => tracing::warn!(%error, "the queue of a socket could not be read"),
        }
        let ended = async {
            while let Some(ended) = open.join_next().await {
                note_panic(ended);
            }
        };
        let grace = *grace.borrow();
        if tokio::time::timeout(grace, ended).await.is_err() {
            tracing::info!("some connections did not end in time and were cut off");
            open.shutdown().await;
        }
        Ok(())
    }
}

fn admit(
    stream: Socket,
    peer: Peer,
    connections: &Arc<Connections>,
    shared: &Arc<Shared>,
    open: &mut JoinSet<()>,
) {
    // Unread data must not wait forever, neither for a machine that is gone nor for a client that has stopped reading.
    // Outlets notice by themselves, a moment earlier; this covers every other response.
    if let Err(error) = stream.prepare(shared.stall_timeout + USER_TIMEOUT_GRACE) {
        tracing::debug!(%peer, %error, "could not set the options of a connection");
    }
    match connections.admit(&peer) {
        Ok(permit) => {
            let serve = connection::serve(stream, peer, permit, Arc::clone(shared));
            open.spawn(shared.turns.take(Place::of(peer), serve))
        }
        Err(problem) => {
            shared.counts.connections_refused.inc();
            open.spawn(refuse(stream, problem, shared.stop.clone()))
        }
    };
}

/// Sends the reason that there is no room, and closes the connection.
async fn refuse(mut stream: Socket, problem: Problem, stop: Shutdown) {
    const PATIENCE: Duration = Duration::from_secs(1);
    let body = problem.to_json();
    let retry_after = problem.0.limit.and_then(|limit| limit.retry_seconds()).unwrap_or(1);
    let status = problem.status();
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\nretry-after: {retry_after}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         cross-origin-resource-policy: same-origin\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        status.as_str(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    );
    let write = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await
    };
    // A client that does not even read this is disconnected.
    if let Ok(Ok(())) = tokio::time::timeout(PATIENCE, write).await {
        connection::close(stream, stop).await;
    }
}
