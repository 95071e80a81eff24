//! `fanfare push`: pushes an event, or a stream of events from stdin.

mod ndjson;
mod spooled;

use std::io::Read;
use std::time::Duration;

use fanfare_core::duration::Literal;
use fanfare_core::{Channel, EventType, Key, Priority, duration, limits};
use serde_json::value::RawValue;

use crate::cli::global::priority_parser;
use crate::cli::output::style::{BOLD, CHANNEL, DIM, SUCCESS};
use crate::cli::text::count;
use crate::cli::{Context, Exit, Failure, block_on, examples, pairs};
use fanfare_api::push::{NewEvent, Pushed};
use fanfare_delivery::first_attempts::WAIT_DEFAULT;

pub(crate) use spooled::waits;

/// Push an event
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "publish",
    override_usage = "fanfare push [OPTIONS] MESSAGE… [K=V K:=JSON K@FILE]\n       \
                      fanfare push [OPTIONS] -\n       fanfare push [OPTIONS] --ndjson\n       \
                      fanfare push --flush",
    after_help = examples::with_note(&[
        ("A message", "fanfare push \"deploy finished\""),
        ("With data: text, JSON and a file's content",
         "fanfare push -c builds.web green sha=ab12 ms:=8123 log@build.log"),
        ("From another program", "git log -1 --format=%s | fanfare push -c commits -"),
        ("Many events, as they arrive", "tail -f events.ndjson | fanfare push --ndjson"),
        ("From a script that must not stop while the gateway is away", "fanfare push --spool \"backup done\""),
    ], "Words at the end that look like K=V, K:=JSON or K@FILE (K: letters, digits, `_`, `.`, `-`) go into \
        the event's data. To push such words as text, put them after `--` or use --message.\n\n\
        With --spool, an event whose gateway cannot be reached is saved on this machine: the next `push` or `run` to that \
        gateway, or `push --flush`, sends what was saved before its own event, in order. The log has it at the \
        time at which it arrives there. Not more than 10,000 events or 64 MiB wait.")
)]
pub(crate) struct Args {
    /// The message; words are joined with spaces, `-` reads it from stdin
    #[arg(value_name = "MESSAGE")]
    words: Vec<String>,
    /// Words that are text, whatever they look like
    #[arg(last = true, value_name = "TEXT", hide = true)]
    literal: Vec<String>,
    /// The message, taken literally
    #[arg(short, long, value_name = "TEXT", conflicts_with_all = ["literal", "ndjson"])]
    message: Option<String>,
    /// Channel to push to [default: default]
    #[arg(short, long)]
    channel: Option<Channel>,
    /// Event type: info, success, warning, error or your own [default: info]
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    event_type: Option<EventType>,
    /// Priority: min, low, default, high or max
    #[arg(short, long, value_parser = priority_parser(), hide_possible_values = true)]
    priority: Option<Priority>,
    /// Conflation key: a subscriber that falls behind needs only the newest event
    /// with this key
    #[arg(long)]
    key: Option<Key>,
    #[arg(long, value_name = "KEY", alias = "id", help = format!(
        "Idempotency key: pushing the same one again within {} h appends nothing",
        limits::IDEMPOTENCY_WINDOW_SECONDS / 3_600))]
    idempotency_key: Option<String>,
    /// Stop delivering the event after this time, such as 10m
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    expires_in: Option<Duration>,
    /// The event's data, as JSON
    #[arg(long, value_name = "JSON", value_parser = json, conflicts_with = "ndjson")]
    json: Option<Box<RawValue>>,
    #[arg(long, conflicts_with = "ndjson", help = format!(
        "Wait up to {}s for the first webhook attempts and show how many succeeded", WAIT_DEFAULT.as_secs()))]
    wait: bool,
    /// If the gateway cannot be reached, save the event and push it later
    #[arg(long, conflicts_with_all = ["ndjson", "wait"])]
    spool: bool,
    /// Push the events that were saved, and nothing else
    #[arg(long, conflicts_with_all = [
        "words", "literal", "message", "channel", "event_type", "priority", "key", "idempotency_key", "expires_in", "json",
        "wait", "spool", "ndjson",
    ])]
    flush: bool,
    /// Push each line of stdin as a JSON event, such as {"message":"hi"}
    #[arg(long, conflicts_with_all = ["words", "literal", "event_type", "priority", "key", "idempotency_key", "expires_in"])]
    ndjson: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    if args.flush {
        return block_on(spooled::flush(context));
    }
    if args.ndjson {
        return block_on(ndjson::push_lines(args.channel, context));
    }
    let (words, pairs) = pairs::split(&args.words);
    if args.json.is_some() && !pairs.is_empty() {
        return Err(
            Failure::usage("data was given twice: as words and with --json").fix("use only one of them")
        );
    }
    let message = message(&args, words)?;
    let meant = channel_meant(&args, words);
    let data = pairs::object(&pairs)?.or_else(|| args.json.clone());
    let event = NewEvent {
        message,
        channel: args.channel,
        event_type: args.event_type,
        data,
        priority: args.priority,
        key: args.key.as_ref().map(|key| key.as_str().to_owned()),
        // Without a key, a push could be appended twice if its response is lost.
        idempotency_key: Some(args.idempotency_key.unwrap_or_else(idempotency_key)),
        expires_in: args.expires_in.map(Literal::from),
        ..NewEvent::default()
    };
    let api = context.settings.api()?;
    if args.spool {
        return block_on(spooled::push(&event, &api, context));
    }
    let pushed = block_on(async {
        spooled::first(&api, context).await?;
        Ok(match args.wait {
            true => api.push_to_webhooks(&event).await?,
            false => api.push(&event).await?,
        })
    })?;
    context.output.result(|| said(&pushed.value, args.wait), &pushed.json, || pushed.value.id.to_string())?;
    if let Some(channel) = meant {
        context.output.hint(format!(
            "  {DIM}`{channel}` is part of the message; to push to that channel, run{DIM:#} fanfare push -c {channel} …"
        ));
    }
    if args.wait && pushed.value.webhooks_notified == 0 {
        let id = &pushed.value.id;
        context.output.hint(format!("  {DIM}see what happened to it: fanfare deliveries show {id}{DIM:#}"));
    } else if pushed.value.stream_clients + pushed.value.webhooks_notified == 0 {
        context.output.hint(format!(
            "  {DIM}to see it, open{DIM:#} {}/\n  {DIM}or run{DIM:#} fanfare listen {} --since 10m",
            api.server(),
            pushed.value.channel,
        ));
    }
    Ok(Exit::Ok)
}

fn said(pushed: &Pushed, waited: bool) -> String {
    let Pushed { id, channel, stream_clients, webhooks_notified, repeated, .. } = pushed;
    if *repeated {
        return format!(
            "{BOLD}={BOLD:#} already pushed: {CHANNEL}{channel}{CHANNEL:#} {id}; nothing was appended"
        );
    }
    let subscribers = count(*stream_clients as u64, "subscriber");
    let webhooks = match waited {
        true => format!(" {DIM}·{DIM:#} delivered to {}", count(*webhooks_notified as u64, "webhook")),
        false => String::new(),
    };
    format!(
        "{SUCCESS}✓{SUCCESS:#} pushed to {CHANNEL}{channel}{CHANNEL:#} {DIM}·{DIM:#} {id} {DIM}·{DIM:#} \
         {subscribers}{webhooks}"
    )
}

fn message(args: &Args, words: &[String]) -> Result<String, Failure> {
    if let Some(message) = &args.message {
        if let Some(word) = words.first() {
            return Err(Failure::usage(format!("the message was given twice: --message and `{word}`"))
                .fix("use only one of them"));
        }
        return Ok(message.clone());
    }
    if words == ["-"] && args.literal.is_empty() {
        return from_stdin();
    }
    let all: Vec<&str> = words.iter().chain(&args.literal).map(String::as_str).collect();
    if all.is_empty() {
        let failure = Failure::usage("no message was given");
        return Err(match args.words.first() {
            Some(_) => failure.why("all words look like data").fix(format!(
                "fanfare push \"a message\" {0}   or, to push them as text:   fanfare push -- {0}",
                args.words.join(" ")
            )),
            None => failure.fix("fanfare push \"deploy finished\"   or, to read stdin:   fanfare push -"),
        });
    }
    Ok(all.join(" "))
}

/// Returns the channel that was perhaps meant by the first of two words: so one pushes with ntfy.
fn channel_meant(args: &Args, words: &[String]) -> Option<Channel> {
    match words {
        [first, _] if args.channel.is_none() && args.literal.is_empty() => first.parse().ok(),
        _ => None,
    }
}

fn from_stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let limit = limits::MESSAGE_LEN_MAX as u64 + 2;
    std::io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage("cannot read stdin").why(super::failure::said(&error)))?;
    let mut message = String::from_utf8(bytes).map_err(|_| {
        Failure::usage("stdin is not UTF-8 text").fix("push text; for binary data, push a link to a file")
    })?;
    if message.ends_with('\n') {
        message.pop();
    }
    if message.len() > limits::MESSAGE_LEN_MAX {
        let max = limits::MESSAGE_LEN_MAX >> 10;
        return Err(Failure::usage(format!("the message on stdin is over {max} KiB"))
            .fix("push an excerpt: … | tail -c 200000 | fanfare push -"));
    }
    Ok(message)
}

/// Returns a random key that no other push has.
pub(crate) fn idempotency_key() -> String {
    format!("cli-{:032x}", rand::random::<u128>())
}

fn json(text: &str) -> Result<Box<RawValue>, String> {
    RawValue::from_string(text.to_owned()).map_err(|error| format!("not valid JSON: {error}"))
}
