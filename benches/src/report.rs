//! The report of a run: one line for people on stderr, one JSON line on stdout.

use std::{
    fmt::Arguments,
    io::{Write, stderr, stdout},
};

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

/// Writes a line to stderr. A closed stderr is not a reason to stop measuring.
pub(crate) fn say(line: Arguments<'_>) {
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Writes the result as one JSON line `{"bench": …, …}` to stdout.
pub(crate) fn emit(bench: &str, result: &impl Serialize) -> Result<()> {
    let mut line = json!({ "bench": bench });
    if let (Value::Object(line), Value::Object(members)) = (&mut line, serde_json::to_value(result)?) {
        line.extend(members);
    }
    writeln!(stdout().lock(), "{line}")?;
    Ok(())
}
