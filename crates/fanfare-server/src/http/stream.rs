//! `GET /stream`: server-sent events.

use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::{query, values};
use fanfare_core::socket_request;
use fanfare_core::wire::sse;
use fanfare_core::{Channel, Code, Invalid, Peer, Principal, Start};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::http::Gateway;
use crate::http::foreign;
use crate::http::query::Params;
use crate::net::takeover::{Outlet, Stream, Takeover};
use crate::net::{event_head, guard};
use crate::problem::Problem;
use fanfare_hub::client::{NewClient, Transport};
use fanfare_hub::subscribe::{self, SubscribeError};

/// Streams server-sent events, from now on or from a position.
#[utoipa::path(
    get,
    path = "/stream",
    operation_id = "listen",
    tag = "listen",
    params(
        query::Filter,
        query::Listen,
        query::Keepalive,
        query::Reconnect,
    ),
    responses(
        (status = 204, description = "An operator disconnected this client, and it may not return yet; an `EventSource` ends", headers(("Retry-After" = u64, description = "The time until it may return, in seconds"))),
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream", headers(("Fanfare-Position" = values::Position, description = "The position at which the stream starts"))),
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
    let after = params.last("last_event_id", is_last_event_id);
    let reader = params.read("reader", str::parse)?;
    let conflate = params.switch("conflate")?;
    let keepalive = params.keepalive()?.unwrap_or(gateway.beats.interval());
    let shed = params.read("shed", socket_request::shed)?.unwrap_or_default();
    params.finish(&gateway.foreign)?;
    // A browser that reconnects sends the header, and its position is newer than those in the URL. A header that is not
    // text is an unreadable position.
    let header = request.headers().get("last-event-id").map(|value| value.to_str().unwrap_or("?").to_owned());
    let header = header.filter(|position| !position.is_empty());
    let start = match header.or(after) {
        Some(position) => Start::after(&position),
        None => since.unwrap_or(Start::Live),
    };

    let agent = guard::agent(request.headers());
    let client = NewClient { transport: Transport::Sse, address: Some(peer), agent, reader, session: None };
    let asked = subscribe::Request { filter, start, conflate, shed, client };
    let subscription = match gateway.hub.subscribe(&by, asked).await {
        Ok(subscription) => subscription,
        Err(SubscribeError::Denied(left)) => return Ok(denied(left)),
        Err(error) => return Err(error.into()),
    };
    let format = sse::Format { json, named, chunked: false };
    let retry_ms = gateway.hub.retry_ms();
    let mut response = ().into_response();
    let headers = response.headers_mut();
    event_head::describe(headers, "text/event-stream; charset=utf-8");
    let position = subscription.position().to_string();
    headers.insert(POSITION, HeaderValue::try_from(position).expect("a position is ASCII"));
    let overlooked = subscription.overlooked();
    if !overlooked.is_empty() {
        let names: Vec<&str> = overlooked.iter().map(Channel::as_str).collect();
        headers.insert(OVERLOOKED, HeaderValue::try_from(names.join(", ")).expect("channels are ASCII"));
    }
    let names_start = is_browser(request.headers());
    let stream = Stream { subscription, format, retry_ms, overlooked, keepalive, names_start };
    Ok(Takeover::mark(response, Outlet::Stream(stream)))
}

/// Answers a client that an operator disconnected: 204 is the status that ends an `EventSource` (HTML standard, section
/// 9.2.2), where an error would make some clients retry for ever.
fn denied(left: Duration) -> Response {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    (StatusCode::NO_CONTENT, [(header::RETRY_AFTER, HeaderValue::from(seconds))]).into_response()
}

/// The header with the position at which a stream starts.
const POSITION: HeaderName = HeaderName::from_static("fanfare-position");

/// The header with the channels `X` that have events, and that a pattern `X.>` of the request does not select.
const OVERLOOKED: HeaderName = HeaderName::from_static("fanfare-overlooked");

/// Returns whether a browser asks, or a client that follows the same rules (`eventsource` on Node): such a client
/// remembers the id of a block without data, and comes back by itself. Both send `Sec-Fetch-Mode`. Over plain HTTP to
/// another machine, a browser does not, and is recognised by `User-Agent` and `Accept-Language`.
fn is_browser(headers: &HeaderMap) -> bool {
    let has_name_of_browser = || {
        headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"))
            && headers.contains_key(header::ACCEPT_LANGUAGE)
    };
    headers.contains_key("sec-fetch-mode") || has_name_of_browser()
}

/// Returns whether a parameter is the position after which a client continues. Clients that cannot set a header append
/// it to the URL, each in its own spelling: `lastEventId` (event-source-polyfill, reconnecting-eventsource),
/// `lastEventID` and `Last-Event-ID` (clients of Mercure), `evs_last_event_id` (amvtek's EventSource). What they append
/// comes last, and is newer than what their user wrote.
fn is_last_event_id(name: &str) -> bool {
    foreign::plain(name.strip_prefix("evs_").unwrap_or(name)) == "lasteventid"
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
