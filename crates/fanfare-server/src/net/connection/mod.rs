//! One connection: HTTP until a route takes it over.

mod http2;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use fanfare_core::Peer;
use fanfare_core::wire::sse;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Request, StatusCode, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tower::ServiceExt;

use crate::net::access::{self, Record};
use crate::net::connections::Permit;
use crate::net::counts::Counts;
use crate::net::exchange::{Exchange, Handover, Wire};
use crate::net::heartbeat::Beats;
use crate::net::limits::{HEADER_LEN_MAX, HEADER_TIMEOUT};
use crate::net::reactor::Adopted;
use crate::net::reactor::reactors::Reactors;
use crate::net::socket::Socket;
use crate::net::stopping::{CONVERSATION_MAX, HEAD_MAX, STALL_MAX, UntilStop};
use crate::net::streams::{self, StreamPermit, Streams};
use crate::net::takeover::{self, Conversation, Follows, Outlet, RawConnection, Takeover};
use crate::net::tunnel::Tunnel;
use fanfare_runtime::shutdown::Shutdown;
use fanfare_runtime::turns::Turns;

/// The state that connections share.
#[derive(Debug)]
pub struct Shared {
    /// The routes.
    pub router: Router,
    /// The reactors, which serve event streams.
    pub reactors: Arc<Reactors>,
    /// The heartbeat of WebSockets and HTTP/2 streams.
    pub beats: Beats,
    /// Maximum time that a subscriber can stop reading.
    pub stall_timeout: Duration,
    /// The turns of connections and requests.
    pub turns: Turns,
    /// The counters of the network.
    pub counts: Counts,
    /// Whether each request has a line in the log.
    pub logs_access: bool,
    /// Turns true when clients should go to another gateway: from then on, each connection closes after its
    /// response.
    pub leaving: Shutdown,
    /// Turns true when connections should end.
    pub stop: Shutdown,
}

/// Serves a connection until it ends or is taken over; a WebSocket is served to its end.
pub async fn serve(stream: Socket, peer: Peer, permit: Permit, shared: Arc<Shared>) {
    let mut stop = shared.stop.clone();
    let version = tokio::select! {
        version = tokio::time::timeout(HEADER_TIMEOUT, version_of(&stream)) => version,
        // Browsers open connections for requests that may never come.
        () = stop_and(&mut stop, HEAD_MAX) => return,
        () = permit.asked_to_leave() => return,
    };
    let streams = Streams::new(permit);
    match version {
        Ok(Ok(Version::HTTP_2)) => http2::serve(stream, peer, streams, shared).await,
        Ok(Ok(_)) => serve_http1(stream, peer, streams, shared).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "the connection broke before a request"),
        Err(_) => tracing::debug!(%peer, "a connection sent no request before the timeout"),
    }
}

/// Returns whether a connection starts with the preface of HTTP/2 (RFC 9113, section 3.4), whose first three bytes
/// start no request of HTTP/1.1.
async fn version_of(stream: &Socket) -> io::Result<Version> {
    /// The rest is on its way, unless the client wants to keep the gateway busy.
    const PAUSE: Duration = Duration::from_millis(5);
    let mut first = [0; 3];
    loop {
        match stream.peek(&mut first).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            3 => return Ok(if &first == b"PRI" { Version::HTTP_2 } else { Version::HTTP_11 }),
            len if !b"PRI".starts_with(&first[..len]) => return Ok(Version::HTTP_11),
            // The first bytes have arrived already, so readiness carries no news.
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn serve_http1(stream: Socket, peer: Peer, streams: Streams, shared: Arc<Shared>) {
    let exchange = Arc::new(Exchange::of(stream));
    let service = {
        let (exchange, shared, streams) = (Arc::clone(&exchange), Arc::clone(&shared), streams.clone());
        service_fn(
            move |mut request: Request<Incoming>| -> BoxFuture<'static, Result<Response, Infallible>> {
                let (exchange, shared) = (Arc::clone(&exchange), Arc::clone(&shared));
                request.extensions_mut().insert(streams.clone());
                Box::pin(async move {
                    exchange.begun.store(true, Ordering::Relaxed);
                    let is_head = request.method() == Method::HEAD;
                    let body = if request.version() == Version::HTTP_10 {
                        Follows::UntilClose
                    } else {
                        Follows::Chunks
                    };
                    let (mut response, record) = answer(&shared, request, peer).await;
                    if shared.leaving.is_asked() || shared.stop.is_asked() {
                        // A proxy keeps its connections open; this makes it open another one for its next request.
                        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    }
                    if is_head {
                        response = without_body(response);
                    }
                    let outlet = Takeover::of(&mut response);
                    let Some((outlet, permit)) = outlet.zip(StreamPermit::of(&mut response)) else {
                        return Ok(access::hold(streams::hold(response), record));
                    };
                    let follows = if matches!(outlet, Outlet::Stream(_)) { body } else { Follows::Protocol };
                    let head = takeover::write_head(&response, follows);
                    *exchange.handover() = Some(Handover { head, follows, outlet, permit, record });
                    // The connection is released while this waits.
                    std::future::pending().await
                })
            },
        )
    };
    let mut builder = http1::Builder::new();
    // Some clients close their side once they have sent a request, and wait for the answer.
    builder.half_close(true);
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEADER_LEN_MAX);
    let mut connection = builder.serve_connection(Wire(Arc::clone(&exchange)), service);
    let client_left = exchange.client_left(&streams);
    tokio::pin!(client_left);
    let mut stop = shared.stop.clone();
    // The bytes that were written when it was asked to end: at the stop, and to make room.
    let (mut written, mut written_before) = (None, None);
    let taken = loop {
        let step = tokio::select! {
            biased;
            ended = std::future::poll_fn(|cx| match connection.poll_without_shutdown(cx) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending if exchange.handover().is_some() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }) => ended,
            () = &mut client_left => break None,
            () = streams.asked_to_leave() => {
                if !exchange.begun.load(Ordering::Relaxed) {
                    return;
                }
                written_before.get_or_insert_with(|| exchange.written.load(Ordering::Relaxed));
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                continue;
            }
            // Another connection has the place of this one: a request that has begun is answered, and nothing else is
            // waited for. After the stop, the time of a response that is not read counts alone.
            () = tokio::time::sleep(HEAD_MAX), if written_before.is_some() && written.is_none() => {
                if streams.is_idle() {
                    return;
                }
                continue;
            }
            () = stop.asked_for(HEAD_MAX), if written.is_none() => {
                if !exchange.begun.load(Ordering::Relaxed) {
                    return;
                }
                written = Some(exchange.written.load(Ordering::Relaxed));
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                continue;
            }
            () = tokio::time::sleep(STALL_MAX), if written.is_some() => {
                let by_now = exchange.written.load(Ordering::Relaxed);
                if written.replace(by_now) == Some(by_now) && exchange.is_blocked() {
                    tracing::debug!(%peer, "a response was cut off, because its client does not read it");
                    return;
                }
                continue;
            }
        };
        match step {
            Some(Ok(())) => break None,
            Some(Err(error)) => {
                tracing::debug!(%peer, %error, "the connection ended");
                break None;
            }
            None => break exchange.handover().take(),
        }
    };
    let parts = connection.into_parts();
    let stream = exchange.take_socket();
    match taken {
        // The rest of an earlier response in the buffer would be lost: a client that pipelines a stream behind a large
        // download is disconnected.
        Some(_) if exchange.is_blocked() => tracing::debug!(%peer, "a pipelined stream was refused"),
        Some(taken) => hand_over(taken, stream, parts.read_buf, &shared).await,
        // It is closed at once: the connection that takes its place needs the descriptor. A client that has just been
        // answered must be able to read the answer.
        None if written_before == Some(exchange.written.load(Ordering::Relaxed)) => {}
        None => close(stream, shared.stop.clone()).await,
    }
}

/// Closes our side first and keeps reading for a moment, a shorter one after `stop`: bytes that the client still sends
/// would otherwise make the kernel drop the response. Most clients read a response only after they have sent the whole
/// body.
pub async fn close(mut stream: Socket, mut stop: Shutdown) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// Silence after which a client is assumed to have sent everything.
    const SILENCE: Duration = Duration::from_millis(500);
    /// A client that never stops sending is disconnected.
    const LINGER: Duration = Duration::from_secs(5);
    if stream.shutdown().await.is_err() {
        return;
    }
    let discard = async {
        let mut discarded = vec![0; 64 * 1024];
        while matches!(tokio::time::timeout(SILENCE, stream.read(&mut discarded)).await, Ok(Ok(1..))) {}
    };
    // In all cases there is nothing left to send.
    tokio::select! {
        _ = tokio::time::timeout(LINGER, discard) => {}
        () = stop_and(&mut stop, HEAD_MAX) => {}
    }
}

/// Waits until it is time to stop, and for `time` from then on. What begins after the stop has that time as well: a
/// connection from the queue of the socket, and a response that is sent late.
async fn stop_and(stop: &mut Shutdown, time: Duration) {
    stop.asked().await;
    tokio::time::sleep(time).await;
}

async fn hand_over(taken: Handover, mut stream: Socket, read: Bytes, shared: &Shared) {
    match taken.outlet {
        Outlet::Stream(outlet) => {
            let (mut head, mut record) = (taken.head, taken.record);
            if let Some(record) = &mut record {
                record.leave_out_head(head.len());
            }
            let format = sse::Format { chunked: taken.follows == Follows::Chunks, ..outlet.format };
            outlet.begin(format, &mut head);
            if let Err(error) = stream.limit_unsent() {
                tracing::debug!(%error, "could not set TCP_NOTSENT_LOWAT for a subscriber");
            }
            match stream.into_descriptor() {
                Ok(socket) => shared.reactors.adopt(Adopted {
                    socket,
                    head: head.into(),
                    subscription: outlet.subscription,
                    format,
                    keepalive: outlet.keepalive,
                    permit: taken.permit,
                    record,
                }),
                Err(error) => tracing::debug!(%error, "the socket could not be handed over"),
            }
        }
        Outlet::Protocol(converse) => {
            use tokio::io::AsyncWriteExt;
            if stream.write_all(&taken.head).await.is_ok() {
                let tunnel = Tunnel::Socket(stream);
                hold_conversation(converse, tunnel, read.to_vec(), taken.record, &shared.stop).await;
            }
        }
    }
}

/// Serves a conversation to its end.
async fn hold_conversation(
    converse: Conversation,
    tunnel: Tunnel,
    read: Vec<u8>,
    record: Option<Record>,
    stop: &Shutdown,
) {
    let sent = record.as_ref().map(Record::sent).unwrap_or_default();
    let mut over = stop.clone();
    tokio::select! {
        () = converse(RawConnection { tunnel, read, stop: stop.clone(), sent }) => {}
        () = over.asked_for(CONVERSATION_MAX) => {
            tracing::debug!("a conversation was cut off, because its client does not read it");
        }
    }
}

/// Returns the answer to `HEAD`, which has the headers of the answer to `GET` (RFC 9110, section 9.3.2). A stream has no
/// length, and hyper would add `Content-Length: 0` for an empty body.
fn without_body(mut response: Response) -> Response {
    if Takeover::of(&mut response).is_some() {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if response.headers().contains_key(header::CONTENT_LENGTH) || response.status() != StatusCode::OK {
        return response;
    }
    response.map(|_| Body::from_stream(futures_util::stream::empty::<Result<Bytes, Infallible>>()))
}

/// Returns the answer to a request, and the record of both if requests are logged.
async fn answer(shared: &Shared, mut request: Request<Incoming>, peer: Peer) -> (Response, Option<Record>) {
    let mut record = shared.logs_access.then(|| Record::begin(&mut request, peer));
    request.extensions_mut().insert(peer);
    let request = request.map(|body| match body.is_end_stream() {
        true => Body::empty(),
        false => Body::new(UntilStop::new(body, shared.stop.clone())),
    });
    let response = match shared.router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if let Some(record) = &mut record {
        record.note(&response);
    }
    (response, record)
}
