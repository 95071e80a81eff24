//! `fanfare push --ndjson`: pushes lines as they arrive, in batches.

use std::collections::BTreeMap;
use std::io::BufRead;

use fanfare_core::{Channel, Door, Invalid, Principal, Source, new_event};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::cli::failure::said;
use crate::cli::output::Mode;
use crate::cli::output::style::{DIM, SUCCESS};
use crate::cli::push::idempotency_key;
use crate::cli::text::count;
use crate::cli::{Context, Exit, Failure};
use fanfare_client::Api;

/// Maximum events in a batch. Larger batches do not increase the gateway's throughput.
const BATCH_LEN: usize = 256;

/// Size at which a batch is sent, far below the 16 MiB that a gateway accepts.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// Maximum lines that wait while a batch is sent. Further lines stay in the pipe.
const QUEUE_LEN: usize = 256;

/// Maximum length of a line: a message and data of the maximum size, escaped.
const LINE_LEN_MAX: usize = 4 * 1024 * 1024;

/// A valid line.
struct Line {
    number: u64,
    event: String,
}

/// Pushes the lines of stdin. The lines that arrive while a batch is sent become the next batch, so a single line is
/// never delayed.
pub(crate) async fn push_lines(channel: Option<Channel>, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    let (sender, mut lines) = mpsc::channel(QUEUE_LEN);
    // A thread, because reading stdin cannot be cancelled. It ends with stdin or with the program.
    std::thread::spawn(move || read_lines(channel.as_ref(), &sender));
    let mut total = Total { pushed: 0, last_id: String::new() };
    while let Some(first) = lines.recv().await {
        let (batch, failure) = collect(first, &mut lines);
        if !batch.is_empty() {
            push(&api, &batch, &mut total, context).await.map_err(|failure| total.explain(failure))?;
        }
        if let Some(failure) = failure {
            return Err(total.explain(failure));
        }
    }
    if context.output.mode == Mode::Human || context.output.mode == Mode::Table {
        let last =
            if total.pushed == 0 { String::new() } else { format!(" {DIM}· last{DIM:#} {}", total.last_id) };
        context
            .output
            .line(format!("{SUCCESS}✓{SUCCESS:#} pushed {}{last}", count(total.pushed, "event")))?;
    }
    Ok(Exit::Ok)
}

struct Total {
    pushed: u64,
    last_id: String,
}

impl Total {
    /// Adds to an error how many events were pushed before it.
    fn explain(&self, failure: Failure) -> Failure {
        if self.pushed == 0 {
            return failure;
        }
        let done = format!("{} pushed before it, up to {}", count(self.pushed, "event"), self.last_id);
        let why = failure.why.as_ref().map_or(done.clone(), |why| format!("{why}; {done}"));
        failure.why(why)
    }
}

async fn push(api: &Api, batch: &[Line], total: &mut Total, context: &Context) -> Result<(), Failure> {
    let body = batch.iter().fold(String::new(), |body, line| body + &line.event + "\n");
    let answer = api.push_batch(body).await.map_err(|error| {
        let failure = Failure::from(error);
        let lines = match batch {
            [line] => format!("line {} of stdin", line.number),
            lines => format!("lines {} to {} of stdin", lines[0].number, lines[lines.len() - 1].number),
        };
        let at = failure.at.as_ref().map_or(lines.clone(), |at| format!("{lines}, {at}"));
        failure.at(at)
    })?;
    total.pushed += answer.value.count as u64;
    total.last_id = answer.value.last_id.to_string();
    match context.output.mode {
        Mode::Human | Mode::Table => {}
        Mode::Json | Mode::Ndjson => context.output.line(&answer.json)?,
        Mode::Raw => answer.value.ids.iter().try_for_each(|id| context.output.line(id.to_string()))?,
    }
    Ok(())
}

/// Collects the lines that have arrived into a batch, within its bounds. An invalid line ends the batch.
fn collect(
    first: Result<Line, Failure>,
    lines: &mut mpsc::Receiver<Result<Line, Failure>>,
) -> (Vec<Line>, Option<Failure>) {
    let mut batch = Vec::new();
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(line) = next {
        match line {
            Ok(line) => {
                bytes += line.event.len();
                batch.push(line);
            }
            Err(failure) => return (batch, Some(failure)),
        }
        let is_full = batch.len() == BATCH_LEN || bytes >= BATCH_BYTES;
        next = if is_full { None } else { lines.try_recv().ok() };
    }
    (batch, None)
}

fn read_lines(channel: Option<&Channel>, lines: &mpsc::Sender<Result<Line, Failure>>) {
    let mut stdin = std::io::stdin().lock();
    let mut number = 0;
    loop {
        number += 1;
        let line = match read_line(&mut stdin, number) {
            Ok(None) => return,
            Ok(Some(text)) if text.trim().is_empty() => continue,
            Ok(Some(text)) => checked(&text, number, channel),
            Err(failure) => Err(failure),
        };
        let is_last = line.is_err();
        // The receiver is gone if a batch has failed.
        if lines.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}

fn read_line(stdin: &mut impl BufRead, number: u64) -> Result<Option<String>, Failure> {
    let mut bytes = Vec::new();
    let mut limited = std::io::Read::take(&mut *stdin, LINE_LEN_MAX as u64 + 1);
    let read = limited.read_until(b'\n', &mut bytes);
    let at = format!("line {number} of stdin");
    match read {
        Ok(0) => Ok(None),
        Ok(_) if bytes.len() > LINE_LEN_MAX => {
            Err(Failure::usage(format!("the line is over {} MiB", LINE_LEN_MAX >> 20))
                .at(at)
                .fix("push a link to larger data"))
        }
        Ok(_) => String::from_utf8(bytes).map(Some).map_err(|_| {
            Failure::usage("the line is not UTF-8 text").at(at).fix("push JSON, one object per line")
        }),
        Err(error) => Err(Failure::usage("cannot read stdin").why(said(&error))),
    }
}

/// Checks a line, because only here its number is known, and adds a key to it. The rest of the line stays unchanged.
fn checked(text: &str, number: u64, channel: Option<&Channel>) -> Result<Line, Failure> {
    let explain = |invalid: Invalid| {
        let member = invalid.at.strip_prefix("/0").filter(|member| !member.is_empty());
        let at = format!(
            "line {number} of stdin{}",
            member.map(|member| format!(", {member}")).unwrap_or_default()
        );
        Failure::from(invalid).at(at)
    };
    // Shells on Windows put a byte order mark before what they pipe.
    let text = text.trim().trim_start_matches('\u{feff}').trim_start();
    let source = Source { principal: Principal::local().name().clone(), door: Door::Http, agent: None };
    new_event::parse_ndjson(text.as_bytes(), &source).map_err(explain)?;
    let members: BTreeMap<&str, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    let mut event = String::from("{");
    if !members.contains_key("idempotency_key") {
        event.push_str(&format!("\"idempotency_key\":\"{}\",", idempotency_key()));
    }
    if let Some(channel) = channel.filter(|_| !members.contains_key("channel")) {
        event.push_str(&format!("\"channel\":\"{channel}\","));
    }
    // An event has at least a message, so something follows the comma.
    event.push_str(text.trim_start_matches('{').trim_start());
    Ok(Line { number, event })
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn a_line_gets_a_key_and_stays_unchanged_otherwise() {
        let line = checked(" { \"message\": \"x\", \"data\": 1.50 }\n", 1, None).expect("an event");
        assert!(line.event.starts_with("{\"idempotency_key\":\"cli-"), "{}", line.event);
        assert!(line.event.ends_with(",\"message\": \"x\", \"data\": 1.50 }"), "{}", line.event);
        let line = checked("{\"idempotency_key\":\"mine\",\"message\":\"x\"}", 1, None).expect("an event");
        assert_eq!(line.event, "{\"idempotency_key\":\"mine\",\"message\":\"x\"}");
    }

    #[test]
    fn the_channel_of_the_flag_is_for_lines_without_one() {
        let channel = "builds".parse().expect("a channel");
        let event = |text| checked(text, 1, Some(&channel)).expect("an event").event;
        assert!(
            event("{\"message\":\"x\",\"idempotency_key\":\"a\"}").starts_with("{\"channel\":\"builds\",")
        );
        assert!(!event("{\"message\":\"x\",\"channel\":\"b\",\"idempotency_key\":\"a\"}").contains("builds"));
    }

    #[test]
    fn an_error_names_its_line() {
        let failure =
            checked("{\"message\":\"x\",\"priority\":\"urgent\"}", 7, None).map(|_| ()).expect_err("wrong");
        assert_eq!(failure.at.as_deref(), Some("line 7 of stdin, /priority"));
        assert!(checked("hello", 1, None).is_err());
    }
}
