//! `fanfare webhooks pause` and `fanfare webhooks resume`: pause and resume delivery.

use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::text::count;
use crate::cli::webhooks::named::{named, title};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::{Answer, Api};

/// Pause delivery to webhooks
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("While you fix the receiver", "fanfare webhooks pause localhost:3000"),
    ("When it works again", "fanfare webhooks resume localhost:3000"),
], "Events wait in the log for as long as retention keeps them."))]
pub(crate) struct PauseArgs {
    /// The webhooks: names, ids, URLs or parts of URLs
    #[arg(value_name = "WEBHOOK", required = true)]
    webhooks: Vec<String>,
}

/// Resume delivery from where it stopped
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("The receiver works again", "fanfare webhooks resume localhost:3000"),
    ("And resend what failed in the meantime", "fanfare webhooks replay localhost:3000 --failed"),
], "Also works for a webhook that is held because it failed: it is tried immediately."))]
pub(crate) struct ResumeArgs {
    /// The webhooks: names, ids, URLs or parts of URLs
    #[arg(value_name = "WEBHOOK", required = true)]
    webhooks: Vec<String>,
}

pub(crate) async fn pause(args: &PauseArgs, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let mut done = Vec::new();
    for name in &args.webhooks {
        done.push(api.pause_webhook(&named(api, name).await?.id).await?);
    }
    tell(&done, context, |webhook| {
        let url = title(webhook.name.as_ref(), &webhook.webhook_url);
        format!("{SUCCESS}✓{SUCCESS:#} paused: {BOLD}{url}{BOLD:#} {DIM}· events wait in the log{DIM:#}")
    })
}

pub(crate) async fn resume(args: &ResumeArgs, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let mut done = Vec::new();
    for name in &args.webhooks {
        done.push(api.resume_webhook(&named(api, name).await?.id).await?);
    }
    tell(&done, context, |webhook| {
        let to_do = webhook.lag + webhook.waiting;
        let to_do = match (to_do, webhook.lag_is_exact) {
            (0, _) => "nothing left to send".to_owned(),
            (to_do, false) => format!("at most {} to send", count(to_do, "event")),
            (to_do, true) => format!("{} to send", count(to_do, "event")),
        };
        let failed = match webhook.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let url = title(webhook.name.as_ref(), &webhook.webhook_url);
        format!("{SUCCESS}✓{SUCCESS:#} resumed: {BOLD}{url}{BOLD:#} {DIM}· {to_do}{failed}{DIM:#}")
    })
}

fn tell(
    done: &[Answer<Webhook>],
    context: &Context,
    human: impl Fn(&Webhook) -> String,
) -> Result<Exit, Failure> {
    let output = context.output;
    match (output.mode, done) {
        (Mode::Json, [one]) => output.line(&one.json)?,
        (Mode::Json, many) => {
            let list: Vec<&str> = many.iter().map(|answer| &*answer.json).collect();
            output.line(format!("{{\"webhooks\":[{}]}}", list.join(",")))?;
        }
        (Mode::Ndjson, many) => many.iter().try_for_each(|answer| output.line(&answer.json))?,
        (Mode::Raw, many) => many.iter().try_for_each(|answer| output.line(answer.value.id.as_str()))?,
        (Mode::Human | Mode::Table, many) => {
            many.iter().try_for_each(|answer| output.line(human(&answer.value)))?;
        }
    }
    Ok(Exit::Ok)
}
