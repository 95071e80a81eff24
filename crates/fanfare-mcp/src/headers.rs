//! The headers in which a modern request repeats parts of its body (2026-07-28, Streamable HTTP, "Request headers"), so
//! that intermediaries can route without reading bodies. They must match the body: otherwise an intermediary and we
//! would decide about two different requests.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::Value;

use crate::error::{Error, shown};
use crate::params::Params;

/// The revision.
pub const VERSION: &str = "mcp-protocol-version";
/// The method.
pub const METHOD: &str = "mcp-method";
/// The name or URI that the request is about.
pub const NAME: &str = "mcp-name";
/// The session; legacy only.
pub const SESSION: &str = "mcp-session-id";
/// The prefix of the headers that repeat an argument.
const PARAM_PREFIX: &str = "mcp-param-";

/// An argument of a tool that is repeated in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeader {
    /// The names that lead from the arguments to this one.
    pub path: Vec<String>,
    /// The name of the header, in lowercase.
    pub header: String,
}

/// Finds the arguments that `schema` marks with `x-mcp-header`: only those reachable by `properties` alone.
pub fn annotated(schema: &Value) -> Vec<ParamHeader> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found);
    found
}

fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<ParamHeader>) {
    /// The maximum depth that is searched: no schema of ours is deeper, and a schema might refer to itself.
    const DEPTH_MAX: usize = 16;
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    if path.len() >= DEPTH_MAX {
        return;
    }
    for (name, property) in properties {
        path.push(name.clone());
        if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
            let header = format!("{PARAM_PREFIX}{}", header.to_ascii_lowercase());
            found.push(ParamHeader { path: path.clone(), header });
        }
        collect(property, path, found);
        path.pop();
    }
}

/// Checks the revision and the method.
pub fn check(headers: &HeaderMap, version: &str, method: &str) -> Result<(), Error> {
    // Intermediaries read these two headers as they are, so an encoded form would tell them something else.
    same(VERSION, plain(headers, VERSION)?.map(Cow::Borrowed), version)?;
    same(METHOD, plain(headers, METHOD)?.map(Cow::Borrowed), method)
}

/// Checks the name that `method` is about: `params.name` of a tool or prompt, `params.uri` of a resource.
pub fn check_name(headers: &HeaderMap, method: &str, params: &Params) -> Result<(), Error> {
    if !matches!(method, "prompts/get" | "resources/read" | "tools/call") {
        return Ok(());
    }
    let name = if method == "resources/read" { "uri" } else { "name" };
    match params.read_member::<String>(name)? {
        Some(name) => same(NAME, decoded(headers, NAME)?, &name),
        None => Err(Error::invalid_params(format!("the parameters have no `{name}`"))),
    }
}

/// Checks the headers of the arguments that a tool wants repeated; `arguments` is a JSON object.
pub fn check_params(headers: &HeaderMap, wanted: &[ParamHeader], arguments: &str) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let arguments: Value = serde_json::from_str(arguments)
        .map_err(|error| Error::invalid_params(format!("invalid `arguments`: {error}")))?;
    for param in wanted {
        let value = param.path.iter().try_fold(&arguments, |value, name| value.get(name));
        let said = decoded(headers, &param.header)?;
        let name = param.path.join(".");
        match (value.filter(|value| !value.is_null()), said) {
            (None, None) => {}
            (Some(value), Some(said)) if says(value, &said) => {}
            (Some(_), None) => {
                return Err(Error::header_mismatch(format!(
                    "the header `{}` is missing; it repeats the argument `{name}`",
                    param.header
                )));
            }
            (_, Some(said)) => {
                return Err(Error::header_mismatch(format!(
                    "the header `{}` says `{}`, which does not match the argument `{name}`",
                    param.header,
                    shown(&said)
                )));
            }
        }
    }
    Ok(())
}

/// Compares an argument with its header: text exactly, integers as numbers.
fn says(value: &Value, header: &str) -> bool {
    match value {
        Value::Bool(value) => header == if *value { "true" } else { "false" },
        Value::Number(number) => header.parse::<serde_json::Number>().is_ok_and(|said| {
            said == *number || (said.as_f64() == number.as_f64() && number.is_f64() | said.is_f64())
        }),
        Value::String(text) => header == text,
        Value::Array(_) | Value::Null | Value::Object(_) => false,
    }
}

fn same(name: &str, said: Option<Cow<'_, str>>, body: &str) -> Result<(), Error> {
    match said {
        Some(said) if said == body => Ok(()),
        Some(said) => Err(Error::header_mismatch(format!(
            "the header `{name}` says `{}`, the body says `{}`",
            shown(&said),
            shown(body)
        ))),
        None => Err(Error::header_mismatch(format!(
            "the header `{name}` is missing; it repeats `{}` of the body",
            shown(body)
        ))),
    }
}

/// Reads a header; one that appears more than once is refused.
fn plain<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Error> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::header_mismatch(format!("the header `{name}` appears more than once")));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
        Err(_) => Err(Error::header_mismatch(format!("the header `{name}` is not in ASCII"))),
    }
}

/// Reads a header that may be in base64: `=?base64?…?=`.
fn decoded<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<Cow<'a, str>>, Error> {
    let Some(text) = plain(headers, name)? else { return Ok(None) };
    let Some(encoded) = text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Ok(Some(Cow::Borrowed(text)));
    };
    let text = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let problem = || Error::header_mismatch(format!("the header `{name}` is not the base64 of a text"));
    text.map(|text| Some(Cow::Owned(text))).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::{annotated, check, check_params};

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn headers_must_say_what_the_body_says() {
        for (list, fine) in [
            (&[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")][..], true),
            (&[("mcp-protocol-version", " 2026-07-28\t"), ("mcp-method", "tools/list ")], true),
            (&[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "=?base64?dG9vbHMvbGlzdA==?=")], false),
            (&[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "Tools/List")], false),
            (&[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "=?base64?!!?=")], false),
            (&[("mcp-protocol-version", "2026-07-28")], false),
            (&[("mcp-method", "tools/list")], false),
            (&[("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/list")], false),
        ] {
            assert_eq!(check(&headers(list), "2026-07-28", "tools/list").is_ok(), fine, "{list:?}");
        }
        let mut twice = headers(&[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")]);
        twice.append("mcp-method", HeaderValue::from_static("tools/list"));
        assert!(check(&twice, "2026-07-28", "tools/list").is_err());
    }

    #[test]
    fn arguments_that_are_repeated_must_be_the_same() {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "more": { "type": "object", "properties": { "n": { "type": "integer", "x-mcp-header": "N" } } },
            "any": { "anyOf": [{ "properties": { "x": { "x-mcp-header": "X" } } }] },
        } });
        let wanted = annotated(&schema);
        assert_eq!(wanted.len(), 2);
        for (list, arguments, fine) in [
            (&[][..], "{}", true),
            (&[("mcp-param-region", "eu")], r#"{"region":"eu"}"#, true),
            (&[("mcp-param-region", "=?base64?w7w=?=")], r#"{"region":"ü"}"#, true),
            (&[("mcp-param-region", "us")], r#"{"region":"eu"}"#, false),
            (&[], r#"{"region":"eu"}"#, false),
            (&[("mcp-param-region", "eu")], "{}", false),
            (&[("mcp-param-n", "7")], r#"{"more":{"n":7}}"#, true),
            (&[("mcp-param-n", "7.0")], r#"{"more":{"n":7}}"#, true),
            (&[("mcp-param-n", "8")], r#"{"more":{"n":7}}"#, false),
        ] {
            assert_eq!(
                check_params(&headers(list), &wanted, arguments).is_ok(),
                fine,
                "{list:?} {arguments}"
            );
        }
    }
}
