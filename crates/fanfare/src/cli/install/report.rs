//! The output of `install` and `uninstall`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::cli::install::change::{Action, Change};
use crate::cli::install::diff::colored;
use crate::cli::install::hosts::Places;
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::output::{Mode, present};
use crate::cli::text::harmless;

/// The outcome for one client's file.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) change: &'a Change,
    /// Whether the change was only shown, with `--dry-run`.
    pub(crate) is_dry: bool,
    pub(crate) backup: Option<PathBuf>,
    /// The snippet to paste, for a client whose file we do not write.
    pub(crate) snippet: Option<String>,
    /// The next step for the user.
    pub(crate) next: Option<String>,
}

/// Shows the changes, and returns whether to carry them out. At a terminal, the user is asked to confirm.
pub(crate) fn is_confirmed(
    changes: &[Change],
    is_agreed: bool,
    places: &Places,
    context: &Context,
) -> Result<bool, Failure> {
    let output = context.output;
    if matches!(output.mode, Mode::Human | Mode::Table) {
        for change in changes.iter().filter(|change| change.is_any()) {
            output.line(colored(&change.diff(places)))?;
        }
    }
    let is_asked = matches!(output.mode, Mode::Human | Mode::Table)
        && !output.agent
        && !output.quiet
        && io::stdin().is_terminal()
        && io::stdout().is_terminal();
    if is_agreed || !is_asked || !changes.iter().any(Change::is_any) {
        return Ok(true);
    }
    let mut stdout = anstream::stdout().lock();
    write!(stdout, "{BOLD}Write these changes?{BOLD:#} [Y/n] ")?;
    stdout.flush()?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed("cannot read the answer").why(error.to_string()).fix("add --yes"))?;
    // The end of input does not confirm.
    Ok(answer.ends_with('\n') && matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

/// Prints the outcomes.
pub(crate) fn tell(outcomes: &[Outcome], places: &Places, context: &Context) -> Result<(), Failure> {
    let output = context.output;
    match output.mode {
        Mode::Human | Mode::Table => {
            outcomes.iter().try_for_each(|outcome| human(outcome, places, context))?;
        }
        Mode::Json => {
            let clients: Vec<_> = outcomes.iter().map(|outcome| json(outcome, places)).collect();
            output.line(json!({ "clients": clients }).to_string())?;
        }
        Mode::Ndjson => {
            outcomes.iter().try_for_each(|outcome| output.line(json(outcome, places).to_string()))?;
        }
        Mode::Raw => outcomes
            .iter()
            .filter(|outcome| outcome.change.is_any())
            .try_for_each(|outcome| output.line(outcome.change.path.display().to_string()))?,
    }
    Ok(())
}

fn human(outcome: &Outcome, places: &Places, context: &Context) -> Result<(), Failure> {
    let output = context.output;
    let title = outcome.change.host.title();
    let path = places.shown(&outcome.change.path);
    let shown = |done: &str| format!("{SUCCESS}✓{SUCCESS:#} {BOLD}{title}{BOLD:#}: {done} {path}");
    let would = |what: &str| format!("{DIM}–{DIM:#} {BOLD}{title}{BOLD:#}: would {what} {path}");
    let line = match (outcome.change.action, outcome.is_dry) {
        (Action::Add, true) => would("add the entry to"),
        (Action::Add, false) => shown("added to"),
        (Action::Change, true) => would("change the entry in"),
        (Action::Change, false) => shown("changed in"),
        (Action::Remove, true) => would("remove the entry from"),
        (Action::Remove, false) => shown("removed from"),
        (Action::Nothing, _) => format!("{DIM}–{DIM:#} {BOLD}{title}{BOLD:#}: nothing to do in {path}"),
        (Action::ByHand, _) => {
            let what = if outcome.snippet.is_some() { "add this to" } else { "edit" };
            format!("{DIM}–{DIM:#} {BOLD}{title}{BOLD:#}: {what} {path} by hand")
        }
    };
    output.line(line)?;
    if let Some(snippet) = &outcome.snippet {
        output.line(snippet)?;
    }
    if !outcome.change.kept.is_empty() {
        output.note(format!("  {DIM}kept: {}{DIM:#}", harmless(&outcome.change.kept.join(", "))));
    }
    if let Some(backup) = &outcome.backup {
        output.note(format!("  {DIM}backup: {}{DIM:#}", places.shown(backup)));
    }
    if let Some(next) = &outcome.next {
        output.note(format!("  {DIM}next:{DIM:#} {next}"));
    }
    Ok(())
}

fn json(outcome: &Outcome, places: &Places) -> serde_json::Value {
    let change = outcome.change;
    let path = |path: &Path| path.display().to_string();
    present(json!({
        "client": change.host.as_str(),
        "scope": change.scope.as_str(),
        "path": path(&change.path),
        "action": match change.action {
            Action::Add => "add",
            Action::ByHand => "by-hand",
            Action::Change => "change",
            Action::Nothing => "nothing",
            Action::Remove => "remove",
        },
        "dry_run": outcome.is_dry,
        "kept": (!change.kept.is_empty()).then_some(&change.kept),
        "diff": change.is_any().then(|| change.diff(places)),
        "backup": outcome.backup.as_deref().map(path),
        "snippet": outcome.snippet,
        "next": outcome.next,
    }))
}
