//! Reading the members of a JSON object one by one, so that a refusal names the member, its bound and the fix. Every
//! body that is a strict object is read here, so that all are refused alike.

mod blanks;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::code::Code;
use crate::duration::{self, Literal};
use crate::invalid::{Invalid, shown};
use crate::json::{self, Json};

pub use blanks::without_blanks;

/// Maximum members of an object that are looked at; one with more has some that nobody takes.
const MEMBERS_MAX: usize = 1_024;

/// The members that have not been taken yet.
#[derive(Debug)]
pub struct Members<'a> {
    left: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// A JSON pointer to the object; empty for the whole body.
    place: String,
    /// The code for a member that cannot be read.
    code: Code,
    /// The members that were asked for: all that the object may have.
    known: Vec<&'static str>,
}

/// A member as it is given: `Ok(None)` if it is missing, `Ok(Some(None))` if it is `null`.
pub type Given<T> = Result<Option<Option<T>>, Invalid>;

impl<'a> Members<'a> {
    /// Parses a body; a member that cannot be read is refused with `code`.
    pub fn parse(body: &'a [u8], code: Code, fix: &'static str) -> Result<Members<'a>, Invalid> {
        Members::named("the body", body, code, fix)
    }

    /// Parses a body that may be empty, as an object without members.
    pub fn parse_or_none(body: &'a [u8], code: Code, fix: &'static str) -> Result<Members<'a>, Invalid> {
        Members::parse(if body.is_empty() { b"{}" } else { body }, code, fix)
    }

    /// Parses an object that errors call `what`.
    pub fn named(what: &str, text: &'a [u8], code: Code, fix: &'static str) -> Result<Members<'a>, Invalid> {
        let Pairs(left) = serde_json::from_slice(json::without_mark(text)).map_err(|error| {
            // The text may contain a secret: the error names the place and repeats nothing.
            let (line, column) = (error.line(), error.column());
            let problem = match error.is_data() {
                true => format!("{what} is not a JSON object"),
                false => format!("{what} is not valid JSON at line {line} column {column}"),
            };
            Invalid::new(Code::InvalidJson, problem, fix)
        })?;
        Ok(Members { left, place: String::new(), code, known: Vec::new() })
    }

    /// Sets the code for the members that are taken next and cannot be read.
    pub fn coded(&mut self, code: Code) -> &mut Members<'a> {
        self.code = code;
        self
    }

    /// Returns the place of a member, as a JSON pointer.
    pub fn at(&self, name: &str) -> String {
        format!("{}/{}", self.place, name.replace('~', "~0").replace('/', "~1"))
    }

    /// Creates the refusal of a member.
    pub fn wrong(&self, name: &str, problem: &str, fix: impl Into<String>) -> Invalid {
        Invalid::new(self.code, format!("`{name}` {problem}"), fix.into()).at(self.at(name))
    }

    /// Takes a member as it is written.
    fn raw(&mut self, name: &'static str) -> Given<&'a RawValue> {
        self.known.push(name);
        let is_it = |(other, _): &(Cow<'_, str>, _)| other == name;
        let Some(index) = self.left.iter().position(is_it) else { return Ok(None) };
        let (_, raw) = self.left.remove(index);
        if self.left.iter().any(is_it) {
            let what = format!("`{name}` is set twice");
            return Err(Invalid::new(Code::InvalidJson, what, "set it once").at(self.place.clone()));
        }
        Ok(Some((raw.get() != "null").then_some(raw)))
    }

    /// Takes a member through `read`, which returns `None` for JSON of another kind than `wanted`.
    fn take<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        read: impl Fn(&'a RawValue) -> Option<T>,
    ) -> Given<T> {
        self.and(name, |members, raw| {
            read(raw)
                .ok_or_else(|| members.wrong(name, &format!("is not {wanted}"), format!("give {wanted}")))
        })
    }

    /// Takes a member through `read`, which may refuse it.
    fn and<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Self, &'a RawValue) -> Result<T, Invalid>,
    ) -> Given<T> {
        match self.raw(name)? {
            Some(Some(raw)) => read(self, raw).map(|value| Some(Some(value))),
            Some(None) => Ok(Some(None)),
            None => Ok(None),
        }
    }

    /// Takes any JSON.
    pub fn any(&mut self, name: &'static str) -> Given<Value> {
        self.take(name, "JSON", read)
    }

    /// Takes any JSON to be passed on as it is.
    pub fn json(&mut self, name: &'static str) -> Given<Json> {
        self.and(name, |members, raw| Json::new(raw.to_owned()).map_err(|error| error.at(members.at(name))))
    }

    /// Takes text.
    pub fn text(&mut self, name: &'static str) -> Given<String> {
        self.take(name, "text", read)
    }

    /// Takes `true` or `false`.
    pub fn truth(&mut self, name: &'static str) -> Given<bool> {
        self.take(name, "`true` or `false`", read)
    }

    /// Takes a list of texts.
    pub fn texts(&mut self, name: &'static str) -> Given<Vec<String>> {
        self.take(name, "a list of texts", read)
    }

    /// Takes one of the words in `choices`, and returns what stands beside it.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Given<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.take(name, &one_of(&words), |raw| {
            let given: String = read(raw)?;
            choices.iter().find(|(word, _)| *word == given).map(|(_, value)| *value)
        })
    }

    /// Takes an integer from `least` to `most`. `5.0` is one, as in JSON Schema: some languages have no other numbers.
    pub fn number(&mut self, name: &'static str, least: u32, most: u32) -> Given<u32> {
        let wanted = format!("a whole number from {least} to {most}");
        let whole = |raw| read(raw).or_else(|| read(raw).and_then(whole));
        self.take(name, &wanted, |raw| whole(raw).filter(|number| (least..=most).contains(number)))
    }

    /// Takes an object, whose members are then read in turn.
    pub fn object(&mut self, name: &'static str) -> Given<Members<'a>> {
        let (place, code) = (self.at(name), self.code);
        self.take(name, "an object", |raw| {
            let Pairs(left) = read(raw)?;
            Some(Members { left, place: place.clone(), code, known: Vec::new() })
        })
    }

    /// Takes JSON that is read elsewhere, by `read`, whose errors name places in it.
    pub fn inner<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a [u8]) -> Result<T, Invalid>,
    ) -> Given<T> {
        self.and(name, |members, raw| {
            read(raw.get().as_bytes()).map_err(|error| error.under(&members.at(name)))
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
        self.and(name, |members, raw| {
            read_duration(read(raw), range).map_err(|error| error.at(members.at(name)))
        })
    }

    /// Takes a list of durations, each in `range`.
    pub fn durations(
        &mut self,
        name: &'static str,
        range: &RangeInclusive<Duration>,
    ) -> Given<Vec<Duration>> {
        let values =
            match self.take(name, "a list of durations, such as `[\"5s\", \"5m\"]`", read::<Vec<Value>>)? {
                Some(Some(values)) => values,
                Some(None) => return Ok(Some(None)),
                None => return Ok(None),
            };
        let at = |index: usize| format!("{}/{index}", self.at(name));
        let read = |(index, value)| read_duration(Some(value), range).map_err(|error| error.at(at(index)));
        values.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>().map(|list| Some(Some(list)))
    }

    /// Takes a time through its parser: text, or a number of seconds before now.
    pub fn time<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, Invalid>) -> Given<T> {
        match self.take(name, "a time", |raw| read(raw).and_then(Literal::of))? {
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
        let one = |(name, raw): &(Cow<'_, str>, &'a RawValue)| match read(raw) {
            Some(value) => Ok((name.clone().into_owned(), value)),
            None => Err(self.wrong(&shown(name), "is not text", "give text").at(self.at(name))),
        };
        self.left.iter().map(one).collect()
    }

    /// Refuses members that were not taken, and lists those that the object may have.
    pub fn finish(self) -> Result<(), Invalid> {
        match self.left.first() {
            None => Ok(()),
            Some((name, _)) => {
                let what = format!("unknown member `{}`", shown(name));
                Err(Invalid::new(Code::UnknownField, what, use_one_of(&self.known)).at(self.at(name)))
            }
        }
    }
}

/// The members of an object, each as it is written, in their order.
struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A name that is borrowed from the text unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs<'a>, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while pairs.len() < MEMBERS_MAX
                    && let Some((Name(name), raw)) = map.next_entry()?
                {
                    pairs.push((name, raw));
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// Returns the integer that `number` is.
fn whole(number: f64) -> Option<u32> {
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    is_whole.then_some(number as u32)
}

/// Formats what an object may have: ``use `a`, `b` or `c` ``.
fn use_one_of(names: &[&str]) -> String {
    if names.is_empty() { "remove it".to_owned() } else { format!("use {}", one_of(names)) }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        Some(_) | None => quoted.concat(),
    }
}

fn read_duration(value: Option<Value>, range: &RangeInclusive<Duration>) -> Result<Duration, Invalid> {
    let shape = value.as_ref().map_or("this", shape);
    let what = format!("{shape} is not a duration");
    let literal = value.and_then(Literal::of);
    literal.ok_or_else(|| Invalid::new(Code::InvalidDuration, what, duration::FIX))?.within(range)
}

/// Describes the kind of a value.
fn shape(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "an array",
        Value::Bool(_) => "a boolean",
        Value::Null => "null",
        Value::Number(_) => "a number",
        Value::Object(_) => "an object",
        Value::String(_) => "text",
    }
}
