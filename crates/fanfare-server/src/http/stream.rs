//! `GET /stream`: server-sent events.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::query;
use fanfare_core::wire::sse;
use fanfare_core::{Code, Invalid, Peer, Principal, Start};
use http::{HeaderValue, header};

use crate::http::Gateway;
use crate::http::query::Params;
use crate::net::takeover::{Outlet, Stream, Takeover};
use crate::problem::Problem;
use fanfare_hub::client::{NewClient, Transport};
use fanfare_hub::subscribe;

/// Streams server-sent events, from now on or from a position.
#[utoipa::path(
    get,
    path = "/stream",
    operation_id = "listen",
    tag = "listen",
    params(
        query::Filter,
        query::Listen,
        query::Reconnect,
    ),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
    ),
)]
pub async fn listen(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Problem> {
    let mut params = Params::of(request.uri());
    let filter = params.filter_if_given()?;
    let json = params.read("format", |value| choice("format", value, ["text", "json"]))? == Some(1);
    let named = params.read("events", |value| choice("events", value, ["plain", "named"]))? == Some(1);
    let since = params.read("since", Start::since)?;
    let after = params.one("last_event_id")?.filter(|position| !position.is_empty());
    let reader = params.read("reader", str::parse)?;
    let conflate = params.switch("conflate")?;
    params.finish()?;
    // A browser that reconnects sends the header, and its position is newer than the one in the URL. A header that is
    // not text is an unreadable position.
    let header = request.headers().get("last-event-id").map(|value| value.to_str().unwrap_or("?").to_owned());
    let header = header.filter(|position| !position.is_empty());
    let start = match header.or(after) {
        Some(position) => Start::after(&position),
        None => since.unwrap_or(Start::Live),
    };

    let client = NewClient { transport: Transport::Sse, address: Some(peer), reader };
    let asked = subscribe::Request { filter, start, conflate, client };
    let subscription = gateway.hub.subscribe(&by, asked).await?;
    let format = sse::Format { json, named, chunked: false };
    let retry_ms = gateway.hub.retry_ms();
    let mut response = ().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(Takeover::mark(response, Outlet::Stream(Stream { subscription, format, retry_ms })))
}

/// Parses one of two words and returns its index.
fn choice(name: &str, value: &str, words: [&'static str; 2]) -> Result<usize, Invalid> {
    words.iter().position(|word| *word == value).ok_or_else(|| {
        Invalid::new(
            Code::InvalidQuery,
            format!("`{name}` must be `{}` or `{}`", words[0], words[1]),
            format!("write `{name}={}` or `{name}={}`", words[0], words[1]),
        )
    })
}
