//! A receiver of webhooks on a free port: keeps what it gets, and answers as it is told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::support::soon;

/// What it got.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

pub(crate) struct Mailbox {
    pub(crate) address: SocketAddr,
    status: Arc<AtomicU16>,
    received: mpsc::UnboundedReceiver<Received>,
    task: tokio::task::JoinHandle<()>,
}

impl Mailbox {
    pub(crate) async fn start() -> Mailbox {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let status = Arc::new(AtomicU16::new(200));
        let (sender, received) = mpsc::unbounded_channel();
        let task = tokio::spawn(accept(listener, Arc::clone(&status), sender));
        Mailbox { address, status, received, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers with `status` from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Waits for what comes next.
    pub(crate) async fn next(&mut self) -> Received {
        soon("a delivery", self.received.recv()).await.expect("a receiver that runs")
    }

    /// Gives the messages of the next deliveries.
    pub(crate) async fn messages(&mut self, count: usize) -> Vec<String> {
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.push(self.next().await.json()["message"].as_str().expect("text").to_owned());
        }
        messages
    }

    /// Says whether it got nothing more until now.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.received.try_recv().is_err()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, status: Arc<AtomicU16>, sender: mpsc::UnboundedSender<Received>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (status, sender) = (Arc::clone(&status), sender.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (status, sender) = (Arc::clone(&status), sender.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let path = parts.uri.path().to_owned();
                // The test may be over.
                let _ = sender.send(Received { path, headers: parts.headers, body });
                let mut response = hyper::Response::new(Full::new(Bytes::from_static(b"noted")));
                *response.status_mut() = status.load(Ordering::SeqCst).try_into().expect("a status");
                Ok::<_, Infallible>(response)
            }
        });
        connections.spawn(async move {
            // The gateway may hang up.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
