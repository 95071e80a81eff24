//! `fanfare run`: runs a command and pushes events for its start and its result.

mod child;
mod outcome;
mod signals;
mod tail;
mod way_through;

use std::time::{Duration, Instant};

use fanfare_core::{Channel, EventType, Priority};
use serde_json::json;
use serde_json::value::RawValue;

use crate::cli::push::idempotency_key;
use crate::cli::run::child::Child;
use crate::cli::run::outcome::Outcome;
use crate::cli::spool::{Sent, Spool};
use crate::cli::text::shortened;
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_api::push::NewEvent;
use fanfare_client::Api;

/// Run a command and push events for its start and its result
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "fanfare run [OPTIONS] -- COMMAND [ARGS]…",
    after_help = examples::with_note(&[
        ("Get an event when a long test run is done", "fanfare run -c builds -- make test"),
        ("Only on failure, without the command line",
         "fanfare run -c cron --only-failure --name backup -- ./backup.sh --key …"),
        ("A pipeline", "fanfare run -c nightly -- sh -c 'make | tee log'"),
    ], "The command's output, environment, signals and exit code pass through unchanged, and it runs even if \
        the gateway cannot be reached: then the events are saved, and the next `push` or `run` sends them first. The event at the end has the type `success` or `error`; its data has exit_code, \
        signal, duration_ms and the last lines.")
)]
pub(crate) struct Args {
    /// Channel to push to [default: default]
    #[arg(short, long)]
    channel: Option<Channel>,
    /// Name to use in the events instead of the command line
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Include this many of the last output lines; 0 leaves the output alone, for
    /// full-screen programs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=1000))]
    tail: u16,
    /// Push only if the command fails
    #[arg(long)]
    only_failure: bool,
    /// Command to run and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Maximum characters of a command line in a message.
const TITLE_CHARS_MAX: usize = 120;

/// How long a gateway that does not respond may delay the exit.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    // The command runs even if the settings for the gateway are invalid.
    let api = context.settings.api();
    block_on(async {
        let report = Report::new(args, context, api);
        let started = Instant::now();
        let child = Child::spawn(&args.command, args.tail);
        let outcome = match child {
            Ok(child) => {
                let (outcome, ()) = tokio::join!(child.run_to_the_end(), report.start());
                outcome
            }
            Err(outcome) => {
                context.output.failure(&outcome.failure(&args.command[0]));
                outcome
            }
        };
        report.end(&outcome, started.elapsed()).await;
        Ok(outcome.exit())
    })
}

/// Pushes the events of a run.
struct Report<'a> {
    args: &'a Args,
    context: &'a Context,
    api: Result<Api, Failure>,
    run: String,
    title: String,
}

impl Report<'_> {
    fn new<'a>(args: &'a Args, context: &'a Context, api: Result<Api, Failure>) -> Report<'a> {
        let line = args.name.clone().unwrap_or_else(|| command_line(&args.command));
        let title = shortened(line.lines().next().unwrap_or_default(), TITLE_CHARS_MAX).into_owned();
        Report { args, context, api, run: format!("{:08x}", rand::random::<u32>()), title }
    }

    async fn start(&self) {
        if self.args.only_failure {
            return;
        }
        let mut data = json!({ "run": self.run, "phase": "start" });
        self.add_command(&mut data);
        self.push(&format!("started: {}", self.title), EventType::Info, &data, None).await;
    }

    async fn end(&self, outcome: &Outcome, elapsed: Duration) {
        if outcome.is_success() && self.args.only_failure {
            return;
        }
        let (event_type, priority) = if outcome.is_success() {
            (EventType::Success, None)
        } else {
            (EventType::Error, Some(Priority::High))
        };
        let mut data = json!({
            "run": self.run,
            "phase": "end",
            "exit_code": outcome.exit().number(),
            "signal": outcome.signal_name(),
            "duration_ms": elapsed.as_millis() as u64,
        });
        self.add_command(&mut data);
        if self.args.tail > 0 {
            data["tail"] = outcome.tail().into();
        }
        let message = outcome.message(&self.title, elapsed);
        self.push(&message, event_type, &data, priority).await;
    }

    fn add_command(&self, data: &mut serde_json::Value) {
        if self.args.name.is_none() {
            data["command"] = self.args.command.clone().into();
        }
    }

    /// Pushes an event. A failure is only a warning, because the command matters more.
    async fn push(
        &self,
        message: &str,
        event_type: EventType,
        data: &serde_json::Value,
        priority: Option<Priority>,
    ) {
        let data = RawValue::from_string(data.to_string()).expect("a JSON value as text is JSON");
        let event = NewEvent {
            message: message.to_owned(),
            channel: self.args.channel.clone(),
            event_type: Some(event_type),
            data: Some(data),
            priority,
            key: Some(format!("run-{}", self.run)),
            idempotency_key: Some(idempotency_key()),
            ..NewEvent::default()
        };
        let warn = |problem: &str| {
            self.context.output.warn(&format!("could not push `{message}`: {problem}"));
        };
        let api = match &self.api {
            Err(failure) => return warn(&failure.what),
            Ok(api) => api,
        };
        let Some(spool) = Spool::of(api.server()) else {
            return match tokio::time::timeout(PATIENCE, api.push(&event)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => warn(&error.to_string()),
                Err(_) => warn(&late(api)),
            };
        };
        let saved = |why: &str| {
            self.context.output.warn(&format!("`{message}` waits for the next push: {why}"));
        };
        match tokio::time::timeout(PATIENCE, spool.send(api, &event)).await {
            Ok(Ok((Sent::Pushed(_), flushed))) => flushed.refused.iter().for_each(|refused| warn(refused)),
            Ok(Ok((Sent::Spooled(stopped), _))) => saved(&stopped.said()),
            Ok(Err(failure)) => warn(&failure.what),
            // It has its key, so it is not appended twice if the gateway has it already.
            Err(_) => match spool.add(&event) {
                Ok(()) => saved(&late(api)),
                Err(failure) => warn(&failure.what),
            },
        }
    }
}

fn late(api: &Api) -> String {
    format!("{} did not respond within {} s", api.server(), PATIENCE.as_secs())
}

/// Quotes a command so that it can be pasted into a shell.
fn command_line(words: &[String]) -> String {
    let quoted = |word: &String| {
        let is_plain = |c: char| c.is_alphanumeric() || "_-./=:@%+,".contains(c);
        if !word.is_empty() && word.chars().all(is_plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::command_line;

    #[test]
    fn a_command_can_be_pasted() {
        let line =
            |words: &[&str]| command_line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["make", "test"]), "make test");
        assert_eq!(line(&["sh", "-c", "echo it's; exit 3"]), r"sh -c 'echo it'\''s; exit 3'");
        assert_eq!(line(&["x", ""]), "x ''");
    }
}
