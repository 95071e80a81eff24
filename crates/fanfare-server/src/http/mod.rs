//! The HTTP door: the route table, nothing else.

pub mod etag;
pub mod history;
pub mod ingest;
pub mod openapi;
pub mod overview;
pub mod push;
pub mod query;
pub mod readers;
pub mod stream;
pub mod via;
pub mod webhooks;
pub mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use fanfare_core::Code;
use fanfare_webhook::ingest::Secrets;
use http::header::CONNECTION;
use http::{HeaderValue, StatusCode, Version};
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::dashboard;
use crate::net::counts::{Counts, RequestLabels};
use crate::net::guard::{self, Cors, Guard};
use crate::problem::Problem;
use fanfare_delivery::service::Webhooks;
use fanfare_hub::Hub;
use fanfare_runtime::budget::Budget;
use fanfare_runtime::parts::Board;
use fanfare_runtime::telemetry::Metrics;

/// What an operator may change.
#[derive(Debug, Clone)]
pub struct Config {
    /// Pages that may use the gateway besides its own and those on loopback; default none.
    pub cors: Cors,
    /// Host names that the gateway answers for besides `localhost` and addresses; default none.
    pub allowed_hosts: Vec<String>,
    /// What is sent in is signed with; default none, and then nothing that has to be signed is taken.
    pub ingest: Secrets,
    /// Most connections; default 65,536, or what the process may open.
    pub max_connections: usize,
    /// Most connections from one address that is not loopback; default 1,024.
    pub max_connections_per_address: usize,
    /// How long a reader's socket may take nothing before it is closed; default 60 s.
    pub stall_timeout: Duration,
    /// How often a silent stream gets a comment, and a WebSocket a ping; default 30 s.
    pub keepalive: Duration,
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
            keepalive: Duration::from_secs(30),
        }
    }
}

/// What routes work with; cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// The hub.
    pub hub: Hub,
    /// The webhooks.
    pub webhooks: Webhooks,
    /// The configuration.
    pub config: Arc<Config>,
    /// The addresses that the gateway listens on; at least one.
    pub listeners: watch::Receiver<Vec<SocketAddr>>,
    /// Counts what is being accepted.
    pub budget: Budget,
    /// What is counted at the network.
    pub counts: Counts,
    /// Everything that is measured.
    pub metrics: Metrics,
    /// How every part of the gateway fares.
    pub board: Board,
}

/// Every route; those of other doors come in as a router, so that all are guarded and counted alike. Method and path of each stand at its handler, where the document of the interface takes them from,
/// too.
pub fn routes(gateway: Gateway, other_doors: Router) -> Router {
    let guard = Guard {
        cors: gateway.config.cors.clone(),
        allowed_hosts: gateway.config.allowed_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
    };
    let counts = gateway.counts.clone();
    let api: Router<Gateway> = interface().into();
    let document = document();
    api.route("/openapi.json", get(move || std::future::ready(document.answer())))
        .merge(dashboard::routes())
        .with_state(gateway)
        .merge(other_doors)
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(middleware::from_fn(move |request: Request, next: Next| {
            count(counts.clone(), request, next)
        }))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::new(guard), guard::check))
}

/// Returns the document of the interface.
pub fn document() -> openapi::Document {
    openapi::Document::new(interface().into_openapi())
}

/// The routes that programs use, with their description.
fn interface() -> OpenApiRouter<Gateway> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(push::push))
        .routes(routes!(push::push_to))
        .routes(routes!(ingest::receive))
        .routes(routes!(stream::listen))
        .routes(routes!(websocket::connect))
        .routes(routes!(history::list))
        .routes(routes!(history::show))
        .routes(routes!(history::receipts))
        .routes(routes!(readers::list))
        .routes(routes!(readers::remove))
        .routes(routes!(readers::acknowledge))
        .routes(routes!(webhooks::register))
        .routes(routes!(webhooks::unregister))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::details::show))
        .routes(routes!(webhooks::changing::change))
        .routes(routes!(webhooks::changing::remove))
        .routes(routes!(webhooks::changing::pause))
        .routes(routes!(webhooks::changing::resume))
        .routes(routes!(webhooks::changing::rotate))
        .routes(routes!(webhooks::trying::try_out))
        .routes(routes!(webhooks::trying::test))
        .routes(routes!(webhooks::trying::resend))
        .routes(routes!(webhooks::attempts::list))
        .routes(routes!(webhooks::attempts::show))
        .routes(routes!(webhooks::deliveries::list))
        .routes(routes!(webhooks::deliveries::show))
        .routes(routes!(webhooks::deliveries::discard))
        .routes(routes!(webhooks::replaying::replay))
        .routes(routes!(overview::channels))
        .routes(routes!(overview::clients))
        .routes(routes!(overview::status))
        .routes(routes!(overview::health))
        .routes(routes!(overview::ready))
        .routes(routes!(overview::metrics))
}

async fn not_found(request: Request) -> Problem {
    Problem::not_found(format_args!("route `{}`", request.uri().path()))
}

async fn method_not_allowed(request: Request) -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        format!("`{}` does not take {}", request.uri().path(), request.method()),
        "`GET /openapi.json` lists the routes with their methods",
    )
}

/// Counts requests by route and status; says so when the connection ends with the answer.
async fn count(counts: Counts, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let version = request.version();
    let mut response = next.run(request).await;
    // What is left of the body is not waited for: a client that knows sends nothing else over this connection.
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && version <= Version::HTTP_11 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(route) = route {
        let labels = RequestLabels { route, status: response.status().as_u16() };
        counts.requests.get_or_create(&labels).inc();
    }
    response
}
