//! Sources: `GET /api/sources`, and setting, showing and removing one.

pub mod arrivals;
pub(super) mod known;

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::sources::{IngestSource, IngestSources, SourceSettings};
use fanfare_api::{query, values};
use fanfare_core::members::Members;
use fanfare_core::{Caller, Channel, Code, Invalid, SourceName};
use fanfare_webhook::ingest::Kind;
use fanfare_webhook::ingest::proof::Proof;
use fanfare_webhook::ingest::source::Source;
use http::StatusCode;

use crate::http::Gateway;
use crate::http::page;
use crate::http::path;
use crate::http::query::Params;
use crate::http::sources::known::{all, default_channel, in_environment, set, stored};
use crate::net::body::{self, BODY_LEN_MAX};
use crate::problem::Problem;

/// Lists the sources with what arrived at each.
#[utoipa::path(
    get,
    path = "/api/sources",
    operation_id = "listSources",
    tag = "sources",
    params(query::Page),
    responses(
        (status = 200, description = "The sources, ordered by name", body = IngestSources),
    ),
)]
pub async fn list(State(gateway): State<Gateway>, request: Request) -> Result<Response, Problem> {
    let mut params = Params::of(request.uri());
    let (limit, after) = (params.limit(page::ROWS)?, params.cursor::<SourceName>()?);
    params.finish(&gateway.foreign)?;
    let all = all(&gateway).await?;
    let total = all.len();
    let mut rest = all.into_iter().filter(|(name, _)| after.as_ref().is_none_or(|after| name > after));
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let next_cursor = rest.next().and_then(|_| page.last().map(|(name, _)| name.to_string()));
    let listed = |(name, source)| IngestSource { refusals: Vec::new(), ..shown(&gateway, name, &source) };
    let sources = page.into_iter().map(listed).collect();
    Ok(Json(IngestSources { sources, next_cursor, total }).into_response())
}

/// Returns a source, with the last requests that it refused.
#[utoipa::path(
    get,
    path = "/api/sources/{name}",
    operation_id = "showSource",
    tag = "sources",
    params(("name" = values::SourceName, Path, description = "The name of the source")),
    responses(
        (status = 200, description = "The source", body = IngestSource),
    ),
)]
pub async fn show(State(gateway): State<Gateway>, Path(name): Path<String>) -> Result<Response, Problem> {
    let name: SourceName = path::named(&name, "{name}")?;
    let source = stored(&gateway, &name).await?.ok_or_else(|| unknown(&name))?;
    Ok(Json(shown(&gateway, name, &source)).into_response())
}

/// Adds a source, or replaces its settings. Secrets that are omitted stay, if the way to verify does.
#[utoipa::path(
    put,
    path = "/api/sources/{name}",
    operation_id = "setSource",
    tag = "sources",
    params(("name" = values::SourceName, Path, description = "The name of the source, and the last part of its address")),
    request_body(content = SourceSettings, content_type = "application/json"),
    responses(
        (status = 200, description = "The changed source", body = IngestSource),
        (status = 201, description = "The new source", body = IngestSource),
    ),
)]
pub async fn put(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    const FIX: &str = "send an object such as `{\"kind\": \"gitlab\", \"secrets\": [\"…\"]}`";
    let name: SourceName = path::named(&name, "{name}")?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let mut members = Members::parse(&bytes, Code::InvalidSource, FIX)?;
    let kind = members.text("kind")?.flatten();
    let channel = members.coded(Code::InvalidChannel).parsed("channel", Channel::of_push)?.flatten();
    let proof = members.coded(Code::InvalidSource).parsed("verify", str::parse::<Proof>)?.flatten();
    let secrets = members.texts("secrets")?.flatten().unwrap_or_default();
    members.finish()?;
    let kind = kind.ok_or_else(|| Problem::new(Code::InvalidSource, "`kind` is missing", FIX).at("/kind"))?;
    let secrets = secrets.into_iter().map(Into::into).collect();
    let mut wanted = Source::new(&kind, channel, proof, secrets)?;
    let known = stored(&gateway, &name).await?;
    let mut made_up = None;
    if wanted.secrets.is_empty() && wanted.verify.needs_secret() {
        match known.as_ref().filter(|known| known.verify == wanted.verify && !known.secrets.is_empty()) {
            Some(known) => wanted.secrets.clone_from(&known.secrets),
            None if in_environment(&name, &wanted).is_some() => {}
            None if wanted.sender_makes_secret() => {
                return Err(Invalid::new(
                    Code::InvalidSource,
                    format!("`{}` needs the secret that its sender shows", wanted.kind),
                    "give it in `secrets`",
                )
                .at("/secrets")
                .into());
            }
            None => {
                let bytes: [u8; 32] = rand::random();
                let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                made_up = Some(secret.clone().into());
                wanted.secrets.push(secret.into());
            }
        }
    }
    set(&gateway, &name, &wanted).await?;
    let status = if known.is_none() { StatusCode::CREATED } else { StatusCode::OK };
    let answer = IngestSource { secret: made_up, ..shown(&gateway, name, &wanted) };
    Ok((status, Json(answer)).into_response())
}

/// Removes a source: its address accepts nothing any more. One that exists from the start is closed.
#[utoipa::path(
    delete,
    path = "/api/sources/{name}",
    operation_id = "removeSource",
    tag = "sources",
    params(("name" = values::SourceName, Path, description = "The name of the source")),
    responses(
        (status = 200, description = "The source as it was", body = IngestSource),
    ),
)]
pub async fn remove(State(gateway): State<Gateway>, Path(name): Path<String>) -> Result<Response, Problem> {
    let name: SourceName = path::named(&name, "{name}")?;
    let known = stored(&gateway, &name).await?.ok_or_else(|| unknown(&name))?;
    let answer = Json(shown(&gateway, name.clone(), &known));
    match Kind::named(name.as_str()) {
        Some(kind) => {
            let closed = Source { closed: true, ..Source::built_in(kind) };
            set(&gateway, &name, &closed).await?;
        }
        None => {
            gateway.hub.remove_source(&name).await?;
            gateway.arrivals.forget(&name);
        }
    }
    Ok(answer.into_response())
}

fn unknown(name: &SourceName) -> Problem {
    let what = format!("no source is named `{name}`");
    Problem::new(Code::NotFound, what, "`GET /api/sources` lists the sources").at("{name}")
}

/// Returns a source in its public form.
fn shown(gateway: &Gateway, name: SourceName, source: &Source) -> IngestSource {
    let tally = gateway.arrivals.of(&name);
    IngestSource {
        path: format!("/ingest/{name}"),
        kind: source.kind.to_string(),
        verify: source.verify.to_string(),
        channel: source.channel.clone().unwrap_or_else(|| default_channel(&name)),
        secrets: source.secrets.len(),
        built_in: Kind::named(name.as_str()).is_some(),
        closed: source.closed,
        accepted: tally.accepted,
        refused: tally.refused,
        last_accepted_at: tally.last_accepted,
        refusals: tally.refusals.into(),
        secret: None,
        name,
    }
}
