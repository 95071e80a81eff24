//! `fanfare history`: shows past events.

use fanfare_core::start::Moment;
use fanfare_core::{Pattern, Position};
use jiff::ZonedDateTime;

use crate::cli::event_line::{EventLines, time};
use crate::cli::filter_flags::FilterFlags;
use crate::cli::output::style::DIM;
use crate::cli::output::{Mode, Output};
use crate::cli::text::{count, harmless, shortened};
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_api::event::Event;
use fanfare_api::history::HistoryPage;
use fanfare_client::{Answer, Api, Received};

/// Show past events
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("The newest 20 events", "fanfare history"),
    ("Errors of the last day", "fanfare history 'builds.>' --since 1d --type error"),
    ("Every event, as JSON", "fanfare history --limit all -o ndjson > events.ndjson"),
], "Patterns: `builds.web` matches one channel, `builds.*` every channel with one more segment, \
    `builds.>` with one or more, and `>` all channels."))]
pub(crate) struct Args {
    /// Channel patterns [default: all]
    #[arg(value_name = "PATTERN")]
    patterns: Vec<Pattern>,
    /// Show only this many of the newest, or `all`
    #[arg(short = 'n', long, value_name = "N", default_value = "20", value_parser = limit)]
    limit: Limit,
    /// Only events since this time: 10m, 2h, 7d or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<String>,
    /// Only events until this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<String>,
    /// Only events before this one
    #[arg(long, value_name = "ID")]
    before: Option<Position>,
    /// Only events after this one
    #[arg(long, value_name = "ID")]
    after: Option<Position>,
    /// Only events whose message, data, channel or key contains this text (case-insensitive)
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    filter: FilterFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    All,
    Newest(usize),
}

/// Maximum events per page.
const PAGE_LEN_MAX: usize = 1_000;

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    context.output.warn_of_raw();
    block_on(async {
        match args.limit {
            Limit::All => all(args, &api, context).await,
            Limit::Newest(limit) => newest(args, limit, &api, context).await,
        }
    })?;
    Ok(Exit::Ok)
}

/// Shows the newest events, with the newest one last, where it is next to the prompt.
async fn newest(args: &Args, limit: usize, api: &Api, context: &Context) -> Result<(), Failure> {
    let (mut events, mut gone) = (Vec::new(), Gone::default());
    let mut cursor = None;
    let mut more = true;
    while more && events.len() < limit {
        let mut query = args.query("newest", limit - events.len());
        query.extend(args.after.map(|position| ("after", position.to_string())));
        query.extend(args.before.map(|position| ("before", position.to_string())));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = api.history(&query).await?.value;
        gone.add(&page);
        for json in &page.events {
            events.push(read(json.get(), api)?);
        }
        more = page.next_cursor.is_some();
        cursor = page.next_cursor;
    }
    events.reverse();
    gone.warn(context.output);
    let mut printer = Printer::new(context);
    if context.output.mode == Mode::Json {
        let list: Vec<&str> = events.iter().map(|event| &*event.json).collect();
        context.output.line(format!("{{\"events\":[{}]}}", list.join(",")))?;
    } else {
        printer.print(&events)?;
        printer.end()?;
    }
    match (events.first(), more) {
        (None, _) => context.output.note(format!("{DIM}no events{DIM:#}")),
        (Some(first), true) => context
            .output
            .hint(format!("{DIM}for older events, use --before {} or --limit all{DIM:#}", first.value.id)),
        (Some(_), false) => {}
    }
    Ok(())
}

/// Shows all events, oldest first, one page at a time.
async fn all(args: &Args, api: &Api, context: &Context) -> Result<(), Failure> {
    let (mut printer, mut gone) = (Printer::new(context), Gone::default());
    let mut cursor = None;
    let mut is_first = true;
    if context.output.mode == Mode::Json {
        context.output.line("{\"events\":[")?;
    }
    loop {
        let mut query = args.query("oldest", PAGE_LEN_MAX);
        query.extend(args.before.map(|position| ("before", position.to_string())));
        query.extend(args.after.map(|position| ("after", position.to_string())));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = api.history(&query).await?.value;
        gone.add(&page);
        let events: Vec<Received> =
            page.events.iter().map(|json| read(json.get(), api)).collect::<Result<_, _>>()?;
        if context.output.mode == Mode::Json {
            for event in &events {
                context.output.line(format!("{}{}", if is_first { "" } else { "," }, event.json))?;
                is_first = false;
            }
        } else {
            printer.print(&events)?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if context.output.mode == Mode::Json {
        context.output.line("]}")?;
    }
    printer.end()?;
    gone.warn(context.output);
    Ok(())
}

impl Args {
    fn query(&self, order: &'static str, limit: usize) -> Vec<(&'static str, String)> {
        let mut query = vec![("order", order.to_owned()), ("limit", limit.min(PAGE_LEN_MAX).to_string())];
        query.extend(self.patterns.iter().map(|pattern| ("channel", pattern.to_string())));
        let FilterFlags { event_type, min_priority, text } = &self.filter;
        query.extend(event_type.iter().map(|event_type| ("type", event_type.to_string())));
        query.extend(min_priority.map(|priority| ("min_priority", priority.to_string())));
        query.extend(text.clone().map(|text| ("text", text)));
        query.extend(self.search.clone().map(|search| ("search", search)));
        query.extend(self.since.clone().map(|since| ("since", since)));
        query.extend(self.until.clone().map(|until| ("until", until)));
        query
    }
}

/// The events that pages left out.
#[derive(Debug, Default)]
struct Gone {
    damaged: u64,
    purged: u64,
}

impl Gone {
    fn add<T>(&mut self, page: &HistoryPage<T>) {
        self.damaged += page.damaged.unwrap_or_default();
        self.purged += page.purged.unwrap_or_default();
    }

    /// Warns that some events are missing.
    fn warn(&self, output: Output) {
        for (number, why) in [
            (self.damaged, "cannot be read, because the log is damaged"),
            (self.purged, "left out: purged or redacted"),
        ] {
            if number > 0 {
                output.warn(&format!("{} {why}", count(number, "event")));
            }
        }
    }
}

fn read(json: &str, api: &Api) -> Result<Received, Failure> {
    Answer::<Event>::read(json).map_err(|error| {
        Failure::from(fanfare_client::Error::NotFanfare {
            url: api.server().to_owned(),
            problem: format!("an event cannot be read: {error}"),
        })
    })
}

/// Prints events in the chosen format.
struct Printer<'a> {
    context: &'a Context,
    lines: EventLines,
    now: ZonedDateTime,
    /// Rows of the table, which is printed at the end because its widths depend on every row.
    rows: Vec<Vec<String>>,
}

impl Printer<'_> {
    fn new(context: &Context) -> Printer<'_> {
        Printer { context, lines: EventLines::new(), now: ZonedDateTime::now(), rows: Vec::new() }
    }

    fn print(&mut self, events: &[Received]) -> Result<(), Failure> {
        let output = self.context.output;
        for event in events {
            match output.mode {
                Mode::Human => output.line(self.lines.write(&event.value, &self.now))?,
                Mode::Json | Mode::Ndjson => output.line(&event.json)?,
                Mode::Raw => output.bare(&event.value.message)?,
                Mode::Table => self.rows.push(row(&event.value, &self.now)),
            }
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Failure> {
        if !self.rows.is_empty() {
            self.context
                .output
                .table(&["id", "time", "channel", "type", "priority", "message"], &self.rows)?;
        }
        Ok(())
    }
}

fn row(event: &Event, now: &ZonedDateTime) -> Vec<String> {
    const MESSAGE_CHARS_MAX: usize = 60;
    let first_line = event.message.lines().next().unwrap_or_default();
    [
        &event.id.to_string(),
        &time(event.timestamp, now),
        event.channel.as_str(),
        event.event_type.as_str(),
        event.priority.as_str(),
        &*shortened(first_line, MESSAGE_CHARS_MAX),
    ]
    .map(|cell| harmless(cell).into_owned())
    .to_vec()
}

fn limit(text: &str) -> Result<Limit, String> {
    if text == "all" {
        return Ok(Limit::All);
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number.map(Limit::Newest).ok_or_else(|| "write a number above 0, or `all`".to_owned())
}

fn moment(text: &str) -> Result<String, fanfare_core::Invalid> {
    text.parse::<Moment>().map(|_| text.to_owned())
}
