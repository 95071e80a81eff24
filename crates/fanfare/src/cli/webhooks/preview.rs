//! `fanfare webhooks preview`: shows the body that a webhook would send.

use fanfare_core::{Invalid, Position};
use fanfare_webhook::method::ContentType;
use fanfare_webhook::url::WebhookUrl;

use crate::cli::output::style::DIM;
use crate::cli::text::{grouped, harmless};
use crate::cli::webhooks::named::named;
use crate::cli::webhooks::test::Event;
use crate::cli::webhooks::wants::{TemplateFlag, template};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::preview::{Preview, PreviewRequest};
use fanfare_api::webhooks::registration::{Registration, Wishes};
use fanfare_api::webhooks::sample::TrialRequest;
use fanfare_client::Api;

/// Show the body that a webhook would send, without sending it
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("What the receiver gets", "fanfare webhooks preview localhost:3000 -m 'web is red'"),
    ("Another template, with an event of the log",
     "fanfare webhooks preview ci --template ci.jinja --event k3f9x2ab-1042"),
    ("Before it is registered",
     "fanfare webhooks preview https://hooks.slack.com/services/T0/B0/… \\\n    --template slack"),
], "Nothing is sent or changed. Parts of the address that are secret are masked in the body."))]
pub(crate) struct Args {
    /// The webhook: its name, its id, its URL or part of its URL; or the URL of one
    /// that is not registered
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    /// Try this template: a preset such as slack, or one of your own, read FROM a
    /// file or `-`
    #[arg(long, value_name = "PRESET|FROM", value_parser = template)]
    template: Option<TemplateFlag>,
    /// Try this content type
    #[arg(long, value_name = "TYPE")]
    content_type: Option<ContentType>,
    /// An event of the log, by its id
    #[arg(long, value_name = "ID", value_parser = position, conflicts_with_all = ["channel", "event_type", "message", "json", "priority"])]
    event: Option<Position>,
    #[command(flatten)]
    sample: Event,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let template = args.template.as_ref().map(TemplateFlag::text).transpose()?;
    let content_type = args.content_type.as_ref().map(ToString::to_string);
    let answer = match (named(api, &args.webhook).await, args.webhook.parse::<WebhookUrl>()) {
        (Ok(webhook), _) => {
            let test = args.event.is_none().then(|| args.sample.sample());
            let wanted = PreviewRequest { template, content_type, event_id: args.event, test };
            api.preview_webhook(&webhook.id, &wanted).await?
        }
        (Err(_), Ok(url)) if args.event.is_none() => {
            let wishes = Wishes {
                template: template.map(Some),
                content_type: content_type.map(Some),
                ..Wishes::default()
            };
            let webhook_url = url.reveal().to_owned();
            let registration = Registration { webhook_url, wishes, ..Registration::default() };
            api.preview(&TrialRequest { registration, test: Some(args.sample.sample()) }).await?
        }
        (Err(failure), _) => return Err(failure),
    };
    let output = context.output;
    output.result(
        || harmless(&answer.value.body).into_owned(),
        &answer.json,
        || answer.value.body.clone(),
    )?;
    output.hint(format!("  {DIM}{}{DIM:#}", size(&answer.value)));
    Ok(Exit::Ok)
}

fn size(preview: &Preview) -> String {
    format!("{} bytes of {}", grouped(preview.body_bytes as u64), harmless(&preview.content_type))
}

fn position(text: &str) -> Result<Position, Invalid> {
    text.parse()
}
