//! Arguments of tools: parsed strictly, and refused with errors that a model can act on.

use fanfare_core::members::Members;
use fanfare_core::{Code, Invalid, Position};
use serde_json::{Value, json};

use fanfare_hub::Hub;

/// Reads `given`, a JSON object, through `take`; what that does not take is refused. The error is for the model.
pub(super) fn take<T>(
    given: &str,
    example: &str,
    take: impl FnOnce(&mut Members<'_>) -> Result<T, Invalid>,
) -> Result<T, String> {
    read(given, take).map_err(|invalid| refused(&invalid, example))
}

/// Reads as [`take`] does; the error says what is wrong.
pub(super) fn read<T>(
    given: &str,
    take: impl FnOnce(&mut Members<'_>) -> Result<T, Invalid>,
) -> Result<T, Invalid> {
    let what = "`arguments`";
    let mut members = Members::named(what, given.as_bytes(), Code::InvalidQuery, "send a JSON object")?;
    let taken = take(&mut members)?;
    members.finish()?;
    Ok(taken)
}

/// Describes the problem at the place that `invalid` names.
pub(super) fn refused(invalid: &Invalid, example: &str) -> String {
    let name = invalid.at.trim_start_matches('/');
    match name.is_empty() || invalid.what.contains(&format!("`{name}`")) {
        true => format!("{}; {}. Example: {example}", invalid.what, invalid.fix),
        false => refuse(name, invalid, example),
    }
}

/// Describes the problem with the argument `name`.
pub(super) fn refuse(name: &str, invalid: &Invalid, example: &str) -> String {
    format!("`{name}`: {}; {}. Example: {example}", invalid.what, invalid.fix)
}

/// Describes a duration or a time. A number of seconds is accepted as well; a schema with two types is not.
pub(super) fn time(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// Returns an argument that the tool cannot do without.
pub(super) fn needed<T>(name: &str, given: Option<T>, example: &str) -> Result<T, String> {
    given.ok_or_else(|| format!("`{name}` is missing. Example: {example}"))
}

/// Reads a position of this log.
pub(super) fn position(hub: &Hub, name: &str, text: &str, example: &str) -> Result<Position, String> {
    let position: Position = text.parse().map_err(|invalid| refuse(name, &invalid, example))?;
    if position.epoch == hub.epoch() {
        return Ok(position);
    }
    Err(format!(
        "`{name}`: `{position}` belongs to a different log (an earlier one of this gateway, or another gateway's); \
         positions in this log start with `{}-`, and the last is `{}`. Call again without `{name}`, or with a \
         position this gateway returned. Example: {example}",
        hub.epoch(),
        hub.last()
    ))
}
