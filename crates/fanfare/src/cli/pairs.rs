//! The data of an event on a command line: `k=v`, `k:=json` and `k@file`.

use std::path::Path;

use serde_json::value::RawValue;

use crate::cli::failure::Failure;

/// A member of the data, as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pair<'a> {
    name: &'a str,
    value: Value<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum Value<'a> {
    /// The text of a file.
    File(&'a Path),
    /// JSON, which is passed on unchanged.
    Json(&'a str),
    /// Text, which becomes a JSON string.
    Text(&'a str),
}

/// Splits words into a message and the pairs after it: all words at the end that look like pairs. A word such as
/// `x==y` in the middle of the message stays text.
pub(crate) fn split(words: &[String]) -> (&[String], Vec<Pair<'_>>) {
    let pairs: Vec<Pair<'_>> = words.iter().rev().map_while(|word| read(word)).collect();
    let message = &words[..words.len() - pairs.len()];
    (message, pairs.into_iter().rev().collect())
}

/// Parses a word that matches `^[A-Za-z_][A-Za-z0-9_.-]*(=|:=|@)`.
fn read(word: &str) -> Option<Pair<'_>> {
    let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')))?;
    let (name, rest) = word.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let value = if let Some(json) = rest.strip_prefix(":=") {
        Value::Json(json)
    } else if let Some(text) = rest.strip_prefix('=') {
        Value::Text(text)
    } else {
        Value::File(Path::new(rest.strip_prefix('@')?))
    };
    Some(Pair { name, value })
}

/// Returns a JSON object with the pairs as members, in the same order. Numbers keep all their digits.
pub(crate) fn object(pairs: &[Pair<'_>]) -> Result<Option<Box<RawValue>>, Failure> {
    if pairs.is_empty() {
        return Ok(None);
    }
    let mut members = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        if pairs[..index].iter().any(|earlier| earlier.name == pair.name) {
            return Err(Failure::usage(format!("`{}` was given twice", pair.name))
                .fix("use each name only once, or pass the whole data with --json '{…}'"));
        }
        members.push(format!("{}:{}", json_text(pair.name), pair.json()?));
    }
    let object = format!("{{{}}}", members.join(","));
    Ok(Some(RawValue::from_string(object).expect("names and values are JSON")))
}

impl Pair<'_> {
    fn json(&self) -> Result<String, Failure> {
        match self.value {
            Value::Text(text) => Ok(json_text(text)),
            Value::Json(json) => {
                serde_json::from_str::<&RawValue>(json).map(|raw| raw.get().to_owned()).map_err(|error| {
                    Failure::usage(format!("the value of `{}:=` is not valid JSON", self.name))
                        .why(error.to_string())
                        .fix(format!("for text, write `{}={json}`", self.name))
                })
            }
            Value::File(path) => {
                std::fs::read_to_string(path).map(|text| json_text(&text)).map_err(|error| {
                    Failure::file("read", path, &error).fix(format!(
                        "for text with an `@`, use --message or write `{}=@{}`",
                        self.name,
                        path.display()
                    ))
                })
            }
        }
    }
}

fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{object, split};

    fn said(words: &[&str]) -> (String, Option<String>) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (message, pairs) = split(&words);
        let data = object(&pairs).expect("pairs").map(|raw| raw.get().to_owned());
        (message.join(" "), data)
    }

    #[test]
    fn pairs_come_after_the_message() {
        assert_eq!(said(&["deploy", "finished"]), ("deploy finished".into(), None));
        assert_eq!(
            said(&["green", "sha=ab12", "ms:=8123.50", "env.name=x=y"]),
            ("green".into(), Some(r#"{"sha":"ab12","ms":8123.50,"env.name":"x=y"}"#.into()))
        );
        assert_eq!(said(&["a=1", "is", "text"]), ("a=1 is text".into(), None));
        assert_eq!(said(&["x", "=", "y"]), ("x = y".into(), None));
        assert_eq!(said(&["1=2"]), ("1=2".into(), None));
        assert_eq!(said(&["x", "a=", "l:=[1, 2]"]), ("x".into(), Some(r#"{"a":"","l":[1, 2]}"#.into())));
    }

    #[test]
    fn an_invalid_json_value_is_refused_with_a_fix() {
        let words = ["x".to_owned(), "a:=b".to_owned()];
        let failure = object(&split(&words).1).expect_err("invalid JSON");
        assert_eq!(failure.fix.as_deref(), Some("for text, write `a=b`"));
        let words = ["a=1".to_owned(), "a=2".to_owned()];
        assert!(object(&split(&words).1).is_err());
    }

    proptest! {
        #[test]
        fn any_text_survives_as_a_value(text in ".*") {
            let words = ["m".to_owned(), format!("k={text}")];
            let (_, pairs) = split(&words);
            let raw = object(&pairs).expect("text").expect("one pair");
            let value: serde_json::Value = serde_json::from_str(raw.get()).expect("JSON");
            prop_assert_eq!(value["k"].as_str(), Some(text.as_str()));
        }
    }
}
