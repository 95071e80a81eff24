//! `fanfare doctor`: checks the setup and says how to fix what is wrong.

mod checks;
mod data;

use std::path::Path;

use crate::cli::output::style::{BOLD, DIM, ERROR, LITERAL, SUCCESS, WARNING};
use crate::cli::output::{Mode, Output, present};
use crate::cli::settings::{Key, Settings};
use crate::cli::text::harmless;
use crate::cli::{Exit, Failure, block_on, examples, global};

/// Check your setup for problems
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Run all checks", "fanfare doctor"),
    ("Also push an event and listen for it", "fanfare doctor --live"),
    ("In a script", "fanfare doctor -o json && echo fine"),
], "Exit code 0 if no check failed, otherwise 1."))]
pub(crate) struct Args {
    /// Also push an event and listen for it (channel `doctor`)
    #[arg(long)]
    live: bool,
}

/// The result of a check.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// Short name of the check, for programs.
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    /// Description of what was found.
    pub(crate) what: String,
    /// The next step.
    pub(crate) fix: Option<String>,
}

/// The verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Bad,
    Good,
    /// Worth knowing, but not a problem.
    Note,
}

impl Finding {
    pub(crate) fn good(check: &'static str, what: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Good, what: what.into(), fix: None }
    }

    pub(crate) fn note(check: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Note, what: what.into(), fix: Some(fix.into()) }
    }

    pub(crate) fn bad(check: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Bad, what: what.into(), fix: Some(fix.into()) }
    }

    /// Creates a finding from an error.
    pub(crate) fn failed(check: &'static str, failure: &Failure) -> Finding {
        let at = failure.at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
        let why = failure.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        Finding {
            check,
            verdict: Verdict::Bad,
            what: format!("{}{at}{why}", failure.what),
            fix: failure.fix.as_deref().map(str::to_owned),
        }
    }
}

pub(crate) fn run(
    args: &Args,
    flags: Vec<(Key, Vec<String>)>,
    named: Option<&Path>,
    output: Output,
) -> Result<Exit, Failure> {
    let (findings, output) = match Settings::load(flags, named) {
        Ok(settings) => {
            let output = Output { mode: global::mode(&settings), ..output };
            (block_on(checks::all(&settings, named, args.live))?, output)
        }
        Err(failure) => (vec![Finding::failed("configuration", &failure)], output),
    };
    let is_fine = findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    print(&findings, is_fine, output)?;
    Ok(if is_fine { Exit::Ok } else { Exit::Failed })
}

fn print(findings: &[Finding], is_fine: bool, output: Output) -> Result<(), Failure> {
    let json = |finding: &Finding| {
        let verdict = match finding.verdict {
            Verdict::Bad => "bad",
            Verdict::Good => "good",
            Verdict::Note => "note",
        };
        let (check, what, fix) = (&finding.check, &finding.what, &finding.fix);
        present(serde_json::json!({ "check": check, "verdict": verdict, "what": what, "fix": fix }))
    };
    match output.mode {
        Mode::Json => {
            let checks: Vec<_> = findings.iter().map(json).collect();
            output.line(serde_json::json!({ "ok": is_fine, "checks": checks }).to_string())?;
        }
        Mode::Ndjson => findings.iter().try_for_each(|finding| output.line(json(finding).to_string()))?,
        Mode::Human | Mode::Table | Mode::Raw => {
            for finding in findings {
                output.line(line(finding))?;
            }
            let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
            output.note(match bad {
                0 => format!("\n{BOLD}Everything looks good.{BOLD:#}"),
                1 => format!("\n{BOLD}1 problem found.{BOLD:#}"),
                bad => format!("\n{BOLD}{bad} problems found.{BOLD:#}"),
            });
        }
    }
    Ok(())
}

fn line(finding: &Finding) -> String {
    let (symbol, style) = match finding.verdict {
        Verdict::Bad => ("✗", ERROR),
        Verdict::Good => ("✓", SUCCESS),
        Verdict::Note => ("!", WARNING),
    };
    let mut line =
        format!("{style}{symbol}{style:#} {BOLD}{:<14}{BOLD:#} {}", finding.check, harmless(&finding.what));
    if let Some(fix) = &finding.fix {
        line.push_str(&format!("\n  {DIM}{:<14}{DIM:#} {LITERAL}fix{LITERAL:#}: {}", "", harmless(fix)));
    }
    line
}
