//! Reading the members of a JSON object one by one, so that a refusal names the member, its bound and what would be right.

use serde_json::{Map, Value};

use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};

/// The members that have not been taken yet.
pub(crate) struct Members {
    map: Map<String, Value>,
    /// A JSON pointer to the object; empty for the whole body.
    place: String,
}

/// A member as it is given: `Ok(None)` when it is not there, `Ok(Some(None))` when it is `null`.
pub(crate) type Given<T> = Result<Option<Option<T>>, Invalid>;

impl Members {
    /// Reads a body.
    pub(crate) fn parse(body: &[u8], fix: &'static str) -> Result<Members, Invalid> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| Invalid::new(Code::InvalidJson, format!("the body is no JSON: {error}"), fix))?;
        match value {
            Value::Object(map) => Ok(Members { map, place: String::new() }),
            _ => Err(Invalid::new(Code::InvalidJson, "the body is no object", fix)),
        }
    }

    /// Gives the place of a member, as a JSON pointer.
    pub(crate) fn at(&self, name: &str) -> String {
        format!("{}/{}", self.place, name.replace('~', "~0").replace('/', "~1"))
    }

    /// Says what is wrong with a member.
    pub(crate) fn wrong(&self, name: &str, problem: &str, fix: impl Into<String>) -> Invalid {
        Invalid::new(Code::InvalidWebhook, format!("`{name}` {problem}"), fix.into()).at(self.at(name))
    }

    /// Takes a member through `read`, which says `None` for JSON of another kind than `wanted`.
    fn take<T>(&mut self, name: &str, wanted: &str, read: impl Fn(Value) -> Option<T>) -> Given<T> {
        match self.map.remove(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(Some(value))),
                None => Err(self.wrong(name, &format!("is not {wanted}"), format!("give {wanted}"))),
            },
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> Given<String> {
        self.take(name, "text", text)
    }

    pub(crate) fn truth(&mut self, name: &str) -> Given<bool> {
        self.take(name, "`true` or `false`", |value| value.as_bool())
    }

    pub(crate) fn texts(&mut self, name: &str) -> Given<Vec<String>> {
        self.take(name, "a list of texts", |value| match value {
            Value::Array(values) => values.into_iter().map(text).collect(),
            _ => None,
        })
    }

    /// Takes a whole number from `least` to `most`.
    pub(crate) fn number(&mut self, name: &str, least: u32, most: u32) -> Given<u32> {
        let wanted = format!("a whole number from {least} to {most}");
        self.take(name, &wanted, |value| {
            value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (least..=most).contains(n))
        })
    }

    /// Takes an object, whose members are then read in turn.
    pub(crate) fn object(&mut self, name: &str) -> Given<Members> {
        let place = self.at(name);
        self.take(name, "an object", |value| match value {
            Value::Object(map) => Some(Members { map, place: place.clone() }),
            _ => None,
        })
    }

    /// Takes text through its parser.
    pub(crate) fn parsed<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, Invalid>) -> Given<T> {
        match self.text(name)? {
            Some(Some(text)) => {
                parse(&text).map(|value| Some(Some(value))).map_err(|error| error.at(self.at(name)))
            }
            Some(None) => Ok(Some(None)),
            None => Ok(None),
        }
    }

    /// Takes a list of texts, each through its parser; at most `most`.
    pub(crate) fn list<T: std::str::FromStr<Err = Invalid>>(
        &mut self,
        name: &str,
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

    /// Gives all members that are left as names and texts.
    pub(crate) fn into_texts(self) -> Result<Vec<(String, String)>, Invalid> {
        let Members { map, place } = self;
        let named = Members { map: Map::new(), place };
        let one = |(name, value): (String, Value)| match text(value) {
            Some(value) => Ok((name, value)),
            None => Err(named.wrong(&shown(&name), "is not text", "give text").at(named.at(&name))),
        };
        map.into_iter().map(one).collect()
    }

    /// Refuses members that nobody has taken; `fix` lists those that there are.
    pub(crate) fn finish(self, fix: &'static str) -> Result<(), Invalid> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(name) => {
                let what = format!("there is no member `{}`", shown(name));
                Err(Invalid::new(Code::UnknownField, what, fix).at(self.at(name)))
            }
        }
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
