//! Examples under a command's help.

use clap::builder::StyledStr;

use crate::cli::output::style::{DIM, HEADER};

/// Lays out `(what it does, command)`, with whatever is to be known below.
pub(crate) fn examples(examples: &[(&str, &str)]) -> StyledStr {
    with_note(examples, "")
}

/// The same with a note below.
pub(crate) fn with_note(examples: &[(&str, &str)], note: &str) -> StyledStr {
    let mut text = format!("{HEADER}Examples:{HEADER:#}\n");
    for (index, (meaning, command)) in examples.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        text.push_str(&format!("{gap}  {DIM}# {meaning}{DIM:#}\n  {command}\n"));
    }
    if !note.is_empty() {
        text.push_str(&format!("\n{note}"));
    }
    StyledStr::from(text.trim_end().to_owned())
}
