//! A template that is compiled, and its run.

use std::collections::HashSet;
use std::fmt;

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter};

use crate::template::context::NAMES;
use crate::template::filters;
use crate::template::format::Format;
use crate::template::grammar;
use crate::template::limited::Limited;
use crate::template::{BODY_LEN_MAX, RenderError};
use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};

/// The fuel of a body, without what the event needs: 50,000 steps, or 3 MiB of text on the way.
const FUEL: u64 = 50_000;
/// The bytes of an event that pay for one more fuel: all of its data can be written twice.
const EVENT_BYTES_PER_FUEL: u64 = 2;
/// The fuel of a sample, which is short, and whose caller waits on a thread that serves.
const SAMPLE_FUEL: u64 = 10_000;
/// Maximum depth of loops and conditions: the stack of a thread has room for ten times as many.
const DEPTH_MAX: usize = 50;
/// The name of the only template of an environment.
const NAME: &str = "template";

/// A compiled template.
pub(super) struct Program {
    environment: Environment<'static>,
    uses_data: bool,
}

impl Program {
    /// Compiles a text. An error has the line.
    pub(super) fn compile(text: &str, format: Format) -> Result<Program, Invalid> {
        grammar::check(text)?;
        let mut environment = Environment::empty();
        filters::add_to(&mut environment);
        // Events differ: one without `data` must be delivered too. Names that no event has are refused below.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_recursion_limit(DEPTH_MAX);
        environment.set_auto_escape_callback(move |_| match format {
            Format::Json => AutoEscape::Json,
            Format::Form => AutoEscape::Custom("form".into()),
            Format::Text => AutoEscape::None,
        });
        if format == Format::Form {
            environment.set_formatter(|out, state, value| match state.auto_escape() {
                AutoEscape::Custom(_) if !value.is_safe() => {
                    Ok(out.write_str(&filters::urlencoded(&value.to_string()))?)
                }
                AutoEscape::Custom(_) => Ok(write!(out, "{value}")?),
                _ => escape_formatter(out, state, value),
            });
        }
        environment.add_template_owned(NAME, text.to_owned()).map_err(|error| invalid(&error))?;
        let names =
            environment.get_template(NAME).map_err(|error| invalid(&error))?.undeclared_variables(false);
        check_names(&names, text)?;
        Ok(Program { environment, uses_data: names.contains("data") })
    }

    /// Returns whether the template uses the event's data.
    pub(super) fn uses_data(&self) -> bool {
        self.uses_data
    }

    /// Returns the body for an event of `event_len` bytes.
    pub(super) fn render(&self, context: Value, event_len: u64) -> Result<Vec<u8>, RenderError> {
        self.run(context, FUEL + event_len / EVENT_BYTES_PER_FUEL)
    }

    /// Returns the body for a sample.
    pub(super) fn try_out(&self, context: Value) -> Result<Vec<u8>, RenderError> {
        self.run(context, SAMPLE_FUEL)
    }

    fn run(&self, context: Value, fuel: u64) -> Result<Vec<u8>, RenderError> {
        // Shares everything but this number.
        let mut environment = self.environment.clone();
        environment.set_fuel(Some(fuel));
        let mut body = Limited::new(BODY_LEN_MAX);
        let template = environment.get_template(NAME).map_err(|error| failed(&error))?;
        match template.render_captured_to(context, &mut body).map(drop) {
            _ if body.is_full => Err(RenderError::TooLong),
            Ok(()) => Ok(body.bytes),
            Err(error) if error.kind() == ErrorKind::OutOfFuel => Err(RenderError::TooMuch),
            Err(error) => Err(failed(&error)),
        }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("uses_data", &self.uses_data).finish_non_exhaustive()
    }
}

/// Refuses names that no event has: they would be empty in every body.
fn check_names(names: &HashSet<String>, text: &str) -> Result<(), Invalid> {
    let mut unknown: Vec<&String> = names.iter().filter(|name| !NAMES.contains(&name.as_str())).collect();
    unknown.sort_unstable();
    let Some(name) = unknown.first() else { return Ok(()) };
    let line = grammar::line_of(text, name);
    let known = NAMES.map(|name| format!("`{name}`")).join(", ");
    Err(Invalid::new(
        Code::InvalidWebhook,
        format!("line {line}: the name `{}` is unknown", shown(name)),
        format!("use {known}; members of the data are `data.member`"),
    ))
}

/// Describes an error of the engine; it repeats nothing of an event.
fn problem(error: &Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}

fn failed(error: &Error) -> RenderError {
    RenderError::Failed { problem: problem(error) }
}

fn invalid(error: &Error) -> Invalid {
    Invalid::new(
        Code::InvalidWebhook,
        problem(error),
        "correct the template: `{{ message }}` writes a value, `{% if data.url %} … {% endif %}` is a condition",
    )
}
