//! All sources: those that exist from the start, and those that were set.

use std::collections::BTreeMap;

use fanfare_core::{Channel, Code, Invalid, SourceName};
use fanfare_webhook::ingest::source::Source;
use fanfare_webhook::ingest::verifier::Verifier;
use fanfare_webhook::ingest::{Kind, Secrets};

use crate::http::Gateway;
use crate::http::path;
use crate::problem::Problem;
use fanfare_hub::values::{Error, SourceRow};

/// Returns all, ordered by name.
pub(super) async fn all(gateway: &Gateway) -> Result<BTreeMap<SourceName, Source>, Error> {
    let built_in = Kind::ALL.into_iter().map(|kind| {
        let name = kind.as_str().parse().expect("the name of a kind is a segment");
        (name, Source::built_in(kind))
    });
    let mut all: BTreeMap<_, _> = built_in.collect();
    for row in gateway.hub.sources().await? {
        if let Some(source) = Source::from_stored(&row.settings) {
            all.insert(row.name, source);
        }
    }
    Ok(all)
}

/// Returns one that exists from the start or was set, even if it is closed.
pub(super) async fn stored(gateway: &Gateway, name: &SourceName) -> Result<Option<Source>, Error> {
    Ok(match gateway.hub.source(name).await? {
        Some(row) => Source::from_stored(&row.settings),
        None => Kind::named(name.as_str()).map(Source::built_in),
    })
}

/// Stores one.
pub(super) async fn set(gateway: &Gateway, name: &SourceName, source: &Source) -> Result<(), Error> {
    let row = SourceRow { name: name.clone(), settings: source.stored().into() };
    gateway.hub.set_source(row).await.map(drop)
}

/// Returns the channel of a source that has none of its own.
pub(super) fn default_channel(name: &SourceName) -> Channel {
    format!("ingest.{name}").parse().expect("the name of a source is a segment")
}

/// Returns the source that a request is for, by the last part of its path. Fails if it accepts nothing.
pub(in crate::http) async fn open(gateway: &Gateway, name: &str) -> Result<(SourceName, Source), Problem> {
    let name: SourceName = path::named(name, "{kind}")?;
    let (what, fix) = match stored(gateway, &name).await? {
        Some(source) if !source.closed => return Ok((name, source)),
        Some(_) => (
            format!("source `{name}` is closed"),
            format!("the operator can open it with `fanfare sources add {name}`"),
        ),
        None => (
            format!("no source is named `{name}`"),
            format!(
                "add it with `fanfare sources add {name}`, or use one that exists: `generic` takes any JSON, form \
                 or text, and recognises its sender; `github`, `stripe`, `standard-webhooks`, `alertmanager` and \
                 `claude-code` are for those"
            ),
        ),
    };
    Err(Invalid::new(Code::NotFound, what, fix).at("{kind}").into())
}

/// Returns the kind of a source that can have its secrets in the environment: one that exists from the start, as long as
/// its senders prove who they are in the way of its kind.
pub(super) fn in_environment(name: &SourceName, source: &Source) -> Option<Kind> {
    let kind = Kind::named(name.as_str())?;
    let own = Source::built_in(kind);
    (source.kind == own.kind && source.verify == own.verify).then_some(kind)
}

/// Returns what checks the requests of a source. Fails if it needs a secret, and neither its settings nor the environment
/// have one.
pub(in crate::http) fn verifier(
    secrets: &Secrets,
    name: &SourceName,
    source: &Source,
) -> Result<Verifier, Invalid> {
    let kind = in_environment(name, source).filter(|_| source.secrets.is_empty());
    let verifier = match kind {
        Some(kind) => secrets.verifier(kind),
        None => source.verifier()?,
    };
    if !verifier.lacks_secret() {
        return Ok(verifier);
    }
    if let Some(kind) = kind {
        secrets.has(kind)?;
    }
    Err(Invalid::new(
        Code::SecretMissing,
        format!("source `{name}` has no secret to verify with"),
        format!("set one with `fanfare sources add {name} --secret FROM`"),
    ))
}
