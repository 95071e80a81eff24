//! `fanfare log import`: takes events from an export into a log.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use fanfare_core::limits::{BATCH_LEN_MAX, ORIGINAL_LEN_MAX};
use fanfare_core::{Event, HttpMessage, Original};
use serde_json::json;

use crate::cli::log::line;
use crate::cli::log::place::StoreFlag;
use crate::cli::output::style::{DIM, SUCCESS};
use crate::cli::settings::{Key, values};
use crate::cli::startup::{open_failure, store_failure};
use crate::cli::text::{count, duration};
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_store::{Engine, Log, Retention};
use fanfare_store_embedded::{Embedded, Imported};

/// Add the events of an export to the log
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Into the log of `fanfare serve`", "fanfare log import events.ndjson"),
    ("From one log into another", "fanfare log export --store old.db | fanfare log import --store new.db"),
], "Stop the gateway first. The log is created if there is none. Events keep their times and get new ids, \
    after the existing events. Events that the log already has are skipped, so you can import the same \
    file again. Readers and webhooks that are up to date are not sent them."))]
pub(crate) struct Args {
    /// File to read, or `-` for stdin
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    file: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreFlag,
}

/// Maximum events that are written at once.
const BATCH_LEN: usize = 1_000;

/// Size from which a batch is written.
const BATCH_BYTES: u64 = 4 * 1024 * 1024;

/// Maximum length of a line: a message and data of the maximum size, escaped, and an original.
const LINE_LEN_MAX: u64 = 4 * 1024 * 1024 + 2 * ORIGINAL_LEN_MAX as u64;

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let path = StoreFlag::path(context)?;
    let mut lines = Lines::open(&args.file)?;
    let retention = Retention::default();
    let age = context.settings.parsed(Key::RetentionAge, values::positive)?.unwrap_or(retention.age);
    let log = Embedded::open(&path, retention).map_err(|error| open_failure(&error))?;
    let mut total = Total::default();
    let result = block_on(async {
        let result = import(&log, &mut lines, &mut total).await;
        log.close().await;
        result
    });
    result.map_err(|failure| total.explain(failure))?;
    let oldest_kept = log.now().before(age);
    if total.imported.oldest.is_some_and(|oldest| oldest < oldest_kept) {
        context.output.warn(&format!(
            "some are older than {}, so the gateway will remove them; to keep them, set --retention-age",
            duration(age)
        ));
    }
    let Imported { added, known, .. } = total.imported;
    let human = || {
        let before =
            if known == 0 { String::new() } else { format!(" {DIM}· {known} were there already{DIM:#}") };
        format!("{SUCCESS}✓{SUCCESS:#} {} imported{before}", count(added, "event"))
    };
    let json = json!({ "store": path, "imported": added, "known": known });
    context.output.result(human, &json.to_string(), || added.to_string())?;
    Ok(Exit::Ok)
}

/// Imports all lines, in batches.
async fn import(log: &Embedded, lines: &mut Lines, total: &mut Total) -> Result<(), Failure> {
    loop {
        let (mut batch, mut bytes, first) = (Vec::new(), 0, lines.number + 1);
        let mut failure = None;
        loop {
            let is_full = batch.len() >= BATCH_LEN || bytes >= BATCH_BYTES;
            let is_endless = batch.len() >= BATCH_LEN + BATCH_LEN_MAX;
            match lines.next() {
                // Events that one request brought are written together.
                Ok(Some((event, original))) if is_endless || is_full && !is_of_earlier(&event) => {
                    lines.put_back((event, original));
                    break;
                }
                Ok(Some((event, original))) => {
                    let original_len = original.as_ref().map_or(0, |message| message.as_bytes().len());
                    bytes += event.stored_len() + original_len as u64;
                    batch.push((event, original));
                }
                Ok(None) => break,
                Err(found) => {
                    failure = Some(found);
                    break;
                }
            }
        }
        let is_last = batch.is_empty() || failure.is_some();
        if !batch.is_empty() {
            let done = log.import(batch).await.map_err(|error| {
                store_failure(&error).at(format!("lines {first} to {} of {}", lines.number, lines.name))
            })?;
            total.add(done);
        }
        match failure {
            Some(failure) => return Err(failure),
            None if is_last => return Ok(()),
            None => {}
        }
    }
}

/// Returns whether the request that brought the event brought others before it.
fn is_of_earlier(event: &Event) -> bool {
    matches!(event.original, Some(Original::With(seq)) if seq != event.position.seq)
}

/// What was imported.
#[derive(Default)]
struct Total {
    imported: Imported,
}

impl Total {
    fn add(&mut self, done: Imported) {
        self.imported.added += done.added;
        self.imported.known += done.known;
        self.imported.oldest = self.imported.oldest.or(done.oldest);
    }

    /// Adds to an error how much was imported before it.
    fn explain(&self, failure: Failure) -> Failure {
        let done = match self.imported.added + self.imported.known {
            0 => "nothing was imported".to_owned(),
            lines => format!(
                "{} before it are in the log; correct the line and import the file again, which skips them",
                count(lines, "event")
            ),
        };
        let why = failure.why.as_ref().map_or(done.clone(), |why| format!("{why}; {done}"));
        failure.why(why)
    }
}

/// The lines of a file, or of stdin.
struct Lines {
    from: Box<dyn BufRead>,
    name: String,
    number: u64,
    /// What [`Lines::next`] returns next.
    kept_back: Option<Line>,
}

/// An event, and the request that is kept with it.
type Line = (Event, Option<HttpMessage>);

impl Lines {
    fn open(file: &Path) -> Result<Lines, Failure> {
        if file == Path::new("-") {
            if std::io::stdin().is_terminal() {
                return Err(Failure::usage("no file was given, and stdin is a terminal")
                    .fix("name a file: fanfare log import events.ndjson"));
            }
            return Ok(Lines {
                from: Box::new(std::io::stdin().lock()),
                name: "stdin".to_owned(),
                number: 0,
                kept_back: None,
            });
        }
        let from = File::open(file).map_err(|error| Failure::file("read", file, &error))?;
        let from = Box::new(BufReader::new(from));
        Ok(Lines { from, name: file.display().to_string(), number: 0, kept_back: None })
    }

    /// Lets the last line come again.
    fn put_back(&mut self, line: Line) {
        self.number -= 1;
        self.kept_back = Some(line);
    }

    /// Returns the event of the next line that is not empty; `None` at the end.
    fn next(&mut self) -> Result<Option<Line>, Failure> {
        if let Some(line) = self.kept_back.take() {
            self.number += 1;
            return Ok(Some(line));
        }
        loop {
            self.number += 1;
            let at = format!("line {} of {}", self.number, self.name);
            let mut bytes = Vec::new();
            let read = (&mut self.from).take(LINE_LEN_MAX + 1).read_until(b'\n', &mut bytes);
            let len = read.map_err(|error| Failure::file("read", Path::new(&self.name), &error).at(&*at))?;
            if len == 0 {
                self.number -= 1;
                return Ok(None);
            }
            if len as u64 > LINE_LEN_MAX {
                return Err(Failure::usage(format!("the line is over {} MiB", LINE_LEN_MAX >> 20)).at(at));
            }
            let Ok(text) = String::from_utf8(bytes) else {
                return Err(Failure::usage("the line is not UTF-8 text").at(at));
            };
            if text.trim().is_empty() {
                continue;
            }
            let event = line::event(text.trim()).map_err(|invalid| {
                let member = if invalid.at.is_empty() { String::new() } else { format!(", {}", invalid.at) };
                Failure::from(invalid).at(format!("{at}{member}"))
            })?;
            return Ok(Some(event));
        }
    }
}
