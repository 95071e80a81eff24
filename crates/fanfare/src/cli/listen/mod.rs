//! `fanfare listen`: events as they come, or a command for each.

mod acks;
mod exec;
mod forward;
mod show;
mod work;

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{EventType, Invalid, Pattern, Position, Priority, ReaderName, Start, duration};
use fanfare_webhook::retry::RetrySchedule;
use fanfare_webhook::url::WebhookUrl;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesOrdered, StreamExt};

use crate::cli::global::priority_parser;
use crate::cli::listen::acks::Acks;
use crate::cli::listen::exec::Command;
use crate::cli::listen::forward::Forward;
use crate::cli::listen::show::Show;
use crate::cli::listen::work::{Done, Work};
use crate::cli::output::style::DIM;
use crate::cli::secret::{Place, named_or_variable};
use crate::cli::signals::Stop;
use crate::cli::text::count;
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_client::{Item, Listening, Wish};

/// Listen to events, live and from the past
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "subscribe",
    after_help = examples::with_note(&[
        ("Everything, from now on", "fanfare listen"),
        ("What happened in the last ten minutes, and what comes", "fanfare listen 'builds.>' --since 10m"),
        ("A command for each event; the event is in $FANFARE_… and, as JSON, on stdin",
         "fanfare listen alerts --exec 'notify-send \"$FANFARE_MESSAGE\"'"),
        ("To a program that takes webhooks", "fanfare listen --forward-to http://localhost:3000/hook"),
        ("Go on tomorrow where it stopped today", "fanfare listen --reader laptop"),
        ("Wait for one event, and take its message", "fanfare listen builds --type success --once -o raw"),
    ], "\
A lost connection comes back by itself, and goes on where it stopped. What was
missed all the same is said: on stderr, or with -o json as an object with the
member `notice` (gap, reset, disconnected, connected, closing, caught-up).

--exec sets FANFARE_ID, FANFARE_CHANNEL, FANFARE_TYPE, FANFARE_MESSAGE,
FANFARE_PRIORITY, FANFARE_TIMESTAMP, and FANFARE_KEY and FANFARE_DATA when
there are such, each cut at 64 KiB; stdin has the whole event.

--forward-to posts each event as a webhook gets it (message, timestamp, id,
channel, type, data, priority), one after the other, signed when there is a
--secret or FANFARE_WEBHOOK_SECRET. What is not answered with 2xx within 10 s
is tried again (not after 410 and 413), then reported and left out; with
--reader, listening ends there instead, and the event comes again next time.
Exit code 1: --limit is reached, and not everything was taken.")
)]
pub(crate) struct Args {
    /// Which channels: `builds.web`, `builds.*` (one more segment), `builds.>`
    /// (one or more) [default: all]
    #[arg(value_name = "PATTERN")]
    patterns: Vec<Pattern>,
    /// Start in the past: 10m, 2h, 7d, RFC 3339, or `earliest`
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "after")]
    since: Option<String>,
    /// Start after this event
    #[arg(long, value_name = "ID")]
    after: Option<Position>,
    /// Only this kind; repeatable
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    event_type: Vec<EventType>,
    /// Only this priority and above
    #[arg(long, value_name = "PRIORITY", value_parser = priority_parser(), hide_possible_values = true)]
    min_priority: Option<Priority>,
    /// A name under which the gateway remembers what was done: the next time
    /// it goes on there
    #[arg(long, value_name = "NAME")]
    reader: Option<ReaderName>,
    /// When behind, of the events with one key only the newest
    #[arg(long)]
    conflate: bool,
    /// Run a command for each event, with `sh -c`
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,
    /// So many commands at once; 1 keeps the order
    #[arg(long, value_name = "N", default_value_t = 1, requires = "exec", value_parser = clap::value_parser!(u16).range(1..=1024))]
    exec_concurrency: u16,
    /// End a command that takes longer
    #[arg(long, value_name = "TIME", requires = "exec", value_parser = duration::parse)]
    exec_timeout: Option<Duration>,
    /// Post each event to an address, as a webhook gets it
    #[arg(long, value_name = "URL", conflicts_with = "exec")]
    forward_to: Option<WebhookUrl>,
    /// Sign what is forwarded with a secret (whsec_…) FROM a file, `-` or
    /// env:NAME
    #[arg(long, value_name = "FROM", requires = "forward_to")]
    secret: Option<Place>,
    /// The pauses before what failed is posted again, or `none`
    #[arg(long, value_name = "TIMES", requires = "forward_to", default_value = forward::RETRY_DEFAULT)]
    forward_retry: RetrySchedule,
    /// Stop after so many events
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Stop after one event
    #[arg(long, conflicts_with = "limit")]
    once: bool,
    /// Keep trying when nobody answers at first
    #[arg(long)]
    wait: bool,
}

/// What was started for events, in their order.
type Running = FuturesOrdered<BoxFuture<'static, Done>>;

pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    block_on(listen(args, context))
}

async fn listen(args: Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    let mut stop = Stop::new()?;
    let work = args.work(api.server())?;
    let mut show = Show::new(context.output, matches!(work, Some(Work::Exec(_))));
    let mut acks = Acks::new(api.clone(), args.reader.clone());
    let mut left = if args.once { Some(1) } else { args.limit };
    let concurrency = usize::from(args.exec_concurrency);
    let mut running = Running::new();
    let mut listening = Listening::new(api, args.wish());
    show.start(&args.patterns, listening.server());
    let result = loop {
        if left == Some(0) && running.is_empty() {
            break Ok(Exit::Ok);
        }
        let done = tokio::select! {
            exit = stop.asked() => break Ok(exit),
            Some(done) = running.next() => finished(&done, &mut acks, &mut show),
            warning = acks.answered() => {
                show.warn(&warning);
                Ok(())
            }
            item = listening.next(), if left != Some(0) && running.len() < concurrency => match item {
                Err(error) => Err(error.into()),
                Ok(Item::Notice(notice)) => show.notice(&notice).map_err(Failure::from),
                Ok(Item::Event(event)) => {
                    left = left.map(|left| left - 1);
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
        context.output.note(format!("{DIM}waiting for {those} to end; Ctrl-C again ends them now{DIM:#}"));
    }
    let finished = finish(running, acks, &mut stop, &mut show).await;
    let failed = show.end();
    match result.and_then(|exit| finished.map(|()| exit))? {
        Exit::Ok if failed > 0 => Ok(Exit::Failed),
        exit => Ok(exit),
    }
}

/// Lets what runs come to its end, and acknowledges it; another signal breaks that off.
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

/// Judges what was done. With a durable reader, acknowledging a later event would acknowledge this one too; so what
/// failed ends the listening, and comes again the next time.
fn finished(done: &Done, acks: &mut Acks, show: &mut Show) -> Result<(), Failure> {
    let shown = match done {
        Done::Forwarded(event, forwarded) => show.forwarded(event, forwarded),
        Done::Command(_) => Ok(()),
    };
    let Some(what) = done.problem() else {
        acks.acknowledge(done.id());
        return Ok(shown?);
    };
    if acks.is_durable() {
        acks.freeze();
        let mend = match done {
            Done::Command(_) => "mend the command",
            Done::Forwarded(..) => "mend the receiver",
        };
        return Err(Failure::failed(what)
            .why("it was not acknowledged, and comes again the next time")
            .fix(format!("{mend}, then listen again with the same --reader")));
    }
    if let Done::Command(_) = done {
        show.warn(&what);
    }
    Ok(shown?)
}

impl Args {
    fn work(&self, server: &str) -> Result<Option<Work>, Failure> {
        if let Some(line) = &self.exec {
            return Ok(Some(Work::Exec(Command::new(line, self.exec_timeout, server))));
        }
        let Some(url) = &self.forward_to else { return Ok(None) };
        let secret = named_or_variable(self.secret.as_ref()).map(|place| place.value()).transpose()?;
        let forward = Forward::new(url.clone(), secret, &self.forward_retry)?;
        Ok(Some(Work::Forward(Arc::new(forward))))
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
            wait: self.wait,
        }
    }
}

fn since(text: &str) -> Result<String, Invalid> {
    Start::since(text).map(|_| text.to_owned())
}
