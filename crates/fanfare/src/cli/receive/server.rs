//! The HTTP server of `receive`: one listening socket and a task per connection, with bounds on everything.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fanfare_core::Timestamp;
use fanfare_webhook::signature::ID;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::cli::receive::faults::Faults;
use crate::cli::receive::judge::{Keys, Verdict, judge};

/// Maximum number of connections. A webhook opens at most 128.
const CONNECTIONS_MAX: usize = 256;
/// Maximum size of a body, above that of the gateway's largest batch and of its largest event.
const BODY_LEN_MAX: usize = 2 * 1024 * 1024;
/// How long a request may take to arrive. The gateway waits no longer for a response.
pub(crate) const REQUEST_MAX: Duration = Duration::from_secs(10);
/// Maximum size of all headers.
const HEADERS_LEN_MAX: usize = 64 * 1024;
/// Maximum number of requests that wait to be printed. If the terminal is stopped, senders wait.
const SHOWN_MAX: usize = 1_024;
/// Delay after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Maximum number of ids to remember, to recognize repeated deliveries.
const IDS_MAX: usize = 10_000;

/// A request and the response to it.
#[derive(Debug)]
pub(crate) struct ReceivedRequest {
    /// Time of arrival.
    pub(crate) at: Timestamp,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Result of verifying the signatures.
    pub(crate) verdict: Verdict,
    /// The `webhook-id`.
    pub(crate) id: Option<String>,
    /// Number of requests with this id so far, including this one.
    pub(crate) attempt: u64,
    /// Status of the response.
    pub(crate) status: u16,
    /// Whether the request failed on purpose.
    pub(crate) on_purpose: bool,
}

/// A running receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    open: JoinSet<()>,
    got: mpsc::Receiver<ReceivedRequest>,
    /// Becomes true when connections should close after the current response.
    stop: watch::Sender<bool>,
}

#[derive(Debug)]
struct Shared {
    got: mpsc::Sender<ReceivedRequest>,
    stop: watch::Receiver<bool>,
    /// Guards the state of all connections. It is never locked across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    keys: Keys,
    faults: Faults,
    /// Number of requests so far, to select those that fail.
    requests: u64,
    /// Number of requests with each id.
    seen: HashMap<String, u64>,
    /// The ids, oldest first.
    order: VecDeque<String>,
}

/// A bound port that does not accept connections yet.
#[derive(Debug)]
pub(crate) struct Port {
    socket: TcpSocket,
    pub(crate) address: SocketAddr,
}

impl Port {
    /// Binds a port.
    pub(crate) fn take(address: SocketAddr) -> io::Result<Port> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Allows binding while connections of an earlier run are still closing.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let address = socket.local_addr()?;
        Ok(Port { socket, address })
    }

    /// Starts to listen.
    pub(crate) fn listen(self, keys: Keys, faults: Faults) -> io::Result<Receiver> {
        let Port { socket, address } = self;
        let listener = socket.listen(CONNECTIONS_MAX as u32)?;
        let (sender, got) = mpsc::channel(SHOWN_MAX);
        let state = State { keys, faults, requests: 0, seen: HashMap::new(), order: VecDeque::new() };
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared { got: sender, stop: stopped, state: Mutex::new(state) });
        Ok(Receiver { listener, address, shared, open: JoinSet::new(), got, stop })
    }
}

impl Receiver {
    /// Returns the address that the receiver listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the keys to verify with.
    pub(crate) fn verify_with(&self, keys: Keys) {
        self.shared.state().keys = keys;
    }

    /// Replaces the faults and restarts the count of requests.
    pub(crate) fn fail(&self, faults: Faults) {
        let mut state = self.shared.state();
        state.faults = faults;
        state.requests = 0;
    }

    /// Returns the next request. Cancel-safe. Connections are accepted only while this is awaited.
    pub(crate) async fn next(&mut self) -> ReceivedRequest {
        loop {
            tokio::select! {
                Some(got) = self.got.recv() => return got,
                accepted = self.listener.accept(), if self.open.len() < CONNECTIONS_MAX => match accepted {
                    Ok((stream, _)) => {
                        self.open.spawn(serve(stream, Arc::clone(&self.shared)));
                    }
                    // Most likely there are no file descriptors left, until a connection closes.
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = self.open.join_next(), if !self.open.is_empty() => {}
            }
        }
    }

    /// Stops accepting connections and waits up to `grace` for the open responses.
    pub(crate) async fn end(self, grace: Duration) {
        let Receiver { listener, mut open, mut got, stop, .. } = self;
        drop(listener);
        // Nothing is printed from here on, so a request must not wait for it.
        got.close();
        stop.send_replace(true);
        let ended = async { while open.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(grace, ended).await;
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Nagle's algorithm would delay a response.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_MAX)
        .max_buf_size(HEADERS_LEN_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let mut stop = shared.stop.clone();
    // The error of a broken connection is ignored: its complete requests are printed anyway.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|is_asked| *is_asked) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        return respond(405, "`fanfare receive` accepts only POST");
    }
    let (head, body) = request.into_parts();
    let body = match tokio::time::timeout(REQUEST_MAX, Limited::new(body, BODY_LEN_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            return respond(413, &format!("the body is over {} MiB or incomplete", BODY_LEN_MAX >> 20));
        }
        Err(_) => {
            return respond(408, &format!("the body did not arrive within {} s", REQUEST_MAX.as_secs()));
        }
    };
    let (got, delay) = shared.state().judged(head.uri.path(), head.headers, body);
    let (status, reason) = (got.status, reason(&got));
    // This fails when the command is about to exit. The response is sent anyway.
    let _ = shared.got.send(got).await;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    respond(status, &reason)
}

impl State {
    fn judged(&mut self, path: &str, headers: HeaderMap, body: Bytes) -> (ReceivedRequest, Duration) {
        let at: Timestamp = jiff::Timestamp::now().into();
        let verdict = judge(&headers, &body, &self.keys, at);
        let id = headers.get(ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let is_refused = matches!(verdict, Verdict::Refused(_));
        // A request that does not verify is not counted, because anyone could have sent it.
        let attempt = if is_refused { 1 } else { self.count(id.as_deref()) };
        self.requests += u64::from(!is_refused);
        let chance = rand::random_range(0.0..1.0);
        let on_purpose = !is_refused && self.faults.fail.applies(self.requests, attempt, chance);
        let status = match (is_refused, on_purpose) {
            (true, _) => 401,
            (false, true) => self.faults.status,
            (false, false) => 200,
        };
        let path = path.to_owned();
        (
            ReceivedRequest { at, path, headers, body, verdict, id, attempt, status, on_purpose },
            self.faults.delay,
        )
    }

    fn count(&mut self, id: Option<&str>) -> u64 {
        let Some(id) = id else { return 1 };
        if let Some(times) = self.seen.get_mut(id) {
            *times += 1;
            return *times;
        }
        if self.order.len() == IDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.seen.insert(id.to_owned(), 1);
        self.order.push_back(id.to_owned());
        1
    }
}

fn reason(got: &ReceivedRequest) -> String {
    match &got.verdict {
        Verdict::Refused(mismatch) => mismatch.to_string(),
        _ if got.on_purpose => "on purpose".to_owned(),
        _ => "ok".to_owned(),
    }
}

fn respond(status: u16, text: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "fanfare receive": text }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
