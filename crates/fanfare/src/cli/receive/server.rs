//! Taking requests: one socket that listens, a task for each connection, everything within bounds.

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

/// Most connections at a time: a webhook opens up to 128.
const CONNECTIONS_MAX: usize = 256;
/// Longest body: the gateway's largest batch, and a single event of the largest size, are below.
const BODY_LEN_MAX: usize = 2 * 1024 * 1024;
/// How long a request may take to come: the gateway gives up after as long.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// Most headers and their bytes.
const HEADERS_LEN_MAX: usize = 64 * 1024;
/// Requests that wait to be shown; a terminal that is stopped makes senders wait.
const SHOWN_MAX: usize = 1_024;
/// When a connection could not be accepted, wait so long before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Ids that are remembered, so that a repetition is known.
const IDS_MAX: usize = 10_000;

/// A request that was answered, or is about to be.
#[derive(Debug)]
pub(crate) struct Got {
    /// When it was there.
    pub(crate) at: Timestamp,
    /// The path that was asked for.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether it is believed.
    pub(crate) verdict: Verdict,
    /// Its `webhook-id`.
    pub(crate) id: Option<String>,
    /// How often that id has come, with this one.
    pub(crate) attempt: u64,
    /// What it is answered with.
    pub(crate) status: u16,
    /// It was failed on purpose.
    pub(crate) on_purpose: bool,
}

/// A receiver that listens.
#[derive(Debug)]
pub(crate) struct Receiver {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    open: JoinSet<()>,
    got: mpsc::Receiver<Got>,
    /// Turns true when connections should end once they have answered.
    stop: watch::Sender<bool>,
}

#[derive(Debug)]
struct Shared {
    got: mpsc::Sender<Got>,
    stop: watch::Receiver<bool>,
    /// What connections share while it is looked at; never held while waiting.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    keys: Keys,
    faults: Faults,
    /// Requests so far.
    requests: u64,
    /// How often each id has come.
    seen: HashMap<String, u64>,
    /// The ids in the order in which they came first.
    order: VecDeque<String>,
}

/// A port that is ours, at which nobody answers yet.
#[derive(Debug)]
pub(crate) struct Port {
    socket: TcpSocket,
    /// Where it is.
    pub(crate) address: SocketAddr,
}

impl Port {
    /// Takes a port.
    pub(crate) fn take(address: SocketAddr) -> io::Result<Port> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Connections of an earlier run that have not quite ended are no reason to refuse.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let address = socket.local_addr()?;
        Ok(Port { socket, address })
    }

    /// Begins to listen.
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
    /// Gives where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Verifies with other keys from now on.
    pub(crate) fn verify_with(&self, keys: Keys) {
        self.shared.state().keys = keys;
    }

    /// Fails otherwise from now on; counting begins anew.
    pub(crate) fn fail(&self, faults: Faults) {
        let mut state = self.shared.state();
        state.faults = faults;
        state.requests = 0;
    }

    /// Gives the next request. Can be cancelled without loss; nothing is accepted while nobody waits here.
    pub(crate) async fn next(&mut self) -> Got {
        loop {
            tokio::select! {
                Some(got) = self.got.recv() => return got,
                accepted = self.listener.accept(), if self.open.len() < CONNECTIONS_MAX => match accepted {
                    Ok((stream, _)) => {
                        self.open.spawn(serve(stream, Arc::clone(&self.shared)));
                    }
                    // Out of descriptors, most likely: there is room when a connection ends.
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = self.open.join_next(), if !self.open.is_empty() => {}
            }
        }
    }

    /// Accepts nothing more, and gives what is being answered until `grace`.
    pub(crate) async fn end(self, grace: Duration) {
        let Receiver { listener, mut open, mut got, stop, .. } = self;
        drop(listener);
        // What waits to be shown must not wait for ever: nobody looks any more.
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
    // An answer must not wait for the acknowledgement of what came before it.
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
    // A connection that breaks has nobody left to answer; what was to be shown is shown.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|is_asked| *is_asked) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        return respond(405, "this is `fanfare receive`: it takes POST");
    }
    let (head, body) = request.into_parts();
    let body = match tokio::time::timeout(REQUEST_MAX, Limited::new(body, BODY_LEN_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return respond(413, "the body is over 2 MiB, or broke off"),
        Err(_) => return respond(408, "the body did not come within 10 s"),
    };
    let (got, delay) = shared.state().judged(head.uri.path(), head.headers, body);
    let (status, reason) = (got.status, reason(&got));
    // The receiving end is gone when the command ends; the answer goes out all the same.
    let _ = shared.got.send(got).await;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    respond(status, &reason)
}

impl State {
    fn judged(&mut self, path: &str, headers: HeaderMap, body: Bytes) -> (Got, Duration) {
        let at: Timestamp = jiff::Timestamp::now().into();
        let verdict = judge(&headers, &body, &self.keys, at);
        let id = headers.get(ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let is_refused = matches!(verdict, Verdict::Refused(_));
        // What is not believed counts for nothing: anybody could send it.
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
        (Got { at, path, headers, body, verdict, id, attempt, status, on_purpose }, self.faults.delay)
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

fn reason(got: &Got) -> String {
    match &got.verdict {
        Verdict::Refused(mismatch) => mismatch.to_string(),
        _ if got.on_purpose => "on purpose".to_owned(),
        _ => "ok".to_owned(),
    }
}

fn respond(status: u16, said: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "fanfare receive": said }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
