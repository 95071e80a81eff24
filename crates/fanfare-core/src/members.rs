//! Reading the members of a JSON object one by one, so that a refusal names the member, its bound and the fix. Every
//! body that is a strict object is read here, so that all are refused alike.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::code::Code;
use crate::duration::{self, Literal};
use crate::invalid::{Invalid, shown};

/// The members that have not been taken yet.
#[derive(Debug)]
pub struct Members {
    map: Map<String, Value>,
    /// A JSON pointer to the object; empty for the whole body.
    place: String,
    /// The code for a member that cannot be read.
    code: Code,
    /// The members that were asked for: all that the object may have.
    known: Vec<&'static str>,
}

/// A member as it is given: `Ok(None)` if it is missing, `Ok(Some(None))` if it is `null`.
pub type Given<T> = Result<Option<Option<T>>, Invalid>;

impl Members {
    /// Parses a body; a member that cannot be read is refused with `code`.
    pub fn parse(body: &[u8], code: Code, fix: &'static str) -> Result<Members, Invalid> {
        // The body may contain a secret: the error names the place and repeats nothing.
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Invalid::new(
                Code::InvalidJson,
                format!("the body is not valid JSON at line {line} column {column}"),
                fix,
            )
        })?;
        match value {
            Value::Object(map) => Ok(Members::of(map, code)),
            _ => Err(Invalid::new(Code::InvalidJson, "the body is not a JSON object", fix)),
        }
    }

    /// Returns the members of an object that is a whole body; one that cannot be read is refused with `code`.
    pub fn of(map: Map<String, Value>, code: Code) -> Members {
        Members { map, place: String::new(), code, known: Vec::new() }
    }

    /// Parses a body that may be empty, as an object without members.
    pub fn parse_or_none(body: &[u8], code: Code, fix: &'static str) -> Result<Members, Invalid> {
        Members::parse(if body.is_empty() { b"{}" } else { body }, code, fix)
    }

    /// Returns the place of a member, as a JSON pointer.
    pub fn at(&self, name: &str) -> String {
        format!("{}/{}", self.place, name.replace('~', "~0").replace('/', "~1"))
    }

    /// Creates the refusal of a member.
    pub fn wrong(&self, name: &str, problem: &str, fix: impl Into<String>) -> Invalid {
        Invalid::new(self.code, format!("`{name}` {problem}"), fix.into()).at(self.at(name))
    }

    /// Takes a member through `read`, which returns `None` for JSON of another kind than `wanted`.
    fn take<T>(&mut self, name: &'static str, wanted: &str, read: impl Fn(Value) -> Option<T>) -> Given<T> {
        self.known.push(name);
        match self.map.remove(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(Some(value))),
                None => Err(self.wrong(name, &format!("is not {wanted}"), format!("give {wanted}"))),
            },
        }
    }

    /// Takes any JSON.
    pub fn any(&mut self, name: &'static str) -> Given<Value> {
        self.take(name, "JSON", Some)
    }

    /// Takes text.
    pub fn text(&mut self, name: &'static str) -> Given<String> {
        self.take(name, "text", text)
    }

    /// Takes `true` or `false`.
    pub fn truth(&mut self, name: &'static str) -> Given<bool> {
        self.take(name, "`true` or `false`", |value| value.as_bool())
    }

    /// Takes a list of texts.
    pub fn texts(&mut self, name: &'static str) -> Given<Vec<String>> {
        self.take(name, "a list of texts", |value| match value {
            Value::Array(values) => values.into_iter().map(text).collect(),
            _ => None,
        })
    }

    /// Takes an integer from `least` to `most`.
    pub fn number(&mut self, name: &'static str, least: u32, most: u32) -> Given<u32> {
        let wanted = format!("a whole number from {least} to {most}");
        self.take(name, &wanted, |value| {
            value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (least..=most).contains(n))
        })
    }

    /// Takes an object, whose members are then read in turn.
    pub fn object(&mut self, name: &'static str) -> Given<Members> {
        let (place, code) = (self.at(name), self.code);
        self.take(name, "an object", |value| match value {
            Value::Object(map) => Some(Members { map, place: place.clone(), code, known: Vec::new() }),
            _ => None,
        })
    }

    /// Takes text through its parser.
    pub fn parsed<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, Invalid>) -> Given<T> {
        match self.text(name)? {
            Some(Some(text)) => {
                parse(&text).map(|value| Some(Some(value))).map_err(|error| error.at(self.at(name)))
            }
            Some(None) => Ok(Some(None)),
            None => Ok(None),
        }
    }

    /// Takes a duration in `range`.
    pub fn duration(&mut self, name: &'static str, range: &RangeInclusive<Duration>) -> Given<Duration> {
        self.known.push(name);
        match self.map.remove(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => {
                let read = read_duration(value, range);
                read.map(|duration| Some(Some(duration))).map_err(|error| error.at(self.at(name)))
            }
        }
    }

    /// Takes a list of durations, each in `range`.
    pub fn durations(
        &mut self,
        name: &'static str,
        range: &RangeInclusive<Duration>,
    ) -> Given<Vec<Duration>> {
        let values = match self.take(name, "a list of durations, such as `[\"5s\", \"5m\"]`", array)? {
            Some(Some(values)) => values,
            Some(None) => return Ok(Some(None)),
            None => return Ok(None),
        };
        let at = |index: usize| format!("{}/{index}", self.at(name));
        let read = |(index, value)| read_duration(value, range).map_err(|error| error.at(at(index)));
        values.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>().map(|list| Some(Some(list)))
    }

    /// Takes a time through its parser: text, or a number of seconds before now.
    pub fn time<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, Invalid>) -> Given<T> {
        match self.take(name, "a time", Literal::of)? {
            Some(Some(literal)) => {
                let read = parse(&literal.text());
                read.map(|value| Some(Some(value))).map_err(|error| error.at(self.at(name)))
            }
            Some(None) => Ok(Some(None)),
            None => Ok(None),
        }
    }

    /// Takes a list of texts, each through its parser; at most `most`.
    pub fn list<T: std::str::FromStr<Err = Invalid>>(
        &mut self,
        name: &'static str,
        most: usize,
    ) -> Given<Vec<T>> {
        let texts = match self.texts(name)? {
            Some(Some(texts)) => texts,
            Some(None) => return Ok(Some(None)),
            None => return Ok(None),
        };
        if texts.len() > most {
            return Err(self.wrong(
                name,
                &format!("has {} entries", texts.len()),
                format!("give at most {most}"),
            ));
        }
        let read = |(index, text): (usize, &String)| {
            text.parse().map_err(|error: Invalid| error.at(format!("{}/{index}", self.at(name))))
        };
        texts.iter().enumerate().map(read).collect::<Result<Vec<T>, Invalid>>().map(|list| Some(Some(list)))
    }

    /// Returns all members that are left as names and texts.
    pub fn into_texts(self) -> Result<Vec<(String, String)>, Invalid> {
        let Members { map, place, code, known } = self;
        let named = Members { map: Map::new(), place, code, known };
        let one = |(name, value): (String, Value)| match text(value) {
            Some(value) => Ok((name, value)),
            None => Err(named.wrong(&shown(&name), "is not text", "give text").at(named.at(&name))),
        };
        map.into_iter().map(one).collect()
    }

    /// Refuses members that were not taken, and lists those that the object may have.
    pub fn finish(self) -> Result<(), Invalid> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(name) => {
                let what = format!("unknown member `{}`", shown(name));
                Err(Invalid::new(Code::UnknownField, what, use_one_of(&self.known)).at(self.at(name)))
            }
        }
    }
}

/// Formats a list of members: ``use `a`, `b` or `c` ``.
pub fn use_one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "remove it".to_owned(),
        Some((last, [])) => format!("use {last}"),
        Some((last, others)) => format!("use {} or {last}", others.join(", ")),
    }
}

fn read_duration(value: Value, range: &RangeInclusive<Duration>) -> Result<Duration, Invalid> {
    let shape = shape(&value);
    let literal = Literal::of(value);
    literal
        .ok_or_else(|| {
            Invalid::new(Code::InvalidDuration, format!("{shape} is not a duration"), duration::FIX)
        })?
        .within(range)
}

/// Describes the kind of a value.
pub fn shape(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "an array",
        Value::Bool(_) => "a boolean",
        Value::Null => "null",
        Value::Number(_) => "a number",
        Value::Object(_) => "an object",
        Value::String(_) => "text",
    }
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Members;
    use crate::code::Code;

    fn members(body: &str) -> Members {
        Members::parse(body.as_bytes(), Code::InvalidWebhook, "send an object").expect("an object")
    }

    #[test]
    fn a_member_that_nobody_takes_is_refused_with_those_that_there_are() {
        let mut read = members(r#"{"a": "x", "b": null, "colour": 1}"#);
        assert_eq!(read.text("a"), Ok(Some(Some("x".to_owned()))));
        assert_eq!(read.truth("b"), Ok(Some(None)));
        assert_eq!(read.text("c"), Ok(None));
        let error = read.finish().expect_err("colour");
        assert_eq!((error.code, error.at.as_str()), (Code::UnknownField, "/colour"));
        assert_eq!(error.fix, "use `a`, `b` or `c`");
    }

    #[test]
    fn a_refusal_names_the_member_and_what_would_be_right() {
        let mut read = members(r#"{"a": 1, "b": {"c": 7}}"#);
        let error = read.text("a").expect_err("a number");
        assert_eq!((error.code, error.at.as_str(), &*error.fix), (Code::InvalidWebhook, "/a", "give text"));
        let mut inner = read.object("b").expect("an object").flatten().expect("one");
        let error = inner.number("c", 1, 5).expect_err("over the bound");
        assert_eq!((error.at.as_str(), &*error.fix), ("/b/c", "give a whole number from 1 to 5"));
    }

    #[test]
    fn a_duration_has_bounds_and_a_time_is_text_or_seconds() {
        let range = Duration::ZERO..=Duration::from_secs(60);
        let mut read = members(r#"{"a": "1s", "b": 2, "c": null, "d": [1], "e": 61, "f": 600, "g": true}"#);
        assert_eq!(read.duration("a", &range), Ok(Some(Some(Duration::from_secs(1)))));
        assert_eq!(read.duration("b", &range), Ok(Some(Some(Duration::from_secs(2)))));
        assert_eq!(read.duration("c", &range), Ok(Some(None)));
        assert_eq!(read.duration("x", &range), Ok(None));
        for (name, what) in [("d", "an array is not a duration"), ("e", "`1m1s` is too long")] {
            let error = read.duration(name, &range).expect_err(what);
            assert_eq!(
                (error.code, error.at, &*error.what),
                (Code::InvalidDuration, format!("/{name}"), what)
            );
        }
        assert_eq!(read.time("f", |text| Ok(text.to_owned())), Ok(Some(Some("10m".to_owned()))));
        let mut lists = members(r#"{"a": ["1s", 2], "b": [], "c": ["1s", 61], "d": "1s,2s"}"#);
        let seconds = |list: &[u64]| Ok(Some(Some(list.iter().copied().map(Duration::from_secs).collect())));
        assert_eq!(lists.durations("a", &range), seconds(&[1, 2]));
        assert_eq!(lists.durations("b", &range), seconds(&[]));
        assert_eq!(lists.durations("c", &range).expect_err("over the bound").at, "/c/1");
        assert_eq!(lists.durations("d", &range).expect_err("text").at, "/d");
        let error = read.time("g", |text| Ok(text.to_owned())).expect_err("a boolean");
        assert_eq!((error.at.as_str(), &*error.fix), ("/g", "give a time"));
    }

    #[test]
    fn what_is_no_json_is_not_repeated() {
        let error = Members::parse(b"{\"secret\": whsec_x}", Code::InvalidWebhook, "send an object");
        let error = error.expect_err("no JSON");
        assert!(error.code == Code::InvalidJson && !error.what.contains("whsec"), "{error:?}");
        assert!(Members::parse(b"[]", Code::InvalidWebhook, "").is_err());
        assert!(Members::parse_or_none(b"", Code::InvalidWebhook, "").is_ok());
    }
}
