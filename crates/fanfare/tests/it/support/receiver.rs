//! A receiver of webhooks, as bytes on a socket: it answers as the test says, in whatever way a receiver can be wrong,
//! and remembers what it got.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fanfare_core::Timestamp;
use fanfare_core::webhook::secret::Secret;
use fanfare_core::webhook::verify::{self, Key};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::support::soon;

/// What the receiver does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// Answers with a status, header lines (each with its end) and a body.
    Answer(u16, String, String),
    /// Writes these bytes, and hangs up.
    Bytes(Vec<u8>),
    /// Writes these bytes again and again, until the other end has enough.
    Endless(Vec<u8>, Vec<u8>),
    /// Says nothing, ever.
    Hang,
    /// Answers with 200 when [`Receiver::release`] is called.
    Held,
    /// Hangs up so that the other end sees a reset.
    Reset,
    /// Writes these bytes and then says nothing more, ever.
    Stall(Vec<u8>),
    /// Writes these bytes, and then one byte after the other, slowly, for ever.
    Trickle(Vec<u8>),
}

impl Script {
    pub(crate) fn status(status: u16) -> Script {
        Script::Answer(status, String::new(), String::new())
    }

    pub(crate) fn with(status: u16, headers: &str) -> Script {
        Script::Answer(status, headers.to_owned(), String::new())
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) path: String,
    /// Names in lowercase.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// When it was there whole.
    pub(crate) at: Instant,
}

impl Got {
    /// Gives a header, or nothing at all.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value)
    }

    /// Gives what tells a repetition.
    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().expect("a message").to_owned()
    }

    /// Fails the test when it is not signed with `secret`.
    pub(crate) fn assert_signed(&self, secret: &str) {
        let key = Key::Secret(secret.parse::<Secret>().expect("a secret"));
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let now: Timestamp = fanfare::clock::now();
        let verified = verify::verify(&headers, &self.body, &[key], now).expect("a signature that fits");
        assert_eq!(verified.id, self.id());
    }
}

#[derive(Debug)]
struct Shared {
    /// What is done with the next requests, each once, and then with all others.
    script: Mutex<(std::collections::VecDeque<Script>, Script)>,
    got: watch::Sender<Vec<Got>>,
    release: Notify,
    connections: AtomicUsize,
    open: AtomicUsize,
    /// How many are answered at this moment, and the most that ever were.
    busy: AtomicUsize,
    busiest: AtomicUsize,
    /// The bytes that [`Script::Endless`] got rid of before the other end had enough.
    written: watch::Sender<Option<usize>>,
}

/// A receiver on a free port of this machine; it ends with its drop.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Receiver {
    /// Starts one that answers everything with 200.
    pub(crate) async fn start() -> Receiver {
        Receiver::playing(Vec::new(), Script::status(200)).await
    }

    /// Starts one that does what `first` says, one after the other, and then always `then`.
    pub(crate) async fn playing(first: Vec<Script>, then: Script) -> Receiver {
        Receiver::at(SocketAddr::from(([127, 0, 0, 1], 0)), first, then).await
    }

    /// As [`Receiver::playing`], at an address.
    pub(crate) async fn at(address: SocketAddr, first: Vec<Script>, then: Script) -> Receiver {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Mutex::new((first.into(), then)),
            got: watch::Sender::new(Vec::new()),
            release: Notify::new(),
            connections: 0.into(),
            open: 0.into(),
            busy: 0.into(),
            busiest: 0.into(),
            written: watch::Sender::new(None),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Receiver { address, shared, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// From now on all requests get this.
    pub(crate) fn play(&self, then: Script) {
        *self.shared.script.lock().expect("an unbroken lock") = (Default::default(), then);
    }

    /// Lets those go on that are held.
    pub(crate) fn release(&self) {
        self.shared.release.notify_waiters();
    }

    /// Gives what came so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.shared.got.borrow().clone()
    }

    /// Waits until so many requests came, and gives them.
    pub(crate) async fn gets(&self, count: usize) -> Vec<Got> {
        let mut got = self.shared.got.subscribe();
        let what = format!("{count} requests");
        soon(&what, got.wait_for(|got| got.len() >= count)).await.expect("a receiver").clone()
    }

    /// Waits until a request came with this message.
    pub(crate) async fn gets_message(&self, message: &str) -> Got {
        let mut got = self.shared.got.subscribe();
        let is_it = |got: &Got| got.json()["message"] == message;
        let all = soon(message, got.wait_for(|got| got.iter().any(is_it))).await.expect("a receiver").clone();
        all.into_iter().find(is_it).expect("it came")
    }

    /// Gives the messages that came so far, in that order.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.got().iter().map(Got::message).collect()
    }

    /// Counts the connections that were opened.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Counts the connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Gives the most requests that were on their way at once.
    pub(crate) fn busiest(&self) -> usize {
        self.shared.busiest.load(Ordering::SeqCst)
    }

    /// Waits until the other end had enough of what has no end, and says of how much.
    pub(crate) async fn had_enough(&self) -> usize {
        let mut written = self.shared.written.subscribe();
        let written = soon("the end of it", written.wait_for(Option::is_some)).await;
        written.expect("a receiver").expect("some")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut serving = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        shared.open.fetch_add(1, Ordering::SeqCst);
        serving.spawn(async move {
            serve(stream, &shared).await;
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Answers one request after the other, until either end hangs up.
async fn serve(mut stream: TcpStream, shared: &Shared) {
    let mut buffer = Vec::new();
    while let Some(got) = read(&mut stream, &mut buffer).await {
        let script = {
            let mut script = shared.script.lock().expect("an unbroken lock");
            script.0.pop_front().unwrap_or_else(|| script.1.clone())
        };
        let busy = shared.busy.fetch_add(1, Ordering::SeqCst) + 1;
        shared.busiest.fetch_max(busy, Ordering::SeqCst);
        let released = shared.release.notified();
        tokio::pin!(released);
        released.as_mut().enable();
        shared.got.send_modify(|all| all.push(got));
        if matches!(script, Script::Held) {
            released.await;
        }
        let busy = Busy(&shared.busy);
        if !answer(&mut stream, script, shared, busy).await {
            return;
        }
    }
}

/// Counts one less when it goes.
struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Does what the script says; says whether the connection goes on.
async fn answer(stream: &mut TcpStream, script: Script, shared: &Shared, busy: Busy<'_>) -> bool {
    match script {
        Script::Answer(status, headers, body) => {
            let len = body.len();
            let text = format!("HTTP/1.1 {status} It\r\n{headers}content-length: {len}\r\n\r\n{body}");
            // Whoever has the answer may send the next request at once.
            drop(busy);
            stream.write_all(text.as_bytes()).await.is_ok()
        }
        Script::Held => {
            drop(busy);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_ok()
        }
        Script::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            false
        }
        Script::Endless(head, again) => {
            let mut written = 0;
            let mut next = stream.write_all(&head).await;
            while next.is_ok() {
                next = stream.write_all(&again).await;
                written += again.len();
            }
            shared.written.send_replace(Some(written));
            false
        }
        Script::Hang => {
            wait_for_end(stream).await;
            false
        }
        Script::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            wait_for_end(stream).await;
            false
        }
        Script::Trickle(head) => {
            let mut pauses = tokio::time::interval(Duration::from_millis(10));
            let mut next = stream.write_all(&head).await;
            while next.is_ok() {
                pauses.tick().await;
                next = stream.write_all(b"x").await;
            }
            false
        }
        Script::Reset => {
            // What is closed with a linger of zero is reset.
            let _ = stream.set_zero_linger();
            false
        }
    }
}

async fn wait_for_end(stream: &mut TcpStream) {
    let mut rest = [0; 1_024];
    while stream.read(&mut rest).await.is_ok_and(|len| len > 0) {}
}

/// Reads one request whole; nothing at the end.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Got> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        fill(stream, buffer).await?;
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).expect("a head in ASCII");
    let mut lines = head.trim_end().split("\r\n");
    let request = lines.next().expect("a request line");
    assert!(request.starts_with("POST ") && request.ends_with(" HTTP/1.1"), "{request}");
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").expect("a header"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let path = request.split(' ').nth(1).expect("a path").to_owned();
    let mut got = Got { path, headers, body: Vec::new(), at: Instant::now() };
    let len: usize = got.header("content-length").parse().expect("a length");
    while buffer.len() < len {
        fill(stream, buffer).await?;
    }
    got.body = buffer.drain(..len).collect();
    got.at = Instant::now();
    Some(got)
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut some = vec![0; 64 * 1024];
    let len = stream.read(&mut some).await.ok().filter(|len| *len > 0)?;
    buffer.extend_from_slice(&some[..len]);
    Some(())
}
