//! Examples and notes below a command's help.

use clap::builder::StyledStr;

use crate::cli::output::style::{DIM, HEADER};

/// Lays out examples, each a description and a command.
pub(crate) fn examples(examples: &[(&str, &str)]) -> StyledStr {
    with_note(examples, "")
}

/// Lays out examples with a note below them. Clap wraps the note, so a paragraph is one line.
pub(crate) fn with_note(examples: &[(&str, &str)], note: &str) -> StyledStr {
    let mut text = format!("{HEADER}Examples:{HEADER:#}\n");
    for (index, (description, command)) in examples.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        text.push_str(&format!("{gap}  {DIM}# {description}{DIM:#}\n  {command}\n"));
    }
    if !note.is_empty() {
        text.push_str(&format!("\n{note}"));
    }
    StyledStr::from(text.trim_end().to_owned())
}
