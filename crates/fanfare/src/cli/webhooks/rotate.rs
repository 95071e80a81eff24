//! `fanfare webhooks rotate-secret`: creates a new secret or key, with an overlap for the old one.

use std::time::Duration;

use clap::ValueEnum;
use fanfare_api::hidden::Hidden;
use fanfare_core::duration;
use fanfare_webhook::rotation::{OVERLAP_DEFAULT, OVERLAP_MAX, PREVIOUS_KEYS_MAX};
use fanfare_webhook::secret::Secret;
use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::output::style::{BOLD, DIM, LITERAL, SUCCESS};
use crate::cli::secret::Place;
use crate::cli::webhooks::named::{named, title};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::secrets::{KeyKind, Rotated, Rotation};
use fanfare_client::Api;

/// Create a new secret; the old one keeps signing for a while
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("A new secret; the old one still works for a day", "fanfare webhooks rotate-secret localhost:3000"),
    ("After a leak: stop using the old one now", "fanfare webhooks rotate-secret localhost:3000 --overlap 0s"),
    ("Straight into the receiver's file",
     "fanfare webhooks rotate-secret localhost:3000 -o raw > hook.secret"),
], "The new secret is shown only once, now."))]
pub(crate) struct Args {
    /// The webhook: its name, its id, its URL or part of its URL
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help = overlap_help())]
    overlap: Option<Duration>,
    /// Use this secret (whsec_…), read FROM a file, `-` or env:NAME
    #[arg(long, value_name = "FROM")]
    secret: Option<Place>,
    /// Key to rotate: secret (v1) or ed25519 (v1a)
    #[arg(
        long,
        alias = "key",
        value_name = "KIND",
        value_enum,
        default_value = "secret",
        hide_possible_values = true
    )]
    kind: Kind,
}

fn overlap_help() -> String {
    format!(
        "How long the old secret keeps signing too, at most {}d; at most {} old secrets sign at a time \
         [default: {}h]",
        OVERLAP_MAX.as_secs() / 86_400,
        PREVIOUS_KEYS_MAX,
        OVERLAP_DEFAULT.as_secs() / 3_600,
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Secret,
    Ed25519,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let secret: Option<Secret> = args.secret.as_ref().map(Place::webhook_secret).transpose()?;
    let rotation = Rotation {
        kind: (args.kind == Kind::Ed25519).then_some(KeyKind::Ed25519),
        overlap: args.overlap.map(Into::into),
        secret: secret.map(|secret| Hidden(secret.reveal().to_owned())),
    };
    let webhook = named(api, &args.webhook).await?;
    let rotated = api.rotate_secret(&webhook.id, &rotation).await?;
    let secret = rotated.value.secret.clone().map(|Hidden(secret)| secret);
    let key = || secret.or(rotated.value.public_key.clone()).unwrap_or_default();
    let title = title(webhook.name.as_ref(), &webhook.webhook_url);
    context.output.result(|| said(&rotated.value, &title, &ZonedDateTime::now()), &rotated.json, key)?;
    Ok(Exit::Ok)
}

fn said(rotated: &Rotated, title: &str, now: &ZonedDateTime) -> String {
    let (what, key) = match (&rotated.secret, &rotated.public_key) {
        (Some(Hidden(secret)), _) => ("secret", secret.as_str()),
        (None, key) => ("key", key.as_deref().unwrap_or_default()),
    };
    let old = match &rotated.previous_until {
        Some(until) => format!("the old one also signs until {}", time(*until, now)),
        None => "the old one no longer signs".to_owned(),
    };
    let shown = if what == "secret" { "shown only once; " } else { "" };
    format!(
        "{SUCCESS}✓{SUCCESS:#} a new {what} for {BOLD}{title}{BOLD:#}\n  \
         {DIM}{what:<6}{DIM:#}  {LITERAL}{key}{LITERAL:#}\n          {DIM}{shown}{old}{DIM:#}"
    )
}
