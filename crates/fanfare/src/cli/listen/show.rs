//! What `listen` shows: events on stdout; on stderr, or for programs between the events, what there is to know.

use std::io::{self, IsTerminal};

use fanfare_core::Pattern;
use jiff::ZonedDateTime;

use crate::cli::event_line::EventLines;
use crate::cli::listen::forward::Forwarded;
use crate::cli::output::style::{BOLD, DIM, ERROR, SUCCESS, WARNING};
use crate::cli::output::{Mode, Output};
use crate::cli::text;
use crate::cli::webhooks::attempt_rows::span;
use fanfare_client::{Notice, Received};

/// What `listen` shows.
#[derive(Debug)]
pub(crate) struct Show {
    output: Output,
    lines: EventLines,
    /// Stdout belongs to the commands.
    runs_commands: bool,
    /// How many events were taken by whom they were forwarded to.
    taken: u64,
    /// How many were not.
    failed: u64,
}

impl Show {
    pub(crate) fn new(output: Output, runs_commands: bool) -> Show {
        Show { output, lines: EventLines::new(), runs_commands, taken: 0, failed: 0 }
    }

    /// Says what is being done, to whoever watches.
    pub(crate) fn start(&self, patterns: &[Pattern], server: &str) {
        if !io::stderr().is_terminal() {
            return;
        }
        let channels = match patterns {
            [] => "all channels".to_owned(),
            patterns => patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", "),
        };
        self.output.note(format!(
            "{DIM}listening to{DIM:#} {BOLD}{channels}{BOLD:#} {DIM}at {server} · Ctrl-C stops{DIM:#}"
        ));
    }

    pub(crate) fn event(&mut self, event: &Received) -> io::Result<()> {
        match self.output.mode {
            Mode::Human | Mode::Table => {
                self.output.line(self.lines.write(&event.value, &ZonedDateTime::now()))
            }
            Mode::Json | Mode::Ndjson => self.output.line(&event.json),
            Mode::Raw => self.output.line(&event.value.message),
        }
    }

    /// Says that a command was started.
    pub(crate) fn started(&mut self, event: &Received) {
        if self.output.verbose > 0 {
            self.output.note(self.lines.write(&event.value, &ZonedDateTime::now()));
        }
    }

    /// Shows an event that was forwarded, and what came back.
    pub(crate) fn forwarded(&mut self, event: &Received, forwarded: &Forwarded) -> io::Result<()> {
        match forwarded.delivered {
            true => self.taken += 1,
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

    /// Says how many were forwarded, to whoever watches; gives how many were not taken.
    pub(crate) fn end(&self) -> u64 {
        if self.taken + self.failed > 0 && (io::stderr().is_terminal() || self.failed > 0) {
            let failed = match self.failed {
                0 => String::new(),
                failed => format!(", {} not taken", text::grouped(failed)),
            };
            self.output.note(format!("{DIM}{} taken{failed}{DIM:#}", text::grouped(self.taken)));
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
            // That the connection is lost follows, and says why.
            Notice::Closing { .. } | Notice::Connected { again: false, .. } => {}
            Notice::CaughtUp { .. } => {
                if io::stderr().is_terminal() && self.output.verbose > 0 {
                    self.output.note(format!("{DIM}– all caught up; what follows is live –{DIM:#}"));
                }
            }
            Notice::Connected { again: true, after } => {
                let after = after.as_ref().map(|after| format!(", going on after {after}")).unwrap_or_default();
                self.remark(&format!("{SUCCESS}✓{SUCCESS:#} connected again{after}"));
            }
            Notice::Disconnected { problem, retry_ms } => {
                let pause = text::duration(std::time::Duration::from_millis(*retry_ms));
                self.remark(&format!("{WARNING}!{WARNING:#} {}; trying again in {pause}", text::harmless(problem)));
            }
            Notice::Gap { after, next, missed } => self.remark(&format!(
                "{WARNING}!{WARNING:#} up to {} were removed before they could be read, between {after} and {next}",
                text::count(*missed, "event")
            )),
            Notice::Reset { reason, position } => self.remark(&format!(
                "{WARNING}!{WARNING:#} {}\n  going on live, after {position}; for earlier ones: fanfare history",
                match reason.as_str() {
                    "another_epoch" => "this is another log than before, so events in between may be missed",
                    "ahead_of_log" => "the log ends before the position that was asked for",
                    "unreadable" => "the position that was asked for cannot be read",
                    other => other,
                }
            )),
        }
        Ok(())
    }

    /// What must not be missed, even when nobody watches; only `--quiet` silences it.
    fn remark(&self, remark: &str) {
        if self.output.mode.is_json() {
            self.output.warn(&anstream::adapter::strip_str(remark).to_string());
        } else {
            self.output.note(remark);
        }
    }
}
