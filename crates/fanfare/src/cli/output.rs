//! Output: results go to stdout in the chosen format, everything else to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde_json::Value;

use crate::cli::failure::Failure;
use crate::cli::text::{harmless, harmless_json};

/// Output format of results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// For people
    #[default]
    Human,
    /// One JSON object; streams: one per line
    Json,
    /// One JSON object per line
    Ndjson,
    /// Columns
    Table,
    /// Bare values, one per line: messages, ids or names
    Raw,
}

impl Mode {
    /// Returns whether the format is for programs.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Mode::Json | Mode::Ndjson)
    }
}

/// Styles in the terminal's sixteen colors, which follow its theme. Color never carries information of its own.
pub(crate) mod style {
    use super::{AnsiColor, Style};

    pub(crate) const BOLD: Style = Style::new().bold();
    pub(crate) const CHANNEL: Style = AnsiColor::Cyan.on_default();
    pub(crate) const DIM: Style = Style::new().dimmed();
    pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
    pub(crate) const HEADER: Style = Style::new().bold().underline();
    pub(crate) const LITERAL: Style = AnsiColor::Cyan.on_default().bold();
    pub(crate) const SUCCESS: Style = AnsiColor::Green.on_default().bold();
    pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
}

/// Writes results, notes, warnings and errors in the chosen format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Output format of results.
    pub(crate) mode: Mode,
    /// Whether to print only results and errors.
    pub(crate) quiet: bool,
    /// How often `-v` was given.
    pub(crate) verbose: u8,
    /// Whether the caller is an agent.
    pub(crate) agent: bool,
}

/// Leaves out the members of an object that have no value, as the gateway's answers do.
pub(crate) fn present(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    object
}

impl Output {
    /// Prints a line of results.
    pub(crate) fn line(&self, line: impl AsRef<str>) -> io::Result<()> {
        let line = match self.mode.is_json() {
            true => harmless_json(line.as_ref()),
            false => Cow::Borrowed(line.as_ref()),
        };
        let mut stdout = anstream::stdout().lock();
        stdout.write_all(line.as_bytes())?;
        stdout.write_all(b"\n")
    }

    /// Prints a line of text from others, byte for byte.
    pub(crate) fn bare(&self, line: impl AsRef<str>) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(line.as_ref().as_bytes())?;
        stdout.write_all(b"\n")
    }

    /// Warns a person at a terminal that texts from others are printed unchanged.
    pub(crate) fn warn_of_raw(&self) {
        if self.mode == Mode::Raw && io::stdout().is_terminal() {
            self.warn(
                "raw text can control your terminal; for text from others, use another format or `| less`",
            );
        }
    }

    /// Prints a result in the chosen format.
    pub(crate) fn result(
        &self,
        human: impl FnOnce() -> String,
        json: &str,
        raw: impl FnOnce() -> String,
    ) -> io::Result<()> {
        match self.mode {
            Mode::Human | Mode::Table => self.line(human()),
            Mode::Json | Mode::Ndjson => self.line(json),
            Mode::Raw => self.bare(raw()),
        }
    }

    /// Prints a note for people: nothing with `--quiet` or a format for programs.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet && !self.mode.is_json() {
            say(text.as_ref());
        }
    }

    /// Prints a possible next step, at a terminal or for an agent, so that it does not end up in log files.
    pub(crate) fn hint(&self, text: impl AsRef<str>) {
        if io::stderr().is_terminal() || self.agent {
            self.note(text);
        }
    }

    /// Prints a warning that does not stop the command; as JSON in a format for programs.
    pub(crate) fn warn(&self, text: &str) {
        use style::WARNING;
        if self.mode.is_json() {
            say(&harmless_json(&serde_json::json!({ "warning": text }).to_string()));
        } else if !self.quiet {
            say(&format!("{WARNING}!{WARNING:#} {}", harmless(text)));
        }
    }

    /// Prints the error that ends a command.
    pub(crate) fn failure(&self, failure: &Failure) {
        use style::{BOLD, ERROR, LITERAL};
        if failure.is_broken_pipe {
            return;
        }
        if self.mode.is_json() {
            return say(&harmless_json(&failure.json()));
        }
        // Parts of the text may come from a gateway.
        let mut text = format!("{ERROR}error{ERROR:#}: {}", harmless(&failure.what));
        if let Some(at) = &failure.at {
            text.push_str(&format!("\n   {BOLD}at{BOLD:#}: {}", harmless(at)));
        }
        if let Some(why) = &failure.why {
            text.push_str(&format!("\n  {BOLD}why{BOLD:#}: {}", harmless(why)));
        }
        if let Some(fix) = &failure.fix {
            text.push_str(&format!("\n  {LITERAL}fix{LITERAL:#}: {}", harmless(fix)));
        }
        say(&text);
    }
}

/// Writes a line to stderr. An error is ignored: a caller that closed stderr does not want the line.
fn say(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}
