//! `fanfare push --ndjson`: lines become batches, as they come.

use std::collections::BTreeMap;
use std::io::BufRead;

use fanfare_core::{Channel, Door, Invalid, Principal, Source, push_body};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::cli::failure::said;
use crate::cli::output::Mode;
use crate::cli::output::style::{DIM, SUCCESS};
use crate::cli::push::idempotency_key;
use crate::cli::text::count;
use crate::cli::{Context, Exit, Failure};
use fanfare_client::Api;

/// Most events in a batch: where a gateway's throughput stops growing.
const BATCH_LEN: usize = 256;

/// A batch that has so many bytes is sent: far from the 16 MiB that a gateway takes.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// Most lines that wait while a batch is on its way; more stay in the pipe.
const QUEUE_LEN: usize = 256;

/// Longest line: message and data of the largest size, escaped.
const LINE_LEN_MAX: usize = 4 * 1024 * 1024;

/// A line that was checked.
struct Line {
    number: u64,
    event: String,
}

/// Pushes stdin. While a batch is on its way, the lines that come make the next: one at a time is not delayed,
/// and many go together.
pub(crate) async fn push_lines(channel: Option<Channel>, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    let (sender, mut lines) = mpsc::channel(QUEUE_LEN);
    // A thread, because reading stdin cannot be cancelled. It ends with stdin, or with the program.
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
    /// Adds what was done before it went wrong.
    fn explain(&self, failure: Failure) -> Failure {
        if self.pushed == 0 {
            return failure;
        }
        let done = format!("{} before it were pushed, up to {}", count(self.pushed, "event"), self.last_id);
        let why = failure.why.as_ref().map_or(done.clone(), |why| format!("{why}; {done}"));
        failure.why(why)
    }
}

async fn push(api: &Api, batch: &[Line], total: &mut Total, context: &Context) -> Result<(), Failure> {
    let body = batch.iter().fold(String::new(), |body, line| body + &line.event + "\n");
    let answer = api.push_batch(body).await.map_err(|error| {
        let failure = Failure::from(error);
        let lines = format!("lines {} to {} of stdin", batch[0].number, batch[batch.len() - 1].number);
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

/// Takes what is there, up to the bounds of a batch; a line that is wrong ends it.
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
        // The receiver goes away when a batch has failed.
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
            Err(Failure::usage("the line is over 4 MiB").at(at).fix("push the address of larger things"))
        }
        Ok(_) => String::from_utf8(bytes).map(Some).map_err(|_| {
            Failure::usage("the line is no UTF-8 text").at(at).fix("push JSON, one object on a line")
        }),
        Err(error) => Err(Failure::usage("cannot read stdin").why(said(&error))),
    }
}

/// Checks a line here, where its number is known, and gives it a key, without touching what it says.
fn checked(text: &str, number: u64, channel: Option<&Channel>) -> Result<Line, Failure> {
    let explain = |invalid: Invalid| {
        let member = invalid.at.strip_prefix("/0").filter(|member| !member.is_empty());
        let at = format!(
            "line {number} of stdin{}",
            member.map(|member| format!(", {member}")).unwrap_or_default()
        );
        Failure::from(invalid).at(at)
    };
    let text = text.trim();
    let source = Source { principal: Principal::local().name().clone(), door: Door::Http, agent: None };
    push_body::parse_ndjson(text.as_bytes(), &source).map_err(explain)?;
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
    fn a_line_gets_a_key_and_keeps_its_words() {
        let line = checked(" { \"message\": \"x\", \"data\": 1.50 }\n", 1, None).expect("an event");
        assert!(line.event.starts_with("{\"idempotency_key\":\"cli-"), "{}", line.event);
        assert!(line.event.ends_with(",\"message\": \"x\", \"data\": 1.50 }"), "{}", line.event);
        let line = checked("{\"idempotency_key\":\"mine\",\"message\":\"x\"}", 1, None).expect("an event");
        assert_eq!(line.event, "{\"idempotency_key\":\"mine\",\"message\":\"x\"}");
    }

    #[test]
    fn a_channel_is_for_those_that_name_none() {
        let channel = "builds".parse().expect("a channel");
        let event = |text| checked(text, 1, Some(&channel)).expect("an event").event;
        assert!(
            event("{\"message\":\"x\",\"idempotency_key\":\"a\"}").starts_with("{\"channel\":\"builds\",")
        );
        assert!(!event("{\"message\":\"x\",\"channel\":\"b\",\"idempotency_key\":\"a\"}").contains("builds"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let failure =
            checked("{\"message\":\"x\",\"priority\":\"urgent\"}", 7, None).map(|_| ()).expect_err("wrong");
        assert_eq!(failure.at.as_deref(), Some("line 7 of stdin, /priority"));
        assert!(checked("hello", 1, None).is_err());
    }
}
