//! Receivers of webhooks that record each request, its time and its answer.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::Scope,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use ring::hmac;

use super::{
    super::load::Load,
    cast::{CAST, Temper},
    request::Request,
};
use crate::{pause::pause, rng::Rng};

/// Interval at which a connection checks whether it should end.
const PATIENCE: Duration = Duration::from_millis(100);

/// The answer of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// 500, or nothing at all.
    Failed,
    /// 413.
    Refused,
    /// 200.
    Taken,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) hook: usize,
    /// `webhook-id`.
    pub(crate) id: Box<str>,
    /// The seq of each event in it, and the hash of its message.
    pub(crate) events: Box<[(u64, u64)]>,
    /// The hash of all bytes of the body.
    pub(crate) body: u64,
    /// The arrival of the request.
    pub(crate) at: Instant,
    /// The time at which the answer was sent.
    pub(crate) done: Instant,
    pub(crate) said: Said,
}

pub(crate) struct Receivers {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    /// By hook.
    keys: Mutex<Vec<hmac::Key>>,
    records: Mutex<Vec<Record>>,
    /// From now on every request that is ever accepted is accepted.
    pub(crate) is_benign: AtomicBool,
    stop: AtomicBool,
}

impl Receivers {
    pub(crate) fn listen() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("receivers cannot listen")?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            keys: Mutex::default(),
            records: Mutex::default(),
            is_benign: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        })
    }

    /// Records the key of the next hook.
    pub(crate) fn expect(&self, key: hmac::Key) {
        if let Ok(mut keys) = self.keys.lock() {
            keys.push(key);
        }
    }

    /// The requests that came after the first `from`.
    pub(crate) fn records_after(&self, from: usize) -> Result<Vec<Record>> {
        let records = self.records.lock().map_err(|_| anyhow!("a receiver panicked"))?;
        Ok(records.get(from..).unwrap_or_default().to_vec())
    }

    /// Forgets the keys of webhooks that are gone.
    pub(crate) fn forget(&self) {
        if let Ok(mut keys) = self.keys.lock() {
            keys.clear();
        }
    }

    /// Ends all threads.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        // A connection wakes the thread that accepts; if none can be made, the thread has ended.
        let _ = TcpStream::connect(self.address);
    }

    pub(crate) fn spawn<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        load: &'scope Load,
        mut rng: Rng,
    ) {
        scope.spawn(move || {
            for stream in self.listener.incoming().map_while(Result::ok) {
                if self.stop.load(Ordering::Relaxed) {
                    return;
                }
                let rng = rng.fork();
                scope.spawn(move || {
                    if let Err(error) = self.serve(stream, load, rng) {
                        load.complain(format!("{error:#}"));
                    }
                });
            }
        });
    }

    /// Serves one connection. Fails when something came that must not.
    fn serve(&self, mut stream: TcpStream, load: &Load, mut rng: Rng) -> Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        while !self.stop.load(Ordering::Relaxed) {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(len) => bytes.extend_from_slice(&buffer[..len]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                // The server was killed.
                Err(_) => return Ok(()),
            }
            let Some((request, len)) = Request::parse(&bytes)? else { continue };
            let is_kept = self.take(&request, &mut stream, &mut rng)?;
            bytes.drain(..len);
            load.connects.fetch_add(1, Ordering::Relaxed);
            if !is_kept {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Answers a request and records it; returns whether the connection stays open.
    fn take(&self, request: &Request<'_>, stream: &mut TcpStream, rng: &mut Rng) -> Result<bool> {
        let at = Instant::now();
        let hook = CAST.get(request.hook).with_context(|| format!("a delivery for hook {}", request.hook))?;
        let key = self.keys.lock().map_err(|_| anyhow!("a receiver panicked"))?.get(request.hook).cloned();
        let key = key.with_context(|| format!("a delivery for `{}` before it was registered", hook.name))?;
        request.verify(&key).with_context(|| format!("a delivery for `{}`", hook.name))?;
        let events = hook.events(request.body);
        let events = events.filter(|events| !events.is_empty()).with_context(|| {
            format!("`{}` got a body it cannot read: {}", hook.name, String::from_utf8_lossy(request.body))
        })?;
        let is_benign = self.is_benign.load(Ordering::Relaxed);
        let one_in = |of: u64, rng: &mut Rng| !is_benign && rng.below(of) == 0;
        let (said, answer) = match hook.temper {
            Temper::Refusing(_) if hook.refuses(events[0].0) => {
                (Said::Refused, Some("413 Content Too Large"))
            }
            Temper::Flaky(of) if one_in(of, rng) => (Said::Failed, Some("500 Internal Server Error")),
            Temper::HangingUp(of) if one_in(of, rng) => (Said::Failed, None),
            Temper::Slow(ms_max) if !is_benign => {
                pause(Duration::from_millis(rng.below(ms_max + 1)));
                (Said::Taken, Some("200 OK"))
            }
            _ => (Said::Taken, Some("200 OK")),
        };
        if let Some(answer) = answer {
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 2\r\n\r\nok");
            // A server that was killed meanwhile does not get the answer, and will ask again.
            let _ = stream.write_all(answer.as_bytes());
        }
        let events = events.into_iter().map(|(seq, message)| (seq, hash_of(message.as_bytes()))).collect();
        let record = Record {
            hook: request.hook,
            id: request.id.into(),
            events,
            body: hash_of(request.body),
            at,
            done: Instant::now(),
            said,
        };
        self.records.lock().map_err(|_| anyhow!("a receiver panicked"))?.push(record);
        Ok(answer.is_some())
    }
}

pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
