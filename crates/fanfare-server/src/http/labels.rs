//! Labels: what clients of ntfy and its like write in headers beside a message in plain text, such as `Title:`.

use fanfare_core::json::Json;
use fanfare_core::new_event::Draft;
use fanfare_core::{Code, Invalid, Priority};
use http::HeaderMap;
use serde_json::{Map, Value};

use crate::http::query::Params;
use crate::problem::Problem;

/// The members of `data` that are labels, and the headers that they come from; the first one is the documented name.
const KEPT: [(&str, &[&str]); 8] = [
    ("title", &["title", "x-title", "ti", "t"]),
    ("tags", &["tags", "x-tags", "tag", "ta"]),
    ("click", &["click", "x-click"]),
    ("icon", &["icon", "x-icon"]),
    ("attach", &["attach", "x-attach"]),
    ("actions", &["actions", "x-actions", "action"]),
    ("markdown", &["markdown", "x-markdown", "md"]),
    ("filename", &["filename", "x-filename"]),
];

/// The headers that name the priority.
const PRIORITY: [&str; 4] = ["priority", "x-priority", "prio", "p"];

/// The headers that have the message if the body is empty.
const MESSAGE: [&str; 3] = ["message", "x-message", "m"];

/// The headers that ask for a later delivery, which no event has.
const DELAY: [&str; 6] = ["delay", "x-delay", "at", "x-at", "in", "x-in"];

/// Completes what the query says of a message in plain text with the labels; the query takes precedence.
pub(super) fn read(headers: &HeaderMap, params: &mut Params, draft: Draft) -> Result<Draft, Problem> {
    if let Some((name, _)) = text(headers, &DELAY)? {
        let what = "an event is delivered at once, not later";
        let fix = "push it when it is due; with `?expires_in=10m` it is not delivered after that time";
        return Err(Problem::new(Code::InvalidHeader, what, fix).at(place(name)));
    }
    let priority = match draft.priority {
        Some(priority) => Some(priority),
        None => match text(headers, &PRIORITY)? {
            Some((name, value)) => priority(&value).map_err(|error| error.at(place(name)))?,
            None => None,
        },
    };
    let mut data = Map::new();
    for (member, names) in KEPT {
        let value = match params.beside(member) {
            Some(value) => Some(value),
            None => text(headers, names)?.map(|(_, value)| value),
        };
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        let value = match member {
            "tags" => value.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect(),
            _ => Value::from(value),
        };
        data.insert(member.to_owned(), value);
    }
    let data = match data.is_empty() {
        true => None,
        false => Some(Json::parse(Value::Object(data).to_string())?),
    };
    let message = text(headers, &MESSAGE)?.map(|(_, value)| value);
    Ok(Draft { message, priority, data, ..draft })
}

/// Returns the message: the body, or the header if the body is empty.
pub(super) fn message(body: &str, header: Option<String>) -> Result<String, Problem> {
    match header {
        Some(message) if body.is_empty() => Ok(message),
        Some(_) => Err(Problem::new(
            Code::InvalidHeader,
            "the message is in the body and in the header",
            "leave one of them out",
        )
        .at("Message:")),
        None if body.is_empty() => Err(Problem::new(
            Code::InvalidMessage,
            "the body is empty",
            "send the message: `curl -d \"deployed\" …`",
        )),
        None => Ok(body.to_owned()),
    }
}

/// Returns the first header of `names` that is there and not empty, with its name.
fn text(headers: &HeaderMap, names: &[&'static str]) -> Result<Option<(&'static str, String)>, Problem> {
    let given = names.iter().find_map(|name| Some((*name, headers.get(*name)?)));
    let Some((name, value)) = given.filter(|(_, value)| !value.is_empty()) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).ok();
    // Whole words in the encoding of mail (RFC 2047). Passed on as they are, nobody could read them.
    let text = text.filter(|text| !(text.starts_with("=?") && text.ends_with("?=")));
    let Some(text) = text else {
        let what = format!("`{name}` is not UTF-8, or is encoded as in mail");
        let fix = "send the text in UTF-8 as it is, or JSON with `data`";
        return Err(Problem::new(Code::InvalidHeader, what, fix).at(place(name)));
    };
    Ok(Some((name, text.trim().to_owned())))
}

/// Reads a priority as a name or as a number from 1 to 5. `None` for the header of that name that browsers send with every
/// request (RFC 9218): it is about the response.
fn priority(text: &str) -> Result<Option<Priority>, Invalid> {
    let mut items = text.split(',').map(str::trim);
    if items.all(|item| item == "i" || item.starts_with("i=") || item.starts_with("u=")) {
        return Ok(None);
    }
    let name = text.to_ascii_lowercase();
    let number = name.parse::<usize>().ok().filter(|number| (1..=Priority::ALL.len()).contains(number));
    match (number, &*name) {
        (Some(number), _) => Ok(Some(Priority::ALL[number - 1])),
        (None, "urgent") => Ok(Some(Priority::Max)),
        (None, name) => name.parse().map(Some),
    }
}

/// Returns the place of an error: the header as people write it.
fn place(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}:", first.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use fanfare_core::Priority;

    use super::priority;

    #[test]
    fn a_priority_is_a_name_or_a_number_and_what_browsers_send_is_none() {
        for (text, meant) in [
            ("1", Some(Priority::Min)),
            ("3", Some(Priority::Default)),
            ("5", Some(Priority::Max)),
            ("urgent", Some(Priority::Max)),
            ("High", Some(Priority::High)),
            ("u=1, i", None),
            ("u=0", None),
            ("i", None),
            ("u=4, i=?0", None),
        ] {
            assert_eq!(priority(text).expect(text), meant, "{text}");
        }
        for text in ["0", "6", "big", "high, u=1"] {
            assert!(priority(text).is_err(), "{text}");
        }
    }
}
