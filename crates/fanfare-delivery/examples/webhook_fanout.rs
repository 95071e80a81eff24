//! The yardstick for deliveries to webhooks: a fan-out in memory over the same HTTP client.
//!
//! Accepts `POST /api/register` and `POST /api/push` as the gateway does, and posts the same bodies with the same
//! number of concurrent requests. It has no log, signature, retry or record, and loses what it has not sent.
//! `fanfare-bench compare webhooks` starts it: `cargo run --profile dist -p fanfare-delivery --example webhook_fanout
//! [PORT]`.

#![expect(clippy::disallowed_methods, reason = "a measurement is its own application, and spawns")]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use bytes::Bytes;
use fanfare_core::WebhookId;
use fanfare_core::wire::payload::Payload;
use fanfare_core::{Door, Epoch, NewEvent, Position, Principal, Source};
use fanfare_delivery::client::connection::Connection;
use fanfare_delivery::client::dial::Dialer;
use fanfare_delivery::client::resolve::Resolver;
use fanfare_delivery::client::sockets::{SOCKETS_MAX, Sockets};
use fanfare_delivery::client::{self, ATTEMPT_MAX, Exchange};
use fanfare_delivery::rules::Rules;
use fanfare_delivery::target::Target;
use fanfare_delivery::webhook::{Keys, Webhook};
use fanfare_runtime::clock;
use fanfare_webhook::limits::CONCURRENCY_DEFAULT;
use fanfare_webhook::options::Options;
use fanfare_webhook::policy::{Mode, Policy};
use fanfare_webhook::url::WebhookUrl;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, watch};

/// The allocator that the gateway uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Maximum deliveries that wait for one receiver; beyond it, pushers wait.
const WAITING_MAX: usize = 1_024;

struct Fanout {
    dialer: Arc<Dialer>,
    seq: AtomicU64,
    receivers: Mutex<Vec<mpsc::Sender<Bytes>>>,
}

#[derive(Deserialize)]
struct Registration {
    webhook_url: String,
}

#[derive(Deserialize)]
struct Push {
    message: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse()).context("no port")?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    // No listener exists that a webhook could lead back to.
    let (_listeners, none) = watch::channel(Vec::new());
    let dialer = Arc::new(Dialer::new(
        Rules::new(Policy::default(), none),
        Resolver::default(),
        ATTEMPT_MAX,
        Sockets::new(SOCKETS_MAX, SOCKETS_MAX),
    ));
    let fanout = Fanout { dialer, seq: AtomicU64::new(0), receivers: Mutex::default() };
    writeln!(std::io::stderr(), "listening on http://{}", listener.local_addr()?)?;
    let routes = axum::Router::new().route("/api/register", post(register)).route("/api/push", post(push));
    let routes = TowerToHyperService::new(routes.with_state(Arc::new(fanout)));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), routes.clone()));
    }
}

async fn register(
    State(fanout): State<Arc<Fanout>>,
    Json(registration): Json<Registration>,
) -> Result<Json<Value>, StatusCode> {
    let url: WebhookUrl = registration.webhook_url.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    let webhook = Webhook {
        mode: Mode::Local,
        name: None,
        owner: Principal::local().owner(),
        id: WebhookId::from_random(rand::random()),
        url,
        options: Options::default(),
        keys: Keys::new(None),
        created: clock::now(),
        begins_after: Position { epoch: Epoch::from_random(0), seq: 0 },
        revision: 0,
    };
    let (sender, bodies) = mpsc::channel(WAITING_MAX);
    tokio::spawn(deliver(Arc::clone(&fanout.dialer), Target::new(&webhook, ""), bodies));
    let mut receivers = fanout.receivers.lock().await;
    receivers.push(sender);
    Ok(Json(json!({ "status": "success", "total_webhooks": receivers.len() })))
}

async fn push(State(fanout): State<Arc<Fanout>>, Json(push): Json<Push>) -> Result<Json<Value>, StatusCode> {
    let source = Source { principal: Principal::local().name().clone(), door: Door::Http, agent: None };
    let event = NewEvent::new(push.message, source).map_err(|_| StatusCode::BAD_REQUEST)?;
    let seq = fanout.seq.fetch_add(1, Ordering::Relaxed) + 1;
    let position = Position { epoch: Epoch::from_random(7), seq };
    let body = Bytes::from(Payload::Seed.body(&event.into_event(position, clock::now())));
    let receivers = fanout.receivers.lock().await.clone();
    for receiver in &receivers {
        // A worker only ends with the program.
        let _ = receiver.send(body.clone()).await;
    }
    Ok(Json(json!({ "status": "success", "id": position, "total_webhooks": receivers.len() })))
}

/// Posts to one receiver.
async fn deliver(dialer: Arc<Dialer>, target: Target, mut bodies: mpsc::Receiver<Bytes>) {
    let (dialer, target) = (&*dialer, &target);
    let mut flights = FuturesUnordered::new();
    let mut idle: Vec<Connection> = Vec::new();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Payload::Seed.content_type(false)));
    headers.insert(USER_AGENT, HeaderValue::from_static("fanout"));
    if let Ok(host) = HeaderValue::from_str(target.url.authority()) {
        headers.insert(HOST, host);
    }
    loop {
        tokio::select! {
            Some(Exchange { connection, .. }) = flights.next(), if !flights.is_empty() => idle.extend(connection),
            body = bodies.recv(), if flights.len() < CONCURRENCY_DEFAULT as usize => {
                let Some(body) = body else { return };
                flights.push(client::post(dialer, target, target.request(&target.uri, headers.clone(), body), idle.pop(), clock::now()));
            }
        }
    }
}
