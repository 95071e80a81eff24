//! A receiver of webhooks, as bytes on a socket: it answers as the test demands, in every wrong way possible, and
//! remembers its requests.

mod script;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use fanfare_core::Timestamp;
use fanfare_webhook::secret::Secret;
use fanfare_webhook::verify::{self, Key, Mismatch, Verified};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::support::soon;
pub(crate) use script::Script;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lowercase.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The time at which the request was complete.
    pub(crate) at: Instant,
    /// The status that it was answered with, when it was answered whole.
    pub(crate) answered: Option<u16>,
}

impl Got {
    /// Returns a header, or an empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value)
    }

    /// Returns the id, which a repetition shares.
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
        let verified = self.verified(secret, fanfare_runtime::clock::now()).expect("a signature that fits");
        assert_eq!(verified.id, self.id());
    }

    /// Verifies the request as a receiver with the clock at `now`.
    pub(crate) fn verified(&self, secret: &str, now: Timestamp) -> Result<Verified<'_>, Mismatch> {
        let key = Key::Secret(secret.parse::<Secret>().expect("a secret"));
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        verify::verify(&headers, &self.body, &[key], now)
    }
}

#[derive(Debug)]
struct Shared {
    /// The scripts for the next requests, each once, and the one for all others.
    script: Mutex<(std::collections::VecDeque<Script>, Script)>,
    got: watch::Sender<Vec<Got>>,
    /// Number of requests that [`Receiver::next`] has returned.
    taken: AtomicUsize,
    release: Notify,
    connections: AtomicUsize,
    open: AtomicUsize,
    /// Number of requests that are being answered, and the maximum so far.
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

    /// Starts a receiver that plays `first`, one after the other, and then always `then`.
    pub(crate) async fn playing(first: Vec<Script>, then: Script) -> Receiver {
        Receiver::at(SocketAddr::from(([127, 0, 0, 1], 0)), first, then).await
    }

    /// Starts as [`Receiver::playing`], at an address.
    pub(crate) async fn at(address: SocketAddr, first: Vec<Script>, then: Script) -> Receiver {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Mutex::new((first.into(), then)),
            got: watch::Sender::new(Vec::new()),
            taken: 0.into(),
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
        self.url_of("/hook")
    }

    pub(crate) fn url_of(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Plays this script for all further requests.
    pub(crate) fn play(&self, then: Script) {
        *self.shared.script.lock().expect("an unbroken lock") = (Default::default(), then);
    }

    /// Answers all further requests with this status and a short text.
    pub(crate) fn answer(&self, status: u16) {
        self.play(Script::Answer(status, String::new(), "noted".to_owned()));
    }

    /// Continues the requests that are held.
    pub(crate) fn release(&self) {
        self.shared.release.notify_waiters();
    }

    /// Returns all requests so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.shared.got.borrow().clone()
    }

    /// Returns the number of requests so far.
    pub(crate) fn count(&self) -> usize {
        self.shared.got.borrow().len()
    }

    /// Waits for this many requests, and returns them.
    pub(crate) async fn gets(&self, count: usize) -> Vec<Got> {
        let mut got = self.shared.got.subscribe();
        let what = format!("{count} requests");
        soon(&what, got.wait_for(|got| got.len() >= count)).await.expect("a receiver").clone()
    }

    /// Waits for the request after the one that it gave last.
    pub(crate) async fn next(&self) -> Got {
        let number = self.shared.taken.fetch_add(1, Ordering::SeqCst);
        self.gets(number + 1).await.swap_remove(number)
    }

    /// Returns the messages of the next requests.
    pub(crate) async fn next_messages(&self, count: usize) -> Vec<String> {
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.push(self.next().await.message());
        }
        messages
    }

    /// Returns whether every request so far was returned.
    pub(crate) fn is_quiet(&self) -> bool {
        self.got().len() == self.shared.taken.load(Ordering::SeqCst)
    }

    /// Waits until a request came with this message.
    pub(crate) async fn gets_message(&self, message: &str) -> Got {
        let mut got = self.shared.got.subscribe();
        let is_it = |got: &Got| got.json()["message"] == message;
        let all = soon(message, got.wait_for(|got| got.iter().any(is_it))).await.expect("a receiver").clone();
        all.into_iter().find(is_it).expect("it came")
    }

    /// Returns the messages so far, in order.
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

    /// Returns the maximum number of concurrent requests so far.
    pub(crate) fn busiest(&self) -> usize {
        self.shared.busiest.load(Ordering::SeqCst)
    }

    /// Waits until the client has stopped reading an endless response; returns the number of bytes it read.
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
    while let Some((mut got, len)) = read_head(&mut stream, &mut buffer).await {
        let script = {
            let mut script = shared.script.lock().expect("an unbroken lock");
            script.0.pop_front().unwrap_or_else(|| script.1.clone())
        };
        if !matches!(script, Script::Early(_)) {
            let Some(body) = read_body(&mut stream, &mut buffer, len).await else { return };
            got.body = body;
        }
        got.at = Instant::now();
        let busy = shared.busy.fetch_add(1, Ordering::SeqCst) + 1;
        shared.busiest.fetch_max(busy, Ordering::SeqCst);
        let released = shared.release.notified();
        tokio::pin!(released);
        released.as_mut().enable();
        let mut script = Some(script);
        shared.got.send_modify(|all| {
            let now = script.take().expect("a script").at(all.len() + 1);
            all.push(Got { answered: now.answers(), ..got });
            script = Some(now);
        });
        let script = script.expect("a script");
        if matches!(script, Script::Held | Script::HeldWith(_)) {
            released.await;
        }
        let busy = Busy(&shared.busy);
        if !script::play(&mut stream, script, &shared.written, busy).await {
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

/// Reads the head of a request, and how long its body is; nothing at the end.
async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(Got, usize)> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        fill(stream, buffer).await?;
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).expect("a head in ASCII");
    let mut lines = head.trim_end().split("\r\n");
    let request = lines.next().expect("a request line");
    let method = request.split(' ').next().expect("a method").to_owned();
    assert!(["POST", "PUT", "PATCH"].contains(&&*method) && request.ends_with(" HTTP/1.1"), "{request}");
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").expect("a header"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let path = request.split(' ').nth(1).expect("a path").to_owned();
    let got = Got { method, path, headers, body: Vec::new(), at: Instant::now(), answered: None };
    let len = got.header("content-length").parse().expect("a length");
    Some((got, len))
}

async fn read_body(stream: &mut TcpStream, buffer: &mut Vec<u8>, len: usize) -> Option<Vec<u8>> {
    while buffer.len() < len {
        fill(stream, buffer).await?;
    }
    Some(buffer.drain(..len).collect())
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut some = vec![0; 64 * 1024];
    let len = stream.read(&mut some).await.ok().filter(|len| *len > 0)?;
    buffer.extend_from_slice(&some[..len]);
    Some(())
}
