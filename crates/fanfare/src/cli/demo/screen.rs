//! The screen of `fanfare demo`: what to try, then each event with its receivers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fanfare_api::words::Door;
use fanfare_core::Principal;
use jiff::ZonedDateTime;

use crate::cli::Failure;
use crate::cli::demo::once;
use crate::cli::demo::round_trip::Trip;
use crate::cli::event_line::EventLines;
use crate::cli::output::Output;
use crate::cli::output::style::{BOLD, DIM, ERROR, LITERAL, SUCCESS};
use crate::cli::receive::server::ReceivedRequest;
use crate::gateway::Running;
use fanfare_client::Received;
use fanfare_delivery::registry::Entry;
use fanfare_hub::client::Transport;

/// Prints the screen of the demo.
#[derive(Debug)]
pub(crate) struct Screen {
    output: Output,
    url: String,
    lines: EventLines,
}

/// Number of subscriptions that match an event, by outlet.
#[derive(Debug, Default, Clone, Copy)]
struct Live {
    http: usize,
    sse: usize,
    websocket: usize,
    mcp: usize,
    webhook: usize,
}

impl Screen {
    pub(crate) fn new(output: Output, url: &str) -> Screen {
        Screen { output, url: url.to_owned(), lines: EventLines::new() }
    }

    /// Prints the URL of the dashboard and commands to try.
    pub(crate) fn head(&self) -> Result<(), Failure> {
        let url = &self.url;
        if self.output.mode.is_json() {
            let line = serde_json::json!({ "event": "listening", "url": url });
            return Ok(self.output.line(line.to_string())?);
        }
        let program = program();
        // The commands below use the default address unless FANFARE_URL is set.
        let elsewhere = if url.ends_with("127.0.0.1:8000") {
            String::new()
        } else {
            format!("\n  {DIM}First{DIM:#}      export FANFARE_URL={url}")
        };
        self.output.line(format!(
            "{BOLD}fanfare {}{BOLD:#}  demo {DIM}· in memory · reachable only from this machine{DIM:#}\n\n  \
             {DIM}Dashboard{DIM:#}  {LITERAL}{url}/{LITERAL:#}{elsewhere}\n  \
             {DIM}Listen{DIM:#}     curl -N {url}/stream\n             \
             {program} listen\n  \
             {DIM}Push{DIM:#}       curl -d \"deploy finished\" {url}/api/push/builds\n             \
             {program} push -c builds \"deploy finished\" sha=ab12\n  \
             {DIM}Webhook{DIM:#}    {program} receive --register\n",
            env!("CARGO_PKG_VERSION"),
        ))?;
        Ok(())
    }

    /// Prints the result of the round trip.
    pub(crate) fn checked(&self, trips: &[Trip]) -> Result<(), Failure> {
        if self.output.mode.is_json() {
            return Ok(self.output.line(once::json(trips))?);
        }
        let trips: Vec<String> = trips
            .iter()
            .map(|Trip { way, result }| match result {
                Ok(elapsed) => {
                    format!("{SUCCESS}✓{SUCCESS:#} {way} {DIM}{:.1} ms{DIM:#}", elapsed.as_secs_f64() * 1e3)
                }
                Err(problem) => format!("{ERROR}✗{ERROR:#} {way} {problem}"),
            })
            .collect();
        self.output.line(format!(
            "  {}\n\n  {DIM}Events and who received them · press Ctrl-C to stop{DIM:#}\n",
            trips.join("   ")
        ))?;
        Ok(())
    }

    /// Prints a request to the demo's own webhook, if it is a failure or a retry.
    pub(crate) fn webhook(&self, got: &ReceivedRequest) -> Result<(), Failure> {
        if !got.on_purpose && got.attempt < 2 {
            return Ok(());
        }
        if self.output.mode.is_json() {
            let line = serde_json::json!({ "webhook": { "id": got.id, "attempt": got.attempt, "status_code": got.status } });
            return Ok(self.output.line(line.to_string())?);
        }
        let (status, attempt) = (got.status, got.attempt);
        let returned = format!("{DIM}the demo's webhook returned{DIM:#} {status}");
        self.output.line(match got.on_purpose {
            true => format!("         {ERROR}✗{ERROR:#} {returned} {DIM}on purpose; retrying in 1 s{DIM:#}"),
            false => format!("         {SUCCESS}✓{SUCCESS:#} {returned} {DIM}on attempt {attempt}{DIM:#}"),
        })?;
        Ok(())
    }

    /// Prints an event and who received it. The demo's own webhook is not counted.
    pub(crate) async fn event(
        &mut self,
        event: &Received,
        running: &Running,
        own_webhook: &str,
    ) -> Result<(), Failure> {
        let live = live(event, running, own_webhook).await;
        if self.output.mode.is_json() {
            self.output.line(format!(
                "{{\"event\":{},\"live\":{{\"sse\":{},\"websocket\":{},\"mcp\":{},\"http\":{},\"webhook\":{}}}}}",
                event.json, live.sse, live.websocket, live.mcp, live.http, live.webhook
            ))?;
            return Ok(());
        }
        let mut shown = event.value.clone();
        let is_sample = shown.source.door == Door::Demo;
        if is_sample {
            // The label replaces the data, to leave room for the receivers.
            shown.data = None;
        }
        let label = if is_sample { format!("  {DIM}sample{DIM:#}") } else { String::new() };
        let line = self.lines.write(&shown, &ZonedDateTime::now());
        let parts = [
            ("sse", live.sse),
            ("ws", live.websocket),
            ("mcp", live.mcp),
            ("http", live.http),
            ("webhook", live.webhook),
        ];
        let got: Vec<String> = parts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(outlet, count)| format!("{SUCCESS}{outlet}→{count}{SUCCESS:#}"))
            .collect();
        let got = if got.is_empty() { format!("{DIM}→ no one yet{DIM:#}") } else { got.join(" ") };
        self.output.line(format!("{line}{label}  {got}"))?;
        Ok(())
    }
}

/// Counts the connections that match `event`, and the webhooks that match it and are not paused.
async fn live(event: &Received, running: &Running, own_webhook: &str) -> Live {
    let (mut live, hub, by) = (Live::default(), running.hub(), Principal::local());
    let Ok(Some(event)) = hub.event(&by, event.value.id).await else { return live };
    for client in hub.clients(&by) {
        if client.feed.filter.matches(&event) {
            match client.transport {
                Transport::Http => live.http += 1,
                Transport::Mcp => live.mcp += 1,
                Transport::Sse => live.sse += 1,
                Transport::Webhook => {}
                Transport::WebSocket => live.websocket += 1,
            }
        }
    }
    let gets_it = |entry: &&Arc<Entry>| {
        let webhook = entry.webhook();
        webhook.options.filter.matches(&event)
            && webhook.id.as_str() != own_webhook
            && !entry.health().is_paused()
    };
    live.webhook = running.webhooks().list(&by).iter().filter(gets_it).count();
    live
}

/// Returns how to call this program: `fanfare` if the shell finds it in PATH, otherwise its path.
fn program() -> String {
    let Ok(program) = std::env::current_exe() else { return "fanfare".to_owned() };
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|directory| directory.join("fanfare")).find(|path| path.is_file())
    });
    if found.is_some_and(|found| found.canonicalize().ok() == program.canonicalize().ok()) {
        return "fanfare".to_owned();
    }
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::new());
    match program.strip_prefix(&here) {
        Ok(relative) => Path::new(".").join(relative).display().to_string(),
        Err(_) => program.display().to_string(),
    }
}
