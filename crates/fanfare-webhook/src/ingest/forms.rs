//! Forms: what Twilio, Slack's commands, Mailgun and others send instead of JSON.

use serde_json::{Map, Value, json};

use crate::ingest::Incoming;
use crate::ingest::document::Document;

/// Maximum fields of a form: far more than any sender has.
const FIELDS_MAX: usize = 1_000;
/// The member of a form in which a sender that means JSON puts it.
const PAYLOAD: &str = "payload";

/// Reads a form as an object with a member for each field. `None` if the body is none.
pub(super) fn read(incoming: &Incoming<'_>) -> Option<Document> {
    let fields = match incoming.media_type().as_str() {
        "application/x-www-form-urlencoded" => encoded(incoming.body)?,
        "multipart/form-data" => multipart(incoming.body, &boundary(incoming.header("content-type")?)?)?,
        _ => return None,
    };
    let payload = fields.iter().find(|(name, _)| name == PAYLOAD).and_then(|(_, value)| value.as_str());
    let inner = payload.and_then(|json| Document::object(json.as_bytes()).ok());
    Some(inner.unwrap_or_else(|| Document::of(Value::Object(members(fields)))))
}

/// Returns the fields; a name that appears several times is a list.
fn members(fields: Vec<(String, Value)>) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, value) in fields {
        match members.get_mut(&name) {
            None => drop(members.insert(name, value)),
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    members
}

/// Reads the encoding of forms in URLs. `curl -d` declares every text to be one, so a body that no form would have
/// (with a space, or a part without `=`) is none.
fn encoded(body: &[u8]) -> Option<Vec<(String, Value)>> {
    let body = body.trim_ascii_end();
    let is_encoded = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'{' | b'}');
    let is_field = |part: &[u8]| part.iter().position(|byte| *byte == b'=').is_some_and(|at| at > 0);
    let mut parts = body.split(|byte| *byte == b'&').filter(|part| !part.is_empty()).peekable();
    parts.peek()?;
    if !body.iter().all(is_encoded) || !parts.all(is_field) {
        return None;
    }
    let fields = url::form_urlencoded::parse(body).take(FIELDS_MAX);
    Some(fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}

fn boundary(content_type: &str) -> Option<String> {
    parameter(content_type, "boundary").filter(|boundary| (1..=70).contains(&boundary.len()))
}

/// Reads the parts of a body of RFC 7578. Of a file, the name, the type and the length are kept.
fn multipart(body: &[u8], boundary: &str) -> Option<Vec<(String, Value)>> {
    let delimiter = format!("--{boundary}").into_bytes();
    let mut fields = Vec::new();
    let mut rest = behind(body, &delimiter)?;
    while let Some(part) = rest.strip_prefix(b"\r\n").filter(|_| fields.len() < FIELDS_MAX) {
        let (head, after) = split(part, b"\r\n\r\n")?;
        let end = [b"\r\n".as_slice(), &delimiter].concat();
        let (content, after) = split(after, &end)?;
        rest = after;
        let head = String::from_utf8_lossy(head);
        let disposition = header(&head, "content-disposition").unwrap_or_default();
        let Some(name) = parameter(disposition, "name") else { continue };
        let value = match parameter(disposition, "filename") {
            Some(file) => {
                json!({"filename": file, "content_type": content_type(&head), "bytes": content.len()})
            }
            None => Value::String(String::from_utf8_lossy(content).into_owned()),
        };
        fields.push((name, value));
    }
    rest.starts_with(b"--").then_some(fields)
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}

fn behind<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    split(bytes, mark).map(|(_, after)| after)
}

/// Returns a parameter of a header such as `form-data; name="a"; filename="b; c.txt"`.
fn parameter(header: &str, name: &str) -> Option<String> {
    let (_, mut rest) = header.split_once(';')?;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = value(after.trim_start());
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after.split_once(';')?.1;
    }
}

/// Returns the value at the start of `text`, and what follows it. Within quotes, `;` belongs to the value, and a
/// backslash escapes a quote or a backslash.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, _) = text.split_once(';').unwrap_or((text, ""));
        return (value.trim().to_owned(), &text[value.len()..]);
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' if chars.as_str().starts_with(['"', '\\']) => value.extend(chars.next()),
            c => value.push(c),
        }
    }
    (value, chars.as_str())
}

fn content_type(head: &str) -> &str {
    header(head, "content-type").unwrap_or("application/octet-stream")
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parameter;

    #[test]
    fn a_parameter_is_read_as_senders_write_it() {
        for (header, name, value) in [
            ("form-data; name=a", "name", Some("a")),
            ("form-data; NAME = \"a\" ; x=1", "name", Some("a")),
            ("form-data; filename=\"a; name=b.txt\"; name=\"c\"", "name", Some("c")),
            ("form-data; name=\"c\"; filename=\"a; b.txt\"", "filename", Some("a; b.txt")),
            (r#"form-data; name="say \"hi\""; filename="C:\logs\a.txt""#, "name", Some(r#"say "hi""#)),
            (r#"form-data; name="say \"hi\""; filename="C:\logs\a.txt""#, "filename", Some(r"C:\logs\a.txt")),
            ("multipart/form-data; boundary=\"a;b\"", "boundary", Some("a;b")),
            ("form-data; name=\"open", "name", Some("open")),
            ("form-data; name", "name", None),
            ("form-data", "name", None),
        ] {
            assert_eq!(parameter(header, name).as_deref(), value, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(text in "(;|=|\"|\\\\|name|.){0,24}") {
            let _ = parameter(&text, "name");
        }
    }
}
