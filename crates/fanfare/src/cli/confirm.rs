//! The confirmation prompt before something is removed or resent.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::cli::output::Mode;
use crate::cli::output::style::BOLD;
use crate::cli::{Context, Failure};

/// Asks for confirmation and returns whether to continue. Only a person at a terminal is asked; scripts, agents and
/// `--yes` continue without a prompt.
pub(crate) fn confirmed(question: &str, is_agreed: bool, context: &Context) -> Result<bool, Failure> {
    let output = context.output;
    let is_asked = matches!(output.mode, Mode::Human | Mode::Table)
        && !output.agent
        && !output.quiet
        && io::stdin().is_terminal()
        && io::stderr().is_terminal();
    if is_agreed || !is_asked {
        return Ok(true);
    }
    let mut stderr = anstream::stderr().lock();
    write!(stderr, "{BOLD}{question}{BOLD:#} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed("cannot read the answer").why(error.to_string()).fix("add --yes"))?;
    let is_yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !is_yes {
        output.note("nothing was changed");
    }
    Ok(is_yes)
}
