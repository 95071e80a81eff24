//! The output of `receive`: events as `listen` prints them, with the outcome of the request.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;

use fanfare_webhook::signature::SIGNATURE;
use jiff::ZonedDateTime;
use serde_json::{Map, Value, json};

use crate::cli::event_line::{EventLines, time};
use crate::cli::output::style::{BOLD, DIM, ERROR, SUCCESS, WARNING};
use crate::cli::output::{Mode, Output, present};
use crate::cli::receive::body::events_in;
use crate::cli::receive::judge::Verdict;
use crate::cli::receive::registration::{Registration, reached_at};
use crate::cli::receive::server::ReceivedRequest;
use crate::cli::text::{count, harmless, shortened};
use crate::cli::verify::diagnosis::what;

/// Maximum characters of a body that is not an event.
const BODY_CHARS_MAX: usize = 200;

/// Prints requests and counts them.
#[derive(Debug)]
pub(crate) struct Show {
    output: Output,
    lines: EventLines,
    accepted: u64,
    failed: u64,
    refused: u64,
}

impl Show {
    pub(crate) fn new(output: Output) -> Show {
        Show { output, lines: EventLines::new(), accepted: 0, failed: 0, refused: 0 }
    }

    /// Prints the URL of the receiver: as JSON in a format for programs, otherwise only at a terminal.
    pub(crate) fn start(&self, address: SocketAddr, registration: Option<&Registration>) -> io::Result<()> {
        self.output.warn_of_raw();
        let url = registration.map_or_else(
            || format!("http://{}/", reached_at(address)),
            |registration| registration.url.clone(),
        );
        if self.output.mode.is_json() {
            let mut line = json!({ "notice": "receiving", "url": url });
            if let Some(registration) = registration {
                line["webhook_id"] = registration.id.as_str().into();
            }
            return self.output.line(line.to_string());
        }
        if io::stderr().is_terminal() {
            let registered = registration
                .map(|registration| format!(" {DIM}· registered as {}{DIM:#}", registration.id))
                .unwrap_or_default();
            self.output.note(format!(
                "{DIM}receiving at{DIM:#} {BOLD}{url}{BOLD:#}{registered} {DIM}· press Ctrl-C to stop{DIM:#}"
            ));
        }
        Ok(())
    }

    /// Prints a request.
    pub(crate) fn request(&mut self, got: &ReceivedRequest) -> io::Result<()> {
        match (&got.verdict, got.status) {
            (Verdict::Refused(_), _) => self.refused += 1,
            (_, 200..300) => self.accepted += 1,
            _ => self.failed += 1,
        }
        match self.output.mode {
            Mode::Json | Mode::Ndjson => self.output.line(line_of(got).to_string()),
            Mode::Raw => self.output.bare(String::from_utf8_lossy(&got.body)),
            Mode::Human | Mode::Table => self.human(got),
        }
    }

    fn human(&mut self, got: &ReceivedRequest) -> io::Result<()> {
        let now = ZonedDateTime::now();
        let outcome = outcome(got);
        let events = events_in(&got.body);
        match events.as_slice() {
            [] => {
                let body = String::from_utf8_lossy(&got.body);
                let body = harmless(body.trim()).replace('\n', " ");
                let body = shortened(&body, BODY_CHARS_MAX).into_owned();
                let (at, path) = (time(got.at, &now), harmless(&got.path).into_owned());
                self.output.line(format!("{DIM}{at}{DIM:#} · POST {path}  {body}  {outcome}"))?;
            }
            [one] => self.output.line(format!("{}  {outcome}", self.lines.write(one.line(got.at), &now)))?,
            many => {
                for event in many {
                    // Here the time of arrival matters, not that of the push.
                    let line = self.lines.write(event.line(got.at), &now);
                    self.output.line(line)?;
                }
                let events = count(many.len() as u64, "event");
                self.output.line(format!("           {DIM}batch of {events}{DIM:#}  {outcome}"))?;
            }
        }
        if self.output.verbose > 0 {
            self.output.line(details(got))?;
        }
        Ok(())
    }

    /// Prints the number of requests, at a terminal.
    pub(crate) fn end(&self) {
        if !io::stderr().is_terminal() {
            return;
        }
        let mut parts = vec![format!("{} accepted", self.accepted)];
        if self.failed > 0 {
            parts.push(format!("{} failed on purpose", self.failed));
        }
        if self.refused > 0 {
            parts.push(format!("{} refused", self.refused));
        }
        self.output.note(format!("{DIM}{}{DIM:#}", parts.join(", ")));
    }
}

/// Describes the outcome of a request: `✓ verified, again (2) → 200`.
fn outcome(got: &ReceivedRequest) -> String {
    let verdict = match &got.verdict {
        Verdict::Verified => format!("{SUCCESS}✓{SUCCESS:#} verified"),
        Verdict::NoKey => format!("{DIM}not verified{DIM:#}"),
        Verdict::Refused(mismatch) => format!("{ERROR}✗{ERROR:#} {}", what(SIGNATURE, mismatch)),
    };
    let again = match got.attempt {
        0 | 1 => String::new(),
        attempt => format!(", {WARNING}again{WARNING:#} ({attempt})"),
    };
    let status = got.status;
    let response = match (status, got.on_purpose) {
        (200..300, _) => format!("{DIM}→ {status}{DIM:#}"),
        (_, true) => format!("{ERROR}→ {status}{ERROR:#} {DIM}on purpose{DIM:#}"),
        (_, false) => format!("{ERROR}→ {status}{ERROR:#}"),
    };
    format!("{verdict}{again} {response}")
}

fn details(got: &ReceivedRequest) -> String {
    let mut text = String::new();
    for (name, value) in &got.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        text.push_str(&format!("           {DIM}{name}:{DIM:#} {}\n", harmless(&value)));
    }
    let body = String::from_utf8_lossy(&got.body);
    text.push_str(&format!("           {}", harmless(body.trim_end()).replace('\n', "\n           ")));
    text
}

/// Returns a request as JSON.
fn line_of(got: &ReceivedRequest) -> Value {
    let headers: Map<String, Value> = got
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let body: Value = serde_json::from_slice(&got.body)
        .unwrap_or_else(|_| String::from_utf8_lossy(&got.body).into_owned().into());
    let (verified, problem) = match &got.verdict {
        Verdict::Verified => (Value::Bool(true), None),
        Verdict::NoKey => (Value::Null, None),
        Verdict::Refused(mismatch) => (Value::Bool(false), Some(mismatch.to_string())),
    };
    let mut line = present(json!({
        "received_at": got.at,
        "path": got.path,
        "id": got.id,
        "attempt": got.attempt,
        "again": got.attempt > 1,
        "verified": verified,
        "problem": problem,
        "status_code": got.status,
        "on_purpose": got.on_purpose,
        "headers": headers,
    }));
    // A body can be `null`.
    line["body"] = body;
    line
}
