//! `fanfare listen`: prints events as they arrive, runs a command for each, or forwards them.

mod acks;
mod exec;
mod forward;
mod originals;
mod show;
mod until;
mod work;

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{EventType, Invalid, Pattern, Position, Priority, ReaderName, Start, duration};
use fanfare_webhook::retry::RetrySchedule;
use fanfare_webhook::url::WebhookUrl;
use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::stream::{FuturesOrdered, StreamExt};

use crate::cli::global::priority_parser;
use crate::cli::listen::acks::Acks;
use crate::cli::listen::exec::Command;
use crate::cli::listen::forward::Forward;
use crate::cli::listen::originals::Originals;
use crate::cli::listen::show::Show;
use crate::cli::listen::until::Condition;
use crate::cli::listen::work::{Done, Work};
use crate::cli::output::style::DIM;
use crate::cli::secret::{Place, named_or_variable};
use crate::cli::signals::Stop;
use crate::cli::text::count;
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_api::readers::ReaderSettings;
use fanfare_client::{Api, Item, Listening, Notice, Wish};

/// Listen to events, live or from the past
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "subscribe",
    after_help = examples::with_note(&[
        ("All events from now on", "fanfare listen"),
        ("The last ten minutes, then live", "fanfare listen 'builds.>' --since 10m"),
        ("Run a command for each event, passed in $FANFARE_… and as JSON on stdin",
         "fanfare listen alerts --exec 'notify-send \"$FANFARE_MESSAGE\"'"),
        ("Forward to a webhook receiver", "fanfare listen --forward-to http://localhost:3000/hook"),
        ("Forward to port 3000 what senders sent to /ingest, with their signatures", "fanfare listen 3000"),
        ("Pick up tomorrow where you stopped today", "fanfare listen --reader laptop"),
        ("Wait for one event and print its message", "fanfare listen builds --type success --once -o raw"),
        ("Wait until a job is done, at most ten minutes", "fanfare listen jobs --until 'data.status==done' --deadline 10m"),
    ], &note())
)]
pub(crate) struct Args {
    /// Channel patterns: `builds.web`, `builds.*` (one more segment), `builds.>`
    /// (one or more) [default: all]
    #[arg(value_name = "PATTERN")]
    patterns: Vec<Pattern>,
    /// Start from a point in the past: 10m, 2h, 7d, RFC 3339 or `earliest`
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "after")]
    since: Option<String>,
    /// Start after this event
    #[arg(long, value_name = "ID")]
    after: Option<Position>,
    /// Only events of this type; repeatable
    #[arg(short = 't', long = "type", value_name = "TYPE", value_delimiter = ',')]
    event_type: Vec<EventType>,
    /// Only events of this priority or higher
    #[arg(long, value_name = "PRIORITY", value_parser = priority_parser(), hide_possible_values = true)]
    min_priority: Option<Priority>,
    /// Durable reader name: the gateway remembers its position and filter, and
    /// the next run continues from there. Another filter replaces its own
    #[arg(long, value_name = "NAME")]
    reader: Option<ReaderName>,
    /// When behind, get only the newest event for each key
    #[arg(long)]
    conflate: bool,
    /// When behind, skip events of this priority and below; only `low` is possible
    #[arg(long, value_name = "PRIORITY", value_parser = ["low"])]
    shed: Option<String>,
    /// Run a command for each event, with `sh -c`
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,
    /// Maximum commands to run at once; 1 keeps events in order
    #[arg(long, value_name = "N", default_value_t = 1, requires = "exec", value_parser = clap::value_parser!(u16).range(1..=1024))]
    exec_concurrency: u16,
    /// Stop a command that runs longer than this
    #[arg(long, value_name = "TIME", requires = "exec", value_parser = duration::parse)]
    exec_timeout: Option<Duration>,
    /// Pass this variable to the command although it holds a secret of
    /// Fanfare; repeatable
    #[arg(long, value_name = "NAME", requires = "exec")]
    pass_env: Vec<String>,
    /// Post each event to this URL, as a webhook would get it
    #[arg(long, value_name = "URL", conflicts_with = "exec")]
    forward_to: Option<WebhookUrl>,
    /// Post what `/ingest` received as its sender sent it, byte for byte; other
    /// events as a webhook would get them
    #[arg(long, requires = "forward_to")]
    as_received: bool,
    /// Sign forwarded events with a secret (whsec_…), read FROM a file, `-` or
    /// env:NAME
    #[arg(long, value_name = "FROM", requires = "forward_to")]
    secret: Option<Place>,
    /// Delays before each retry of a failed post, or `none`
    #[arg(long, value_name = "TIMES", requires = "forward_to", default_value = forward::RETRY_DEFAULT)]
    forward_retry: RetrySchedule,
    /// Stop after this many events
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Stop after one event
    #[arg(long, conflicts_with = "limit")]
    once: bool,
    /// Stop after the first event that meets this condition, such as
    /// `data.status==done`, `data.percent>=100` or `type==error`
    #[arg(long, value_name = "CONDITION", conflicts_with_all = ["limit", "once"])]
    until: Option<Condition>,
    /// Stop after this time, such as 30s
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    deadline: Option<Duration>,
    /// Keep trying if the gateway cannot be reached at first
    #[arg(long)]
    wait: bool,
}

/// Returns the note below the help.
fn note() -> String {
    let (env, timeout) = (exec::VALUE_LEN_MAX / 1024, fanfare_client::receiving::ATTEMPT_MAX.as_secs());
    format!(
        "If the connection is lost, `listen` reconnects and continues where it stopped. Anything it could not \
         catch up on is reported on stderr or, with -o json, as an object with the member `notice` (gap, reset, \
         disconnected, connected, closing, caught-up, reader-filter).\n\n\
         --exec sets FANFARE_ID, FANFARE_CHANNEL, FANFARE_TYPE, FANFARE_MESSAGE, FANFARE_PRIORITY, \
         FANFARE_TIMESTAMP, and FANFARE_KEY and FANFARE_DATA if the event has them, each truncated to {env} KiB; \
         stdin has the whole event. The command gets your environment except for the secrets in FANFARE_TOKEN, \
         FANFARE_WEBHOOK_SECRET and FANFARE_INGEST_SECRET_…; --pass-env NAME passes one.\n\n\
         --until compares a member of the event (`channel`, `data`, `id`, `key`, `message`, `priority`, `type`, or one \
         within `data`, such as `data.steps.0.name`) with `==`, `!=`, `<`, `<=`, `>` or `>=`; a member alone must be \
         there, and neither false nor null. Exit code 1: --deadline passed before --once, --limit or --until was met.\n\n\
         A number in the place of the first pattern is a port: `fanfare listen 3000` is short for \
         --forward-to http://localhost:3000 --as-received. With --exec or --forward-to, it is a pattern.\n\n\
         --as-received posts the request that brought an event to /ingest: the same body, and the sender's headers \
         with its signature, except credentials and those of the connection. A request that brought several events is \
         posted once. An event whose request the gateway does not have is posted as a webhook would get it.\n\n\
         --forward-to posts events one at a time, as a webhook would get them (message, timestamp, id, channel, \
         type, data, priority), signed if you set --secret or FANFARE_WEBHOOK_SECRET. A post that gets no 2xx \
         response within {timeout} s is retried (except after 410 and 413), then reported and skipped; with \
         --reader, `listen` stops there instead, and the event comes again on the next run. Exit code 1: --limit \
         was reached, but not every event was delivered."
    )
}

/// The work in progress, in the order of the events.
type Running = FuturesOrdered<BoxFuture<'static, Done>>;

pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    block_on(listen(args, context))
}

async fn listen(mut args: Args, context: &Context) -> Result<Exit, Failure> {
    args.read_port();
    let api = context.settings.api()?;
    let mut stop = Stop::new()?;
    let work = args.work(&api)?;
    let mut show = Show::new(context.output, matches!(work, Some(Work::Exec(_))));
    let mut acks = Acks::new(api.clone(), args.reader.clone());
    let mut left = if args.once { Some(1) } else { args.limit };
    let concurrency = usize::from(args.exec_concurrency);
    let mut running = Running::new();
    let mut listening = Listening::new(api.clone(), args.wish());
    let mut is_set = false;
    let deadline = args.deadline.map(tokio::time::sleep);
    tokio::pin!(deadline);
    show.start(&args.patterns, listening.server());
    let result = loop {
        if left == Some(0) && running.is_empty() {
            break Ok(Exit::Ok);
        }
        let done = tokio::select! {
            exit = stop.asked() => break Ok(exit),
            Some(()) = OptionFuture::from(deadline.as_mut().as_pin_mut()) => break args.late(),
            Some(done) = running.next() => finished(&done, &mut acks, &mut show),
            warning = acks.failed() => {
                show.warn(&warning);
                Ok(())
            }
            item = listening.next(), if left != Some(0) && running.len() < concurrency => match item {
                Err(error) => Err(error.into()),
                // It comes before any event. If it comes again, somebody else sets the same reader.
                Ok(Item::Notice(Notice::ReaderFilter { .. })) if !is_set => {
                    is_set = true;
                    let set = args.set_reader(&api).await;
                    listening = Listening::new(api.clone(), args.wish());
                    set
                }
                Ok(Item::Notice(notice)) => show.notice(&notice).map_err(Failure::from),
                Ok(Item::Event(event)) => {
                    let is_last = args.until.as_ref().is_some_and(|until| until.is_met(&event.json));
                    left = if is_last { Some(0) } else { left.map(|left| left - 1) };
                    match &work {
                        Some(work) => {
                            show.started(&event);
                            running.push_back(work.begin(*event));
                            Ok(())
                        }
                        None => {
                            let shown = show.event(&event);
                            if shown.is_ok() {
                                acks.acknowledge(event.value.id);
                            }
                            shown.map_err(Failure::from)
                        }
                    }
                }
            },
        };
        if let Err(failure) = done {
            break Err(failure);
        }
    };
    drop(listening);
    if !running.is_empty() {
        let what = if args.exec.is_some() { "command" } else { "request" };
        let those = count(running.len() as u64, what);
        context
            .output
            .note(format!("{DIM}waiting for {those} to finish; press Ctrl-C again to stop now{DIM:#}"));
    }
    let finished = finish(running, acks, &mut stop, &mut show).await;
    let failed = show.end();
    match result.and_then(|exit| finished.map(|()| exit))? {
        Exit::Ok if failed > 0 => Ok(Exit::Failed),
        exit => Ok(exit),
    }
}

/// Waits for the work in progress and acknowledges it. Another signal stops the wait.
async fn finish(
    mut running: Running,
    mut acks: Acks,
    stop: &mut Stop,
    show: &mut Show,
) -> Result<(), Failure> {
    let work = async {
        let mut result = Ok(());
        while let Some(done) = running.next().await {
            result = result.and(finished(&done, &mut acks, show));
        }
        if let Some(warning) = acks.flush().await {
            show.warn(&warning);
        }
        result
    };
    tokio::select! {
        done = work => done,
        _ = stop.asked() => Ok(()),
    }
}

/// Handles the outcome for one event. With a durable reader, acknowledging a later event would also acknowledge this
/// one, so a failure ends `listen`, and the event comes again on the next run.
fn finished(done: &Done, acks: &mut Acks, show: &mut Show) -> Result<(), Failure> {
    let shown = match done {
        Done::Forwarded(event, forwarded) => show.forwarded(event, forwarded),
        Done::Command(_) | Done::Posted(_) => Ok(()),
    };
    let Some(what) = done.problem() else {
        acks.acknowledge(done.id());
        return Ok(shown?);
    };
    if acks.is_durable() {
        acks.freeze();
        let repair = match done {
            Done::Command(_) => "fix the command",
            Done::Forwarded(..) | Done::Posted(_) => "fix the receiver",
        };
        return Err(Failure::failed(what)
            .why("it was not acknowledged, so it comes again on the next run")
            .fix(format!("{repair}, then run listen again with the same --reader")));
    }
    if let Done::Command(_) = done {
        show.warn(&what);
    }
    Ok(shown?)
}

impl Args {
    /// Takes a number in the place of the first pattern for a port on this machine to forward to.
    fn read_port(&mut self) {
        if self.forward_to.is_some() || self.exec.is_some() {
            return;
        }
        let port = self.patterns.first().and_then(|first| first.to_string().parse::<NonZeroU16>().ok());
        if let Some(port) = port {
            self.patterns.remove(0);
            self.forward_to = Some(format!("http://localhost:{port}").parse().expect("a URL"));
            self.as_received = true;
        }
    }

    /// Returns how the command ends at its deadline.
    fn late(&self) -> Result<Exit, Failure> {
        let waits_for = match (self.once, self.limit, &self.until) {
            (true, ..) => "an event",
            (_, Some(_), _) => "all of the events",
            (.., Some(_)) => "an event that meets --until",
            (false, None, None) => return Ok(Exit::Ok),
        };
        let time = duration::show(self.deadline.unwrap_or_default());
        Err(Failure::failed(format!("the deadline of {time} passed before {waits_for} arrived"))
            .coded("deadline"))
    }

    fn work(&self, api: &Api) -> Result<Option<Work>, Failure> {
        if let Some(line) = &self.exec {
            let command = Command::new(line, self.exec_timeout, api.server(), &self.pass_env);
            return Ok(Some(Work::Exec(command)));
        }
        let Some(url) = &self.forward_to else { return Ok(None) };
        let secret = named_or_variable(self.secret.as_ref()).map(|place| place.value()).transpose()?;
        let originals = self.as_received.then(|| Originals::new(api.clone()));
        let forward = Forward::new(url.clone(), secret, &self.forward_retry, originals)?;
        Ok(Some(Work::Forward(Arc::new(forward))))
    }

    /// Sets the durable reader to the filter that was asked for.
    async fn set_reader(&self, api: &Api) -> Result<(), Failure> {
        let Some(reader) = &self.reader else { return Ok(()) };
        let settings = ReaderSettings {
            channels: self.patterns.clone(),
            types: self.event_type.clone(),
            min_priority: self.min_priority.map(|priority| priority.as_str().into()),
            ..ReaderSettings::default()
        };
        api.set_reader(reader, &settings).await?;
        Ok(())
    }

    fn wish(&self) -> Wish {
        Wish {
            patterns: self.patterns.clone(),
            types: self.event_type.clone(),
            min_priority: self.min_priority,
            since: self.since.clone(),
            after: self.after.map(|position| position.to_string()),
            reader: self.reader.clone(),
            conflate: self.conflate,
            shed: self.shed.is_some(),
            wait: self.wait,
        }
    }
}

fn since(text: &str) -> Result<String, Invalid> {
    Start::since(text).map(|_| text.to_owned())
}
