//! `fanfare webhooks edit`: changes some settings of a webhook and keeps the rest.

use clap::ValueEnum;
use fanfare_core::WebhookName;
use fanfare_webhook::url::WebhookUrl;
use jiff::ZonedDateTime;

use crate::cli::webhooks::named::named;
use crate::cli::webhooks::show::{described, warn};
use crate::cli::webhooks::wants::{Filter, Sending};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::registration::Change;
use fanfare_client::Api;

/// Change a webhook's settings; the rest stays as it is
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Only failed builds", "fanfare webhooks edit localhost:3000 -c 'builds.>' -t error"),
    ("Back to all events", "fanfare webhooks edit localhost:3000 --reset channel,type"),
    ("The receiver moved", "fanfare webhooks edit old.example.com --url https://new.example.com/in"),
], "FROM is a file, `-` for stdin, or `env:NAME` for a variable."))]
pub(crate) struct Args {
    /// The webhook: its name, its id, its URL or part of its URL
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    /// New name
    #[arg(long, value_name = "NAME")]
    name: Option<WebhookName>,
    /// New URL to deliver to
    #[arg(long, value_name = "URL")]
    url: Option<WebhookUrl>,
    /// Reset to the default: channel, type,
    /// min-priority, text, payload, header, auth, ca, insecure-skip-verify,
    /// timeout, method, content-type, template, sign, concurrency, rate, ordered, batch,
    /// retry, description or name; repeatable
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',', hide_possible_values = true)]
    reset: Vec<Member>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    sending: Sending,
}

/// A setting that can be reset to its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Member {
    Channel,
    Type,
    MinPriority,
    Text,
    Payload,
    Header,
    Auth,
    Ca,
    InsecureSkipVerify,
    Timeout,
    Method,
    ContentType,
    Template,
    Sign,
    Concurrency,
    Rate,
    Ordered,
    Batch,
    Retry,
    Description,
    Name,
}

impl Member {
    /// Resets the setting to its default. Returns false if a flag sets it too.
    fn reset(self, change: &mut Change) -> bool {
        fn reset<T>(wish: &mut Option<Option<T>>) -> bool {
            wish.replace(None).flatten().is_none()
        }
        let wishes = &mut change.wishes;
        match self {
            Member::Name => reset(&mut change.name),
            Member::Channel => reset(&mut wishes.channels),
            Member::Type => reset(&mut wishes.types),
            Member::MinPriority => reset(&mut wishes.min_priority),
            Member::Text => reset(&mut wishes.text),
            Member::Payload => reset(&mut wishes.payload),
            Member::Header => reset(&mut wishes.headers),
            Member::Auth => reset(&mut wishes.auth),
            Member::Ca => reset(&mut wishes.ca),
            Member::InsecureSkipVerify => reset(&mut wishes.insecure_skip_verify),
            Member::Timeout => reset(&mut wishes.timeout),
            Member::Method => reset(&mut wishes.method),
            Member::ContentType => reset(&mut wishes.content_type),
            Member::Template => reset(&mut wishes.template),
            Member::Sign => reset(&mut wishes.signatures),
            Member::Concurrency => reset(&mut wishes.concurrency),
            Member::Rate => reset(&mut wishes.rate_per_second),
            Member::Ordered => reset(&mut wishes.ordered),
            Member::Batch => reset(&mut wishes.batch),
            Member::Retry => reset(&mut wishes.retry),
            Member::Description => reset(&mut wishes.description),
        }
    }
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let change = args.change()?;
    let webhook = named(api, &args.webhook).await?;
    let changed = api.change_webhook(&webhook.id, &change).await?;
    context.output.result(
        || described(&changed.value, &ZonedDateTime::now()),
        &changed.json,
        || changed.value.id.to_string(),
    )?;
    warn(&changed.value, context.output);
    Ok(Exit::Ok)
}

impl Args {
    fn change(&self) -> Result<Change, Failure> {
        let wishes = self.sending.add_to(self.filter.wishes())?;
        let mut change = Change {
            webhook_url: self.url.as_ref().map(|url| url.reveal().to_owned()),
            name: self.name.clone().map(Some),
            wishes,
        };
        for member in &self.reset {
            if !member.reset(&mut change) {
                let name = member.to_possible_value().map(|value| value.get_name().to_owned());
                let name = name.unwrap_or_default();
                return Err(Failure::usage(format!("`{name}` is both set and reset"))
                    .fix(format!("use either the flag or --reset {name}")));
            }
        }
        if change == Change::default() {
            return Err(Failure::usage("nothing to change")
                .fix("say what to change: fanfare webhooks edit WEBHOOK -c 'builds.>'   or see --help"));
        }
        Ok(change)
    }
}
