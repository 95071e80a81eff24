//! A connection to a receiver: one request at a time, driven by the task that waits for its response.
//!
//! Nothing runs beside the attempt: an idle connection costs a socket, and an attempt that is dropped closes its own.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use fanfare_webhook::outcome::Failure;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::client::sockets::Socket;

/// Maximum bytes of a response head: a response to a webhook needs a hundredth of it.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Maximum headers of a response.
const HEADERS_MAX: usize = 128;
/// Maximum time that a connection may be idle: less than the five seconds after which common servers close, so that a
/// request rarely meets a connection that is being closed.
const IDLE_MAX: Duration = Duration::from_secs(4);
/// Maximum age of a connection, so that a change of the receiver's address takes effect.
const AGE_MAX: Duration = Duration::from_secs(5 * 60);

/// The stream that carries a request and its response.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// An open connection.
pub struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// The HTTP connection; `None` once it has ended.
    driver: Option<Pin<Box<Driver>>>,
    opened: Instant,
    used: Instant,
    socket: Socket,
    /// Whether it leads to a public address.
    is_public: bool,
}

/// The reason why there is no response.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// No byte of the request was sent; the request is returned.
    Unsent(Box<Request<Full<Bytes>>>),
    /// The request may have been sent.
    Failed(Failure),
}

/// The part of a response body that was read.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The start of the body.
    pub(super) beginning: Vec<u8>,
    /// The number of bytes that were read.
    pub(super) len: usize,
    /// Whether the whole body was read, so that the connection can be used again.
    pub(super) is_whole: bool,
}

impl Connection {
    /// Starts HTTP/1.1 over `stream`.
    pub(super) async fn start(
        stream: Stream,
        socket: Socket,
        is_public: bool,
    ) -> Result<Connection, Failure> {
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failure(&error))?;
        let now = Instant::now();
        Ok(Connection { sender, driver: Some(Box::pin(driver)), opened: now, used: now, socket, is_public })
    }

    /// Closes the connection and returns its permit.
    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }

    /// Returns `true` if the connection leads to a public address.
    pub(super) fn is_public(&self) -> bool {
        self.is_public
    }

    /// Returns `true` if the connection may be kept while idle: enough permits are left for others.
    pub fn may_be_idle(&self) -> bool {
        self.socket.are_others_left()
    }

    /// Returns the time until which the connection may be idle; then it is closed.
    pub fn idle_until(&self) -> Instant {
        self.used + IDLE_MAX
    }

    /// Returns `true` if another request can be sent over the connection: it is young enough, and the receiver has not
    /// closed it.
    pub(super) async fn is_usable(&mut self) -> bool {
        if self.used.elapsed() >= IDLE_MAX || self.opened.elapsed() >= AGE_MAX {
            return false;
        }
        // Polls the socket once, without waiting.
        let driver = &mut self.driver;
        poll_fn(|context| {
            if driver.as_mut().is_none_or(|driver| driver.as_mut().poll(context).is_ready()) {
                *driver = None;
            }
            Poll::Ready(())
        })
        .await;
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Sends a request and returns the head of its response.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let answer = self.sender.try_send_request(request);
        drive(&mut self.driver, answer).await.map_err(|mut error| match error.take_message() {
            Some(request) => Unanswered::Unsent(Box::new(request)),
            None => Unanswered::Failed(failure(error.error())),
        })
    }

    /// Reads the body of a response up to about `most` bytes, and keeps its first `keep` bytes.
    pub(super) async fn read(
        &mut self,
        mut body: Incoming,
        keep: usize,
        most: usize,
        read: &mut Read,
    ) -> Result<(), Failure> {
        while read.len <= most {
            let Some(frame) = drive(&mut self.driver, body.frame()).await else {
                read.is_whole = true;
                break;
            };
            let Ok(data) = frame.map_err(|error| failure(&error))?.into_data() else { continue };
            let room = keep.saturating_sub(read.beginning.len()).min(data.len());
            read.beginning.extend_from_slice(&data[..room]);
            read.len += data.len();
        }
        self.used = Instant::now();
        Ok(())
    }
}

/// Waits for `work` while moving bytes over the connection.
async fn drive<T>(driver: &mut Option<Pin<Box<Driver>>>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(done);
        }
        if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready()) {
            // `work` reports why the driver ended.
            *driver = None;
        }
        // The bytes that just arrived are ready now: no other task has to wake this one.
        work.as_mut().poll(context)
    })
    .await
}

/// Returns the kind of a failure; the text of the error only goes to the operator's log.
fn failure(error: &hyper::Error) -> Failure {
    tracing::debug!(%error, "a connection to a webhook receiver failed");
    if error.is_parse() || error.is_parse_too_large() || error.is_parse_status() {
        Failure::Protocol
    } else {
        Failure::BrokenOff
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("opened", &self.opened).finish_non_exhaustive()
    }
}
