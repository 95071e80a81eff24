//! `fanfare webhooks add`: registers a webhook.

use fanfare_core::duration::Literal;
use fanfare_core::{Invalid, Position, Start, WebhookName};
use fanfare_webhook::secret::Secret;
use fanfare_webhook::url::WebhookUrl;

use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM, LITERAL, SUCCESS};
use crate::cli::secret::Place;
use crate::cli::text::harmless;
use crate::cli::webhooks::show::warn;
use crate::cli::webhooks::test;
use crate::cli::webhooks::wants::{Filter, Sending};
use crate::cli::{Context, Exit, Failure, examples, with_member};
use fanfare_api::hidden::Hidden;
use fanfare_api::webhooks::registration::Registration;
use fanfare_api::webhooks::sample::Sample;
use fanfare_api::webhooks::webhook::NewWebhook;
use fanfare_client::{Api, Error};

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
], "The secret that signs deliveries is shown only once, now. A URL that already has a webhook is refused \
    without --name:\n`fanfare webhooks edit` changes the one that is there.\n\
    FROM is a file, `-` for stdin, or `env:NAME` for a variable.\n\
    Exit code 1: the webhook is registered, but the test was not delivered."))]
pub(crate) struct Args {
    /// URL to deliver to (http:// or https://)
    #[arg(value_name = "URL")]
    url: WebhookUrl,
    /// Name it; needed for a second webhook with the same URL
    #[arg(long, value_name = "NAME")]
    name: Option<WebhookName>,
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
    let created = api.create_webhook(&args.registration()?).await.map_err(refused)?;
    let output = context.output;
    let id = &created.value.webhook.id;
    let test = if args.setup.test { Some(api.test_webhook(id, &Sample::default()).await?) } else { None };
    let json = match &test {
        None => created.json.to_string(),
        Some(test) => with_member(&created.json, "test", &test.json),
    };
    output.result(|| said(&created.value), &json, || id.to_string())?;
    warn(&created.value.webhook, output);
    if let Some(test) = &test {
        if matches!(output.mode, Mode::Human | Mode::Table) {
            output.line(format!("  {DIM}test{DIM:#}     {}", test::said(&test.value)))?;
            test::advise(&test.value, output);
        }
        return Ok(if test.value.is_delivered() { Exit::Ok } else { Exit::Failed });
    }
    output.hint(format!("  {DIM}send a test event: fanfare webhooks test {id}{DIM:#}"));
    Ok(Exit::Ok)
}

impl Args {
    fn registration(&self) -> Result<Registration, Failure> {
        let secret: Option<Secret> = self.setup.secret.as_ref().map(Place::webhook_secret).transpose()?;
        Ok(Registration {
            webhook_url: self.url.reveal().to_owned(),
            name: self.name.clone(),
            secret: secret.map(|secret| Hidden(secret.reveal().to_owned())),
            since: self.setup.since.clone().map(Literal::Text),
            after: self.setup.after,
            wishes: self.sending.add_to(self.filter.wishes())?,
        })
    }
}

fn said(created: &NewWebhook) -> String {
    let NewWebhook { webhook, secret: Hidden(secret) } = created;
    let (url, id) = (harmless(&webhook.webhook_url), &webhook.id);
    let name =
        webhook.name.as_ref().map_or_else(String::new, |name| format!("\n  {DIM}name{DIM:#}     {name}"));
    format!(
        "{SUCCESS}✓{SUCCESS:#} registered {BOLD}{url}{BOLD:#}{name}\n  \
         {DIM}id{DIM:#}       {id}\n  \
         {DIM}secret{DIM:#}   {LITERAL}{secret}{LITERAL:#}\n           \
         {DIM}shown only once: the receiver needs it to verify deliveries{DIM:#}"
    )
}

/// Says how to change the webhook that already has the URL or the name.
fn refused(error: Error) -> Failure {
    let known = match &error {
        Error::Refused(problem) => problem.webhook_id.clone(),
        _ => None,
    };
    let failure = Failure::from(error);
    match known {
        Some(id) => failure
            .fix(format!("change it with `fanfare webhooks edit {id}`, or give the new one another --name")),
        None => failure,
    }
}

fn since(text: &str) -> Result<String, Invalid> {
    Start::since(text).map(|_| text.to_owned())
}
