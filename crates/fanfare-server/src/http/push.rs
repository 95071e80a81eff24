//! `POST /api/push`, and `POST` or `PUT /api/push/{channel}`.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fanfare_api::push::{Push, PushAnswer, Pushed, PushedBatch};
use fanfare_api::query;
use fanfare_api::words::Success;
use fanfare_core::new_event::{self, Draft, EXPIRES_IN, IdempotencyKey, PushBody};
use fanfare_core::refusal::Refusal;
use fanfare_core::{
    Caller, Channel, Code, Door, EventType, Invalid, NewEvent, Peer, Principal, Source, Via, duration,
};
use http::{HeaderMap, header};

use crate::http::Gateway;
use crate::http::labels;
use crate::http::query::Params;
use crate::net::body::{self, PUSH_BODY_LEN_MAX};
use crate::net::guard;
use crate::net::json::Json;
use crate::net::streams::{self, StreamPermit};
use crate::problem::Problem;
use fanfare_delivery::awaiting::Reached;
use fanfare_delivery::first_attempts::WAIT_DEFAULT;
use fanfare_hub::publish::Published;

/// Pushes an event, or a batch: all or nothing.
#[utoipa::path(
    post,
    path = "/api/push",
    operation_id = "push",
    tag = "push",
    params(query::Push),
    request_body(content(
        (Push = "application/json"),
        (String = "application/x-ndjson"),
    ), description = "An event, a list of events, or an event per line"),
    responses(
        (status = 200, description = "The events are durable", body = PushAnswer),
    ),
)]
pub async fn push(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
    Extension(permit): Extension<Arc<StreamPermit>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    guard::refuse_own(&gateway.hub, &parts.headers)?;
    let mut params = Params::of(&parts.uri);
    let wait = params.wait()?.unwrap_or(WAIT_DEFAULT);
    params.finish(&gateway.foreign)?;
    let via = guard::via(Door::Http, peer, &parts.headers);
    let source = via.source(&principal);
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, body, PUSH_BODY_LEN_MAX).await?;
    let mut pushed = match media_type(&parts.headers) {
        MediaType::Json => parse(&gateway, &caller, new_event::parse_json, &bytes, &source).await?,
        MediaType::NdJson => parse(&gateway, &caller, new_event::parse_ndjson, &bytes, &source).await?,
        MediaType::Text | MediaType::Other(_) => {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "this route accepts only JSON",
                "send `Content-Type: application/json` or `application/x-ndjson`; plain text goes to \
                 `/api/push/{channel}`",
            )
            .at("Content-Type:"));
        }
    };
    if let Some(key) = request_key(&parts.headers)? {
        pushed.named_by(&key);
    }
    answer(&gateway, &principal, &via, pushed, wait, Arc::downgrade(&permit)).await
}

/// Pushes to the channel in the path; the body can be plain text.
#[utoipa::path(
    post,
    path = "/api/push/{channel}",
    operation_id = "pushToChannel",
    tag = "push",
    params(
        ("channel" = String, Path, description = "The channel"),
        query::PushToChannel,
        query::PushText,
        query::Labels,
    ),
    request_body(content(
        (String = "text/plain"),
        (Push = "application/json"),
        (String = "application/x-ndjson"),
    ), description = "The message, or events as for `/api/push`"),
    responses(
        (status = 200, description = "The events are durable", body = PushAnswer),
    ),
)]
pub async fn push_to(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
    Extension(permit): Extension<Arc<StreamPermit>>,
    Path(channel): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    guard::refuse_own(&gateway.hub, &parts.headers)?;
    let channel: Channel = Channel::of_push(&channel).map_err(|error| error.at("{channel}"))?;
    let via = guard::via(Door::Http, peer, &parts.headers);
    let source = via.source(&principal);
    let mut params = Params::of(&parts.uri);
    // curl and CI must not hang on a slow receiver. The route without a channel waits, as seed 3 does.
    let wait = params.wait()?.unwrap_or(Duration::ZERO);
    let media_type = media_type(&parts.headers);
    let mut defaults = query_draft(&mut params)?;
    if matches!(media_type, MediaType::Text) {
        defaults = labels::read(&parts.headers, &mut params, defaults)?;
    }
    params.finish(&gateway.foreign)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, body, PUSH_BODY_LEN_MAX).await?;
    let mut pushed = match media_type {
        MediaType::Json => {
            let pushed = parse(&gateway, &caller, new_event::parse_json, &bytes, &source).await?;
            on_channel(pushed, &channel, &defaults)?
        }
        MediaType::NdJson => {
            let pushed = parse(&gateway, &caller, new_event::parse_ndjson, &bytes, &source).await?;
            on_channel(pushed, &channel, &defaults)?
        }
        MediaType::Text => {
            let message = std::str::from_utf8(&bytes).map_err(|_| {
                Problem::new(
                    Code::InvalidMessage,
                    "the body is not valid UTF-8",
                    "send text, or JSON with `data`",
                )
            })?;
            // The line break that `echo … | curl --data-binary @-` adds belongs to the shell, not to the message.
            let message = message.strip_suffix('\n').unwrap_or(message);
            let message = labels::message(message, defaults.message.take())?;
            let draft = Draft { message: Some(message), channel: Some(channel), ..defaults };
            PushBody::One(Box::new(draft.into_event(source)?))
        }
        MediaType::Other(name) => {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                format!("this route does not accept `{name}`"),
                "send `text/plain`, `application/json` or `application/x-ndjson`",
            )
            .at("Content-Type:"));
        }
    };
    if let Some(key) = request_key(&parts.headers)? {
        pushed.named_by(&key);
    }
    answer(&gateway, &principal, &via, pushed, wait, Arc::downgrade(&permit)).await
}

/// Pushes a file to the channel in the path, as `curl -T FILE` sends it; otherwise the same as `POST`.
#[utoipa::path(
    put,
    path = "/api/push/{channel}",
    operation_id = "pushFileToChannel",
    tag = "push",
    params(
        ("channel" = String, Path, description = "The channel"),
        query::PushToChannel,
        query::PushText,
        query::Labels,
    ),
    request_body(content(
        (String = "text/plain"),
        (Push = "application/json"),
        (String = "application/x-ndjson"),
    ), description = "The message, or events as for `/api/push`"),
    responses(
        (status = 200, description = "The events are durable", body = PushAnswer),
    ),
)]
pub async fn put_to(
    gateway: State<Gateway>,
    principal: Extension<Principal>,
    caller: Extension<Caller>,
    peer: Extension<Peer>,
    permit: Extension<Arc<StreamPermit>>,
    channel: Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    push_to(gateway, principal, caller, peer, permit, channel, request).await
}

/// Reads the header `Idempotency-Key`, which names the whole request.
fn request_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let Some(text) = text else {
        let what = "the header is there twice, or is not ASCII";
        return Err(
            Problem::new(Code::InvalidIdempotencyKey, what, "send one key, such as a UUID").at(KEY_PLACE)
        );
    };
    Ok(Some(IdempotencyKey::from_header(text).map_err(|error| error.at(KEY_PLACE))?))
}

/// The header that names a request, so that it can be repeated (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Where the error of this header is.
const KEY_PLACE: &str = "Idempotency-Key:";

/// Reads what the query says of a message in plain text.
fn query_draft(params: &mut Params) -> Result<Draft, Problem> {
    Ok(Draft {
        event_type: params.read("type", EventType::of_push)?,
        priority: params.read("priority", str::parse)?,
        key: params.read("key", str::parse)?,
        idempotency_key: params.read("idempotency_key", str::parse)?,
        expires_in: params.read("expires_in", |text| duration::within(text, &EXPIRES_IN))?,
        ..Draft::default()
    })
}

/// Parses a body as events, beside the runtime if it is long.
async fn parse(
    gateway: &Gateway,
    caller: &Caller,
    parse: fn(&[u8], &Source) -> Result<PushBody, Invalid>,
    body: &Bytes,
    source: &Source,
) -> Result<PushBody, Invalid> {
    let (len, body, source) = (body.len(), body.clone(), source.clone());
    gateway.hub.bulk().run(caller, len, move || parse(&body, &source)).await
}

/// Sets the channel of JSON events from the path; the path and the query must not contradict the body.
fn on_channel(pushed: PushBody, channel: &Channel, defaults: &Draft) -> Result<PushBody, Problem> {
    let given = [
        ("type", defaults.event_type.is_some()),
        ("priority", defaults.priority.is_some()),
        ("key", defaults.key.is_some()),
        ("idempotency_key", defaults.idempotency_key.is_some()),
        ("expires_in", defaults.expires_in.is_some()),
    ];
    if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
        return Err(Problem::new(
            Code::InvalidQuery,
            format!("`{name}` is for plain text"),
            format!("with a JSON body, set `{name}` in it"),
        )
        .at(format!("?{name}")));
    }
    let place = |mut event: NewEvent, at: String| {
        if event.channel.as_str() != Channel::DEFAULT && event.channel != *channel {
            return Err(Problem::new(
                Code::InvalidChannel,
                format!("the body names channel `{}`, the path `{channel}`", event.channel),
                "leave one of them out",
            )
            .at(at));
        }
        event.channel = channel.clone();
        Ok(event)
    };
    Ok(match pushed {
        PushBody::One(event) => PushBody::One(Box::new(place(*event, "/channel".to_owned())?)),
        PushBody::Batch(events) => {
            let placed = events
                .into_iter()
                .enumerate()
                .map(|(index, event)| place(event, format!("/{index}/channel")));
            PushBody::Batch(placed.collect::<Result<_, _>>()?)
        }
    })
}

async fn answer(
    gateway: &Gateway,
    principal: &Principal,
    via: &Via,
    pushed: PushBody,
    wait: Duration,
    permit: Weak<StreamPermit>,
) -> Result<Response, Problem> {
    let is_batch = matches!(pushed, PushBody::Batch(_));
    let awaited = gateway.webhooks.expect(wait);
    let published = gateway.hub.publish(principal, via, pushed.into_events()).await;
    let published = published.map_err(|error| match is_batch {
        true => Refusal::from(error),
        false => Refusal::from(error).in_event(""),
    })?;
    // Without room for a request that lasts, the answer says what is known by then: the events are stored.
    let crowded_out = async { drop(streams::crowded_out(permit).await) };
    let reached = awaited.reached(&published.appended, crowded_out).await;
    Ok(match is_batch {
        true => Json(batch(&published, reached)).into_response(),
        false => Json(one(&published, reached)).into_response(),
    })
}

/// Answers one event.
pub fn one(published: &Published, reached: Reached) -> Pushed {
    let appended = &published.appended[0];
    let event = &appended.event;
    Pushed {
        status: Success::Success,
        message: event.message.clone(),
        timestamp: event.timestamp,
        webhooks_notified: reached.webhooks_notified,
        total_webhooks: reached.total_webhooks,
        id: event.position,
        channel: event.channel.clone(),
        stream_clients: published.stream_clients,
        repeated: appended.repeated,
    }
}

/// Answers several events.
pub fn batch(published: &Published, reached: Reached) -> PushedBatch {
    let ids: Vec<_> = published.appended.iter().map(|appended| appended.event.position).collect();
    let last = &published.appended[ids.len() - 1].event;
    PushedBatch {
        status: Success::Success,
        count: ids.len(),
        first_id: ids[0],
        last_id: last.position,
        timestamp: last.timestamp,
        webhooks_notified: reached.webhooks_notified,
        total_webhooks: reached.total_webhooks,
        stream_clients: published.stream_clients,
        ids,
    }
}

enum MediaType {
    Json,
    NdJson,
    Text,
    Other(String),
}

fn media_type(headers: &HeaderMap) -> MediaType {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return MediaType::Text };
    let value = value.to_str().unwrap_or("?");
    let name = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "application/json" => MediaType::Json,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => MediaType::NdJson,
        "" | "text/plain" | "application/x-www-form-urlencoded" | "application/octet-stream" => {
            MediaType::Text
        }
        name if name.ends_with("+json") => MediaType::Json,
        _ => MediaType::Other(name.chars().take(80).collect()),
    }
}
