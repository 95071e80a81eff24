//! `fanfare webhooks add`: registers a webhook.

use fanfare_core::duration::Literal;
use fanfare_core::{Invalid, Position, Start, WebhookId};
use fanfare_webhook::secret::Secret;
use fanfare_webhook::url::WebhookUrl;

use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM, LITERAL, SUCCESS};
use crate::cli::secret::Place;
use crate::cli::text::harmless;
use crate::cli::webhooks::wants::{Filter, Sending};
use crate::cli::webhooks::{show, test};
use crate::cli::{Context, Exit, Failure, examples, with_member};
use fanfare_api::hidden::Hidden;
use fanfare_api::webhooks::registration::{Registered, Registration};
use fanfare_client::Api;

/// Register a webhook
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("All events from now on", "fanfare webhooks add http://localhost:3000/hook"),
    ("Only some events, with a test right away",
     "fanfare webhooks add https://hooks.example.com/in -c 'builds.>' -t error \\\n    --test"),
    ("With a token and from the beginning of the log",
     "fanfare webhooks add https://hooks.example.com/in --bearer env:HOOK_TOKEN \\\n    --since earliest"),
    ("Save the secret for the receiver",
     "fanfare webhooks add http://localhost:3000/hook -o json \\\n    | jq -r .secret > hook.secret"),
], "The secret that signs deliveries is shown only once, now. Adding the same URL again updates the \
    settings you give and keeps its secret.\n\
    FROM is a file, `-` for stdin, or `env:NAME` for a variable.\n\
    Exit code 1: the webhook is registered, but the test was not delivered."))]
pub(crate) struct Args {
    /// URL to deliver to (http:// or https://)
    #[arg(value_name = "URL")]
    url: WebhookUrl,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    sending: Sending,
    #[command(flatten)]
    setup: Setup,
}

/// The settings of a new webhook that `edit` cannot change.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Setup")]
struct Setup {
    /// Sign with a secret (whsec_…), read FROM a file, `-` or env:NAME [default: a
    /// new one]
    #[arg(long, value_name = "FROM")]
    secret: Option<Place>,
    /// Start from a point in the past: 10m, 2h, 7d, RFC 3339 or `earliest`
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "after")]
    since: Option<String>,
    /// Start after this event
    #[arg(long, value_name = "ID")]
    after: Option<Position>,
    /// Send a test event and show the response
    #[arg(long)]
    test: bool,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let registered = api.register(&args.registration()?).await?;
    let output = context.output;
    let id = api.id_of(&registered.value)?;
    let test = if args.setup.test { Some(api.test_webhook(&id).await?) } else { None };
    let json = match &test {
        None => registered.json.to_string(),
        Some(test) => with_member(&registered.json, "test", &test.json),
    };
    output.result(|| said(&registered.value, &id), &json, || id.to_string())?;
    let is_human = matches!(output.mode, Mode::Human | Mode::Table);
    if let Some(test) = &test {
        if is_human {
            output.line(format!("  {DIM}test{DIM:#}     {}", test::said(&test.value)))?;
        }
        return Ok(if test.value.is_delivered() { Exit::Ok } else { Exit::Failed });
    }
    if is_human && registered.value.secret.is_none() {
        let webhook = api.webhook(&id).await?;
        output.note(show::settings(&webhook.value));
    }
    output.hint(format!("  {DIM}send a test event: fanfare webhooks test {id}{DIM:#}"));
    Ok(Exit::Ok)
}

impl Args {
    fn registration(&self) -> Result<Registration, Failure> {
        let secret: Option<Secret> = self.setup.secret.as_ref().map(Place::value).transpose()?;
        Ok(Registration {
            webhook_url: self.url.as_given().to_owned(),
            secret: secret.map(|secret| Hidden(secret.reveal().to_owned())),
            since: self.setup.since.clone().map(Literal::Text),
            after: self.setup.after,
            wishes: self.sending.add_to(self.filter.wishes())?,
        })
    }
}

fn said(registered: &Registered, id: &WebhookId) -> String {
    let url = harmless(&registered.webhook_url);
    match &registered.secret {
        Some(Hidden(secret)) => format!(
            "{SUCCESS}✓{SUCCESS:#} registered {BOLD}{url}{BOLD:#}\n  \
             {DIM}id{DIM:#}       {id}\n  \
             {DIM}secret{DIM:#}   {LITERAL}{secret}{LITERAL:#}\n           \
             {DIM}shown only once: the receiver needs it to verify deliveries{DIM:#}"
        ),
        None => format!(
            "{BOLD}={BOLD:#} already registered, secret unchanged: {BOLD}{url}{BOLD:#}\n  {DIM}id{DIM:#}       {id}"
        ),
    }
}

fn since(text: &str) -> Result<String, Invalid> {
    Start::since(text).map(|_| text.to_owned())
}
