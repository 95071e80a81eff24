//! The filters and tests of templates: what messages need, each bounded. Fuel pays for what they return; those that could
//! return more than they take check it first.

use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::template::{BODY_LEN_MAX, cut};

/// The bytes that fuel of 1 pays for, as in the engine.
const BYTES_PER_FUEL: usize = 64;

/// What stays as it is in a form: RFC 3986, section 2.3.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Adds all of them.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("default", default);
    environment.add_filter("join", join);
    environment.add_filter("length", length);
    environment.add_filter("lower", |text: String| text.to_lowercase());
    environment.add_filter("replace", replace);
    environment.add_filter("slack", |text: String, max: usize| cut::for_slack(&text, max));
    environment.add_filter("tojson", tojson);
    environment.add_filter("trim", |text: String| text.trim().to_owned());
    environment.add_filter("truncate", |text: String, max: usize| cut::to_units(&text, max));
    environment.add_filter("truncate_bytes", |text: String, max: usize| cut::to_bytes(&text, max));
    environment.add_filter("truncate_json", |text: String, max: usize| cut::to_json_bytes(&text, max));
    environment.add_filter("upper", |text: String| text.to_uppercase());
    environment.add_filter("urlencode", |text: String| Value::from_safe_string(urlencoded(&text)));
    environment.add_test("defined", |value: &Value| !value.is_undefined());
    environment.add_test("undefined", |value: &Value| value.is_undefined());
    environment.add_test("none", |value: &Value| value.is_none());
    environment.add_test("string", |value: &Value| value.kind() == ValueKind::String);
    environment.add_test("number", |value: &Value| value.kind() == ValueKind::Number);
}

/// Returns a text as in a form.
pub(super) fn urlencoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Replaces a value that is missing, or `null`.
fn default(value: &Value, other: Rest<Value>) -> Value {
    match value.is_undefined() || value.is_none() {
        true => other.first().cloned().unwrap_or_else(|| "".into()),
        false => value.clone(),
    }
}

fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() {
        // As for loops: events differ in what they have.
        return Ok(0);
    }
    let len = value.as_str().map(|text| text.chars().count()).or_else(|| value.len());
    len.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "`length` needs a text, a list or an object"))
}

fn join(state: &State<'_, '_>, list: &Value, separator: Option<String>) -> Result<String, Error> {
    let separator = separator.unwrap_or_default();
    let mut joined = String::new();
    for (index, item) in list.try_iter()?.enumerate() {
        if index > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&item.to_string());
        state.consume_fuel(1)?;
        if joined.len() > BODY_LEN_MAX {
            return Err(Error::from(ErrorKind::OutOfFuel));
        }
    }
    Ok(joined)
}

fn replace(state: &State<'_, '_>, text: String, from: String, to: String) -> Result<String, Error> {
    if from.is_empty() {
        return Err(Error::new(ErrorKind::InvalidOperation, "`replace` needs a text to replace"));
    }
    // Before the text is there.
    let more = text.matches(&from).count().saturating_mul(to.len());
    state.consume_fuel((text.len().saturating_add(more) / BYTES_PER_FUEL) as u64)?;
    Ok(text.replace(&from, &to))
}

fn tojson(value: &Value) -> Result<Value, Error> {
    let json = serde_json::to_string(value);
    json.map(Value::from_safe_string)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}
