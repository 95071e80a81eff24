//! A connection of HTTP/2, whose requests share it: no route takes it over.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use fanfare_core::caller::Place;
use fanfare_core::{Code, Peer};
use http::{Method, Request};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::{Shared, answer, hold_conversation, without_body};
use crate::net::access::{self, Record};
use crate::net::event_body;
use crate::net::extended_connect;
use crate::net::limits::{HEADER_LEN_MAX, HEADER_TIMEOUT, HTTP2_STREAMS_MAX};
use crate::net::request_tasks::RequestTasks;
use crate::net::socket::Socket;
use crate::net::stalls::Stalls;
use crate::net::stopping::{CONVERSATION_MAX, HEAD_MAX};
use crate::net::streams::{self, StreamPermit, Streams};
use crate::net::takeover::{Outlet, Takeover};
use crate::net::tunnel::Tunnel;
use crate::problem::Problem;

/// Serves a connection to its end.
pub(super) async fn serve(stream: Socket, peer: Peer, streams: Streams, shared: Arc<Shared>) {
    let keepalive = shared.beats.interval();
    // A subscriber that stops reading is noticed in time, even if keepalives are rare.
    let mut beats = shared.beats.every(keepalive.min(shared.stall_timeout));
    let stalls = Arc::new(Stalls::new(shared.stall_timeout));
    let watched = (Arc::clone(&stalls), Arc::clone(&shared));
    let waiting = Arc::new(());
    let held = Arc::clone(&waiting);
    let requests = streams.clone();
    let tasks = RequestTasks::new(shared.turns.clone(), Place::of(peer));
    let conversations = tasks.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (held, (stalls, shared)) = (Arc::clone(&held), watched.clone());
        let tasks = conversations.clone();
        request.extensions_mut().insert(requests.clone());
        let opening = extended_connect::of(&mut request);
        async move {
            let is_head = request.method() == Method::HEAD;
            let (mut response, record) = answer(&shared, request, peer).await;
            drop(held);
            if let Some(opening) = opening {
                return Ok(converse(opening, response, record, &shared, &tasks));
            }
            if is_head {
                response = without_body(response);
            }
            if let Some(Outlet::Stream(outlet)) = Takeover::of(&mut response) {
                stalls.watch(outlet.subscription.client());
                // The body's length is not that of the empty one that the route gave.
                response.headers_mut().remove(http::header::CONTENT_LENGTH);
                let beats = shared.beats.every(outlet.keepalive);
                *response.body_mut() = event_body::body(outlet, beats);
            }
            Ok::<_, Infallible>(access::hold(streams::hold(response), record))
        }
    });
    let mut builder = http2::Builder::new(tasks);
    builder
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(HEADER_LEN_MAX as u32)
        .keep_alive_interval(Some(keepalive))
        .keep_alive_timeout(HEADER_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let (mut stop, mut over) = (shared.stop.clone(), shared.stop.clone());
    let (mut stopping, mut is_late) = (false, false);
    let (mut has_to_leave, mut may_leave) = (false, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "the connection ended");
                }
                return;
            }
            () = stalls.found(&mut beats) => {
                shared.counts.stalled.inc();
                tracing::debug!(%peer, "a subscriber stopped reading for too long");
                return;
            }
            () = stop.asked(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = streams.asked_to_leave() => {
                connection.as_mut().graceful_shutdown();
                has_to_leave = true;
            }
            () = over.asked_for(CONVERSATION_MAX), if stopping && !is_late => is_late = true,
            () = tokio::time::sleep(HEAD_MAX), if has_to_leave => may_leave = true,
            () = tokio::time::sleep(HEAD_MAX), if is_late => {}
        }
        // One is held by the service, one by this function.
        let waits_for_an_answer = Arc::strong_count(&waiting) > 2;
        // A client that does not answer the goodbye, or answers nothing, such as the question whether it has read it.
        if !waits_for_an_answer && (is_late || may_leave && streams.is_idle()) {
            return;
        }
    }
}

/// Has the conversation of a WebSocket served on its stream, and returns the answer that opens the stream. It is served as
/// a task of the connection, and ends with it.
fn converse(
    opening: OnUpgrade,
    mut response: Response,
    record: Option<Record>,
    shared: &Arc<Shared>,
    tasks: &RequestTasks,
) -> Response {
    let Some(Outlet::Protocol(converse)) = Takeover::of(&mut response) else {
        if response.status().is_success() {
            let fix = "connect to `/ws` or `/mcp`";
            response = Problem::new(Code::InvalidQuery, "this is not the address of a WebSocket", fix)
                .into_response();
        }
        return access::hold(streams::hold(response), record);
    };
    let (permit, stop) = (StreamPermit::of(&mut response), shared.stop.clone());
    tasks.execute(async move {
        let _permit = permit;
        if let Ok(stream) = opening.await {
            let tunnel = Tunnel::Stream(TokioIo::new(stream));
            hold_conversation(converse, tunnel, Vec::new(), record, &stop).await;
        }
    });
    response
}
