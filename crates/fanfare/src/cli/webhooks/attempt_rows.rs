//! Formats attempts: as rows with the time of each phase, or one with its request and response.

use std::io;

use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::output::Output;
use crate::cli::output::style::{BOLD, DIM, ERROR, SUCCESS};
use crate::cli::text::{count, harmless};
use fanfare_api::webhooks::attempts::{Attempt, Times};
use fanfare_api::words::Method;

/// Prints attempts as a table.
pub(crate) fn print(output: &Output, attempts: &[Attempt], now: &ZonedDateTime) -> io::Result<()> {
    let cells: Vec<Vec<String>> = attempts.iter().map(|attempt| row(attempt, now)).collect();
    output.table(&["time", "result", "event", "attempt", "connect ", "wait ", "body ", "total "], &cells)
}

fn row(attempt: &Attempt, now: &ZonedDateTime) -> Vec<String> {
    let Times { connect_us, tls_us, dns_us, wait_us, body_us, total_us } = attempt.detail.times;
    // DNS, TCP and TLS share a column, because their parts rarely matter.
    let connect = [dns_us, connect_us, tls_us].into_iter().flatten().reduce(|one, two| one + two);
    let phase = |us: Option<u64>| us.map_or_else(|| "–".to_owned(), span);
    let (symbol, style) = if attempt.is_delivered() { ("✓", SUCCESS) } else { ("✗", ERROR) };
    vec![
        time(attempt.started_at, now),
        format!("{style}{symbol}{style:#} {}", result_text(attempt)),
        harmless(&event_text(attempt)).into_owned(),
        numbered(attempt),
        phase(connect),
        phase(wait_us),
        phase(body_us),
        span(total_us),
    ]
}

fn event_text(attempt: &Attempt) -> String {
    match (attempt.detail.kind.as_str(), attempt.detail.events) {
        ("test", _) => "–".to_owned(),
        (_, 1) => attempt.detail.event_id.to_string(),
        (_, events) => format!("{} +{}", attempt.detail.event_id, events - 1),
    }
}

fn numbered(attempt: &Attempt) -> String {
    match attempt.detail.kind.as_str() {
        "delivery" => attempt.number.to_string(),
        kind => harmless(kind).into_owned(),
    }
}

/// Formats the status of the response, or why there is none.
pub(crate) fn result_text(attempt: &Attempt) -> String {
    match attempt.detail.status_code {
        // A response can fail after its status, for example while its body is read. Then both are shown.
        Some(status) if attempt.is_delivered() || attempt.detail.outcome.as_str().starts_with("http_") => {
            status.to_string()
        }
        Some(status) => format!("{status}, {}", words(attempt.detail.outcome.as_str())),
        None => words(attempt.detail.outcome.as_str()),
    }
}

/// Formats an outcome for people.
pub(crate) fn words(outcome: &str) -> String {
    match outcome {
        "connection_refused" => "refused".to_owned(),
        "http_3xx" => "HTTP 3xx".to_owned(),
        "http_4xx" => "HTTP 4xx".to_owned(),
        "http_5xx" => "HTTP 5xx".to_owned(),
        "dns_error" => "name not found".to_owned(),
        "tls_error" => "TLS failed".to_owned(),
        "protocol_error" => "not HTTP".to_owned(),
        "target_refused" => "not allowed".to_owned(),
        "no_original" => "not sent: the original is not kept".to_owned(),
        "template_error" => "not sent: the template failed".to_owned(),
        other => harmless(&other.replace('_', " ")).into_owned(),
    }
}

/// Formats microseconds: `0.4 ms`, `12 ms`, `3.2 s`.
pub(crate) fn span(micros: u64) -> String {
    match micros {
        0..50 => "<0.1 ms".to_owned(),
        50..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// Formats one attempt with its request and response.
pub(crate) fn whole(attempt: &Attempt, now: &ZonedDateTime) -> String {
    let (symbol, style) = if attempt.is_delivered() { ("✓", SUCCESS) } else { ("✗", ERROR) };
    let number = match attempt.detail.kind.as_str() {
        "delivery" => format!("attempt {}", attempt.number),
        kind => harmless(kind).into_owned(),
    };
    let mut text = format!(
        "{style}{symbol}{style:#} {BOLD}{}{BOLD:#} {DIM}· {number} · {} · {}{DIM:#}",
        result_text(attempt),
        time(attempt.started_at, now),
        phases(attempt.detail.times),
    );
    if let Some(problem) = &attempt.detail.problem {
        text.push_str(&format!("\n  {}", harmless(problem)));
    }
    if let Some(request) = &attempt.detail.request {
        let method = request.method.as_ref().map_or("POST", Method::as_str);
        text.push_str(&format!("\n\n  {DIM}{}{DIM:#} {}", harmless(method), harmless(&request.url)));
        push_headers(&mut text, &request.headers);
        let body = count(request.body_bytes, "byte");
        text.push_str(&format!("\n  {DIM}body: {body}{DIM:#}"));
    }
    if let Some(answer) = &attempt.detail.answer {
        let status =
            attempt.detail.status_code.map_or_else(|| "response".to_owned(), |status| status.to_string());
        text.push_str(&format!("\n\n  {DIM}HTTP{DIM:#} {status}"));
        push_headers(&mut text, &answer.headers);
        if !answer.body.is_empty() {
            let body = harmless(answer.body.trim_end()).replace('\n', "\n  ");
            text.push_str(&format!("\n\n  {body}"));
        }
        if answer.is_cut {
            text.push_str(&format!("\n  {DIM}… truncated{DIM:#}"));
        }
    }
    if attempt.detail.answer_is_hidden {
        text.push_str(&format!("\n\n  {DIM}the response of a private address is not shown{DIM:#}"));
    }
    text
}

fn push_headers(text: &mut String, headers: &serde_json::Map<String, serde_json::Value>) {
    for (name, value) in headers {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.push_str(&format!("\n  {DIM}{}:{DIM:#} {}", harmless(name), harmless(&value)));
    }
}

fn phases(times: Times) -> String {
    let Times { dns_us, connect_us, tls_us, wait_us, body_us, total_us } = times;
    let phases =
        [("DNS", dns_us), ("connect", connect_us), ("TLS", tls_us), ("wait", wait_us), ("body", body_us)];
    let parts: Vec<String> =
        phases.into_iter().filter_map(|(name, us)| Some(format!("{name} {}", span(us?)))).collect();
    match parts.as_slice() {
        [] => span(total_us),
        parts => format!("{} ({})", span(total_us), parts.join(", ")),
    }
}
