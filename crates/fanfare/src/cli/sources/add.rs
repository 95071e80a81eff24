//! `fanfare sources add`: adds a source, or replaces its settings.

use fanfare_core::{Channel, SourceName};

use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::secret::Place;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::sources::SourceSettings;
use fanfare_client::Api;

/// Add an address for a program that sends, or change one
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("GitLab, with a secret that is made up and shown once", "fanfare sources add gitlab"),
    ("Alertmanager, which sends a token", "fanfare sources add alertmanager --verify bearer"),
    ("Shopify, with its secret on stdin", "fanfare sources add shopify --secret -"),
    ("A base64 signature in a header of its own",
     "fanfare sources add shop --kind custom \\\n    --verify hmac-sha256:X-Shop-Signature::base64 --secret shop.secret"),
], "Kinds: alertmanager, azure-devops, bitbucket, claude-code, cloudevents, custom, docker-hub, generic, \
    gitea, github, gitlab, gogs, grafana, linear, sentry, shopify, standard-webhooks, stripe, svix. Without \
    --verify, senders prove who they are in the way of their kind. With several --secret, each is accepted; \
    without one, a source keeps the secrets that it has."))]
pub(crate) struct Args {
    /// The name, and the last part of the address
    #[arg(value_name = "NAME")]
    name: SourceName,
    /// The kind of sender [default: the name]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// The channel of its events [default: ingest.NAME]
    #[arg(short, long, value_name = "CHANNEL")]
    channel: Option<Channel>,
    /// How senders prove who they are: hmac-sha256:HEADER[:PREFIX:hex|base64],
    /// bearer, basic, token-header:NAME, stripe, standard-webhooks or none
    #[arg(long, value_name = "PROOF")]
    verify: Option<String>,
    /// Secret to verify with, read FROM a file, `-` or env:NAME; repeatable
    #[arg(long, value_name = "FROM")]
    secret: Vec<Place>,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let secrets: Result<Vec<String>, Failure> = args.secret.iter().map(Place::text).collect();
    let settings = SourceSettings {
        kind: args.kind.clone().unwrap_or_else(|| args.name.to_string()),
        channel: args.channel.clone(),
        verify: args.verify.clone(),
        secrets: secrets?,
    };
    let answer = api.set_source(&args.name, &settings).await?;
    let source = &answer.value;
    let human = || {
        let (name, url) = (&source.name, format!("{}{}", api.server(), source.path));
        let mut text = format!("{SUCCESS}✓{SUCCESS:#} {BOLD}{name}{BOLD:#} {DIM}at{DIM:#} {url}");
        for (name, value) in [("channel", source.channel.as_str()), ("verify", &source.verify)] {
            text.push_str(&format!("\n  {DIM}{name:<8}{DIM:#} {value}"));
        }
        if let Some(secret) = &source.secret {
            text.push_str(&format!("\n  {DIM}{:<8}{DIM:#} {secret} {DIM}(shown only now){DIM:#}", "secret"));
        }
        text
    };
    context.output.result(human, &answer.json, || source.path.clone())?;
    Ok(Exit::Ok)
}
