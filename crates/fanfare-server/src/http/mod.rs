//! The HTTP door: the route table and nothing else.

mod accept;
pub mod clients;
pub mod etag;
pub mod event_stats;
pub mod export;
pub mod foreign;
pub mod history;
pub mod ingest;
mod labels;
pub mod log_level;
mod lost;
pub mod openapi;
pub mod original;
pub mod overview;
pub mod page;
mod path;
pub mod purging;
pub mod push;
pub mod query;
pub mod readers;
mod selection;
mod sent;
pub mod sources;
pub mod stream;
mod waiting;
pub mod webhooks;
pub mod websocket;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use fanfare_core::{Code, Endpoint};
use fanfare_webhook::ingest::Secrets;
use http::header::CONNECTION;
use http::{HeaderValue, Method, StatusCode, Version};
use tokio::sync::watch;
use tower::Layer;
use tower_http::normalize_path::NormalizePathLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::dashboard::{self, Assistant, Dashboard};
use crate::http::export::Exports;
use crate::http::foreign::ForeignNames;
use crate::http::sources::arrivals::Arrivals;
use crate::net::base_path::{self, BasePath, BasePaths};
use crate::net::counts::{Counts, RequestLabels};
use crate::net::guard::{self, Guard};
use crate::net::heartbeat::Beats;
use crate::net::origin::Cors;
use crate::net::{encoding, pace, streams, unread};
use crate::problem::Problem;
use fanfare_delivery::service::Webhooks;
use fanfare_hub::Hub;
use fanfare_runtime::budget::Budget;
use fanfare_runtime::log_level::LogLevel;
use fanfare_runtime::parts::Board;
use fanfare_runtime::shutdown::Shutdown;
use fanfare_runtime::telemetry::Metrics;

/// The settings that an operator can change.
#[derive(Debug, Clone)]
pub struct Config {
    /// Origins of pages that can use the gateway besides its own pages and those on loopback; default none.
    pub cors: Cors,
    /// Host names that the gateway accepts besides `localhost` and IP addresses; default none.
    pub allowed_hosts: Vec<String>,
    /// The secrets that senders sign with; default none, and then kinds that require a signature are refused.
    pub ingest: Secrets,
    /// Maximum connections; default 65,536, or what the process can open.
    pub max_connections: usize,
    /// Maximum connections from one address that is not loopback; default 1,024.
    pub max_connections_per_address: usize,
    /// Time after which a subscriber that stops reading is disconnected; default 60 s.
    pub stall_timeout: Duration,
    /// Time that the body of a request may take before its rate counts; default 10 s.
    pub body_patience: Duration,
    /// Whether each request has a line in the log; default no.
    pub access_log: bool,
    /// The level of the server log; `None` (the default) if the program that embeds the gateway does its own
    /// logging.
    pub log_level: Option<LogLevel>,
    /// The path under which proxies serve the gateway; default none.
    pub base_paths: BasePaths,
    /// Interval of comments on a silent stream and of pings on a WebSocket; default 30 s.
    pub keepalive: Duration,
    /// The assistants that `fanfare install` knows, for the dashboard; default none.
    pub assistants: Vec<Assistant>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            cors: Cors::default(),
            allowed_hosts: Vec::new(),
            ingest: Secrets::default(),
            max_connections: 65_536,
            max_connections_per_address: 1_024,
            stall_timeout: Duration::from_secs(60),
            body_patience: Duration::from_secs(10),
            access_log: false,
            log_level: None,
            base_paths: BasePaths::default(),
            keepalive: Duration::from_secs(30),
            assistants: Vec::new(),
        }
    }
}

/// State shared by all routes; cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// The hub.
    pub hub: Hub,
    /// The webhooks.
    pub webhooks: Webhooks,
    /// The configuration.
    pub config: Arc<Config>,
    /// The addresses that the gateway listens on; at least one.
    pub listeners: watch::Receiver<Vec<Endpoint>>,
    /// The budget for bytes in flight.
    pub budget: Budget,
    /// The limit on exports of the history.
    pub exports: Exports,
    /// The record of query parameters that no route reads.
    pub foreign: ForeignNames,
    /// What arrived at each source.
    pub arrivals: Arrivals,
    /// The beats at the interval of keepalives.
    pub beats: Beats,
    /// The counters of the network.
    pub counts: Counts,
    /// The metrics.
    pub metrics: Metrics,
    /// The health of every part of the gateway.
    pub board: Board,
    /// Turns true when the gateway is going to stop.
    pub leaving: Shutdown,
}

/// Returns every route. Those of other doors are passed in as a router, so that all are guarded and counted alike. The
/// method and path of each stand at its handler, where the interface description reads them too.
pub fn routes(gateway: Gateway, other_doors: Router) -> Router {
    let guard = Guard::new(&gateway.config.cors, &gateway.config.allowed_hosts, &dashboard::SCREENS);
    let (counts, budget, hub) = (gateway.counts.clone(), gateway.budget.clone(), gateway.hub.clone());
    let (refusals, decoding) = (counts.clone(), budget.clone());
    let patience = gateway.config.body_patience;
    let base_paths = Arc::new(gateway.config.base_paths.clone());
    let dashboard = Dashboard::new(&gateway.config.assistants);
    let api: Router<Gateway> = interface().into();
    let document = document();
    let routes = api
        .route(
            "/openapi.json",
            get(move |request: Request| {
                std::future::ready(document.answer(&BasePath::of(request.extensions())))
            }),
        )
        .merge(dashboard.routes())
        .with_state(gateway)
        // Other doors count their answers themselves, because their refusals have another form.
        .route_layer(middleware::from_fn(move |request: Request, next: Next| {
            unread::count(budget.clone(), request, next)
        }))
        .merge(other_doors)
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(middleware::from_fn(move |caller, request: Request, next: Next| {
            encoding::decode(decoding.clone(), caller, request, next)
        }))
        .route_layer(middleware::from_fn(move |request: Request, next: Next| {
            next.run(pace::keep(request, patience))
        }))
        .route_layer(middleware::from_fn(move |request: Request, next: Next| {
            streams::admit(refusals.clone(), request, next)
        }))
        .route_layer(middleware::from_fn(move |request: Request, next: Next| {
            count(counts.clone(), hub.clone(), request, next)
        }))
        .fallback(move |request| std::future::ready(not_found(&dashboard, &request)))
        .layer(middleware::from_fn_with_state(Arc::new(guard), guard::check));
    // Frameworks and people end a path with a slash. On no route does it change the meaning.
    let routes = NormalizePathLayer::trim_trailing_slash().layer(routes);
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn(guard::name_methods))
        .layer(middleware::from_fn_with_state(base_paths, base_path::take))
}

/// Returns the document of the interface.
pub fn document() -> openapi::Document {
    openapi::Document::new(interface().into_openapi())
}

/// Returns the record of foreign query parameters, which is empty at the start.
pub fn foreign_names() -> ForeignNames {
    ForeignNames::new(openapi::query_names(interface().into_openapi()))
}

/// The routes that programs use, with their description.
fn interface() -> OpenApiRouter<Gateway> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(push::push))
        .routes(routes!(push::push_to, push::put_to))
        .routes(routes!(ingest::receive, ingest::look))
        .routes(routes!(stream::listen))
        .routes(routes!(websocket::connect))
        .routes(routes!(history::list))
        .routes(routes!(history::show))
        .routes(routes!(history::receipts))
        .routes(routes!(event_stats::show))
        .routes(routes!(original::show))
        .routes(routes!(purging::redact_event))
        .routes(routes!(readers::list))
        .routes(routes!(readers::set))
        .routes(routes!(readers::remove))
        .routes(routes!(readers::acknowledge))
        .routes(routes!(sources::list))
        .routes(routes!(sources::show, sources::put, sources::remove))
        .routes(routes!(webhooks::register))
        .routes(routes!(webhooks::unregister))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::creating::create))
        .routes(routes!(webhooks::details::show))
        .routes(routes!(webhooks::stats::show))
        .routes(routes!(webhooks::changing::change))
        .routes(routes!(webhooks::changing::remove))
        .routes(routes!(webhooks::changing::pause))
        .routes(routes!(webhooks::changing::resume))
        .routes(routes!(webhooks::changing::rotate))
        .routes(routes!(webhooks::previewing::preview_of))
        .routes(routes!(webhooks::previewing::preview))
        .routes(routes!(webhooks::trying::try_out))
        .routes(routes!(webhooks::trying::test))
        .routes(routes!(webhooks::trying::resend))
        .routes(routes!(webhooks::attempts::list))
        .routes(routes!(webhooks::attempts::list_all))
        .routes(routes!(webhooks::attempts::show))
        .routes(routes!(webhooks::deliveries::list))
        .routes(routes!(webhooks::deliveries::list_all))
        .routes(routes!(webhooks::deliveries::show))
        .routes(routes!(webhooks::deliveries::discard))
        .routes(routes!(webhooks::replaying::replay))
        .routes(routes!(overview::channels))
        .routes(routes!(purging::purge_channel))
        .routes(routes!(clients::list))
        .routes(routes!(clients::disconnect))
        .routes(routes!(overview::status))
        .routes(routes!(overview::health))
        .routes(routes!(overview::ready))
        .routes(routes!(overview::metrics))
        .routes(routes!(log_level::show))
        .routes(routes!(log_level::set))
}

/// Answers a path that no route has: with a page for people who followed a link or typed an address, with a problem for
/// programs.
fn not_found(dashboard: &Dashboard, request: &Request) -> Response {
    let path = request.uri().path();
    let is_for_people = request.method() == Method::GET
        && accept::names(request.headers(), "text/html")
        && !lost::is_for_programs(path);
    if is_for_people {
        return dashboard.lost(request);
    }
    Problem::not_found(format_args!("route `{path}`"), lost::no_route(request.method(), path)).into_response()
}

/// Answers for a method that the route does not have; the router adds `Allow`. `OPTIONS` asks for just that.
async fn method_not_allowed(request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return ingest::permission(&request).unwrap_or_else(|| StatusCode::NO_CONTENT.into_response());
    }
    Problem::new(
        Code::MethodNotAllowed,
        format!("`{}` does not support {}", request.uri().path(), request.method()),
        lost::no_method(request.method(), request.uri().path()),
    )
    .into_response()
}

/// The routes that append events, and do nothing else.
const PUSH_ROUTES: [&str; 3] = ["/api/push", "/api/push/{channel}", "/ingest/{kind}"];

/// Counts requests by route and status, and logs a connection that ends with the response.
async fn count(counts: Counts, hub: Hub, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let version = request.version();
    let mut response = next.run(request).await;
    // The rest of the body is not read: a client that knows this sends nothing else over the connection.
    let is_cut_off = matches!(response.status(), StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT);
    if is_cut_off && version <= Version::HTTP_11 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(route) = route {
        if let Some(code) = response.extensions().get::<Code>().filter(|_| PUSH_ROUTES.contains(&&*route)) {
            hub.count_refused_push(*code);
        }
        let labels = RequestLabels { route, status: response.status().as_u16() };
        counts.requests.get_or_create(&labels).inc();
    }
    response
}
