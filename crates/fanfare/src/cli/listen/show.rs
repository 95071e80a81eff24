//! The output of `listen`: events on stdout, and notices on stderr or, in a format for programs, between the events.

use std::io::{self, IsTerminal};

use fanfare_core::Pattern;
use jiff::ZonedDateTime;

use crate::cli::event_line::EventLines;
use crate::cli::filter_words::filter_words;
use crate::cli::listen::forward::Forwarded;
use crate::cli::output::style::{BOLD, DIM, ERROR, SUCCESS, WARNING};
use crate::cli::output::{Mode, Output};
use crate::cli::text;
use crate::cli::webhooks::attempt_rows::span;
use fanfare_client::{Notice, Received};

/// Prints events and notices.
#[derive(Debug)]
pub(crate) struct Show {
    output: Output,
    lines: EventLines,
    /// Whether commands run, which then own stdout.
    runs_commands: bool,
    /// Forwarded events that were delivered.
    delivered: u64,
    /// Forwarded events that were not delivered.
    failed: u64,
}

impl Show {
    pub(crate) fn new(output: Output, runs_commands: bool) -> Show {
        Show { output, lines: EventLines::new(), runs_commands, delivered: 0, failed: 0 }
    }

    /// Prints what `listen` listens to, at a terminal.
    pub(crate) fn start(&self, patterns: &[Pattern], server: &str) {
        self.output.warn_of_raw();
        if !io::stderr().is_terminal() {
            return;
        }
        let channels = match patterns {
            [] => "all channels".to_owned(),
            patterns => patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", "),
        };
        self.output.note(format!(
            "{DIM}listening to{DIM:#} {BOLD}{channels}{BOLD:#} {DIM}at {server} · press Ctrl-C to stop{DIM:#}"
        ));
    }

    pub(crate) fn event(&mut self, event: &Received) -> io::Result<()> {
        match self.output.mode {
            Mode::Human | Mode::Table => {
                self.output.line(self.lines.write(&event.value, &ZonedDateTime::now()))
            }
            Mode::Json | Mode::Ndjson => self.output.line(&event.json),
            Mode::Raw => self.output.bare(&event.value.message),
        }
    }

    /// Prints the event that a command was started for, with `-v`.
    pub(crate) fn started(&mut self, event: &Received) {
        if self.output.verbose > 0 {
            self.output.note(self.lines.write(&event.value, &ZonedDateTime::now()));
        }
    }

    /// Prints an event that was forwarded, and the outcome.
    pub(crate) fn forwarded(&mut self, event: &Received, forwarded: &Forwarded) -> io::Result<()> {
        match forwarded.delivered {
            true => self.delivered += 1,
            false => self.failed += 1,
        }
        match self.output.mode {
            Mode::Json | Mode::Ndjson => {
                let outcome = serde_json::to_string(forwarded)?;
                self.output.line(format!("{{\"event\":{},\"forwarded\":{outcome}}}", event.json))
            }
            Mode::Raw => self.output.line(forwarded.said()),
            Mode::Human | Mode::Table => {
                let line = self.lines.write(&event.value, &ZonedDateTime::now());
                let said = text::harmless(&forwarded.said()).into_owned();
                let outcome = match forwarded.delivered {
                    true => {
                        format!("{SUCCESS}→{SUCCESS:#} {said} {DIM}in {}{DIM:#}", span(forwarded.total_us))
                    }
                    false => format!("{ERROR}✗ {said}{ERROR:#}"),
                };
                self.output.line(format!("{line}  {outcome}"))
            }
        }
    }

    /// Prints how many events were forwarded, and returns how many were not delivered.
    pub(crate) fn end(&self) -> u64 {
        if self.delivered + self.failed > 0 && (io::stderr().is_terminal() || self.failed > 0) {
            let failed = match self.failed {
                0 => String::new(),
                failed => format!(", {} not delivered", text::grouped(failed)),
            };
            let delivered = text::grouped(self.delivered);
            self.output.note(format!("{DIM}{delivered} delivered{failed}{DIM:#}"));
        }
        self.failed
    }

    pub(crate) fn warn(&self, warning: &str) {
        self.output.warn(warning);
    }

    pub(crate) fn notice(&self, notice: &Notice) -> io::Result<()> {
        if self.output.mode.is_json() && !self.runs_commands {
            return self.output.line(serde_json::to_string(notice)?);
        }
        match notice {
            // After `closing`, `disconnected` follows and has the reason.
            Notice::Closing { .. } => {}
            Notice::Connected { again: false, overlooked, .. } => {
                for channel in overlooked {
                    let channel = text::harmless(channel);
                    self.remark(&format!(
                        "`{channel}.>` does not select `{channel}`, which has events; to listen to both: fanfare \
                         listen {channel} '{channel}.>'"
                    ));
                }
            }
            Notice::CaughtUp { .. } => {
                if io::stderr().is_terminal() && self.output.verbose > 0 {
                    self.output.note(format!("{DIM}– all caught up; what follows is live –{DIM:#}"));
                }
            }
            Notice::Connected { again: true, after, .. } => {
                let after =
                    after.as_ref().map(|after| format!(", continuing after {after}")).unwrap_or_default();
                self.remark(&format!("{SUCCESS}✓{SUCCESS:#} reconnected{}", text::harmless(&after)));
            }
            Notice::Disconnected { problem, retry_ms } => {
                let delay = text::duration(std::time::Duration::from_millis(*retry_ms));
                self.warning(&format!("{problem}; retrying in {delay}"));
            }
            Notice::Gap { after, next, missed, reason } => {
                let count = text::count(*missed, "event");
                self.warning(&match reason.as_str() {
                    "retention" => {
                        format!("retention already removed up to {count} between {after} and {next}")
                    }
                    "purged" => format!("up to {count} between {after} and {next} were purged"),
                    "damaged" => {
                        format!("the log is damaged: up to {count} between {after} and {next} cannot be read")
                    }
                    "shed" => format!("skipped {count} of low priority between {after} and {next} (--shed)"),
                    other => format!("up to {count} between {after} and {next} are gone ({other})"),
                });
            }
            Notice::ReaderFilter { channels, types, min_priority, text } => {
                let words = filter_words(channels, types, min_priority, text.as_deref());
                self.warning(&format!("the reader has its own filter: {words}"));
            }
            Notice::Reset { reason, position } => self.warning(&format!(
                "{}\n  continuing live after {position}; for earlier events, run fanfare history",
                match reason.as_str() {
                    "another_epoch" => "the gateway has a different log now, so you may have missed events",
                    "ahead_of_log" => "the log ends before the requested position",
                    "unreadable" => "the requested position is invalid",
                    other => other,
                }
            )),
        }
        Ok(())
    }

    /// Prints a warning that can contain words of the gateway.
    fn warning(&self, warning: &str) {
        self.remark(&format!("{WARNING}!{WARNING:#} {}", text::harmless(warning)));
    }

    /// Prints something important, even if stderr is not a terminal. Only `--quiet` hides it.
    fn remark(&self, remark: &str) {
        if self.output.mode.is_json() {
            self.output.warn(&anstream::adapter::strip_str(remark).to_string());
        } else {
            self.output.note(remark);
        }
    }
}
