//! Query parameters: parsed at the door; unknown ones are refused.

use std::time::Duration;

use fanfare_core::duration::{self, WAIT_MAX};
use fanfare_core::filter_words::{FilterWords, Part};
use fanfare_core::{Code, Filter, Invalid, WebhookId};
use http::Uri;

use crate::problem::Problem;

/// The parameters of a query that are not read yet.
#[derive(Debug)]
pub struct Params {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Params {
    /// Reads the query of `uri`.
    pub fn of(uri: &Uri) -> Params {
        let query = uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Params { pairs, known: Vec::new() }
    }

    /// Removes and returns every value of `name`.
    pub fn all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let mut values = Vec::new();
        self.pairs.retain_mut(|(key, value)| {
            let taken = key == name;
            if taken {
                values.push(std::mem::take(value));
            }
            !taken
        });
        values
    }

    /// Removes and returns the value of `name`; fails if there are several.
    pub fn one(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let mut values = self.all(name);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(Problem::new(Code::InvalidQuery, format!("`{name}` is set twice"), "set it once")
                .at(place(name))),
        }
    }

    /// Removes the value of `name` and parses it with `read`; an error names the parameter.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Problem> {
        let value = self.one(name)?;
        value.map(|value| read(&value)).transpose().map_err(|error| error.at(place(name)).into())
    }

    /// Removes and parses `webhook_id`.
    pub fn webhook_id(&mut self) -> Result<Option<WebhookId>, Problem> {
        self.read("webhook_id", |value| {
            value.parse().map_err(|invalid| Invalid { code: Code::InvalidQuery, ..invalid })
        })
    }

    /// Removes and parses a switch, which is off by default.
    pub fn switch(&mut self, name: &'static str) -> Result<bool, Problem> {
        Ok(self.truth(name)?.unwrap_or(false))
    }

    /// Removes and parses `1` or `true`, `0` or `false`.
    pub fn truth(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        self.read(name, |value| match value {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(Invalid::new(
                Code::InvalidQuery,
                format!("`{name}` must be true or false"),
                "write `true` or `false`, or leave it out",
            )),
        })
    }

    /// Removes and parses `wait`: a duration. `true` is the maximum and `false` none.
    pub fn wait(&mut self) -> Result<Option<Duration>, Problem> {
        self.read("wait", |value| match value {
            "true" => Ok(WAIT_MAX),
            "false" => Ok(Duration::ZERO),
            text => duration::within(text, &(Duration::ZERO..=WAIT_MAX)),
        })
    }

    /// Removes and parses `channel`, `type` and `min_priority`, and `text` if the route supports it.
    pub fn filter(&mut self, with_text: bool) -> Result<Filter, Problem> {
        let (patterns, types) = (self.all("channel"), self.all("type"));
        let min_priority = self.one("min_priority")?;
        let text = if with_text { self.one("text")? } else { None };
        let words = FilterWords {
            patterns: &patterns,
            types: &types,
            min_priority: min_priority.as_deref(),
            text: text.as_deref(),
        };
        let filter = words.read(|part| match part {
            Part::Patterns(_) => place("channel"),
            Part::Types(_) => place("type"),
            Part::MinPriority => place("min_priority"),
            Part::Text => place("text"),
        });
        Ok(filter?)
    }

    /// Removes and parses the filter; `None` if no part of it is given.
    pub fn filter_if_given(&mut self) -> Result<Option<Filter>, Problem> {
        const PARTS: [&str; 4] = ["channel", "type", "min_priority", "text"];
        let is_given = self.pairs.iter().any(|(name, _)| PARTS.contains(&&**name));
        Ok(Some(self.filter(true)?).filter(|_| is_given))
    }

    /// Fails if a parameter is left: a misspelt filter must not count as no filter.
    pub fn finish(self) -> Result<(), Problem> {
        let Some((name, _)) = self.pairs.first() else { return Ok(()) };
        let name: String = name.chars().take(60).flat_map(char::escape_debug).collect();
        let known: Vec<_> = self.known.iter().map(|name| format!("`{name}`")).collect();
        Err(Problem::new(
            Code::InvalidQuery,
            format!("unknown query parameter `{name}`"),
            if known.is_empty() { "leave it out".to_owned() } else { format!("use {}", known.join(", ")) },
        )
        .at(place(&name)))
    }
}

fn place(name: &str) -> String {
    format!("?{name}")
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Priority, Start};
    use http::Uri;
    use proptest::prelude::*;

    use super::Params;

    fn params(query: &str) -> Params {
        Params::of(&format!("/stream?{query}").parse::<Uri>().expect("a query"))
    }

    #[test]
    fn a_filter_is_read_from_repeated_parameters() {
        let mut params = params("channel=a.*&type=error&channel=b&min_priority=high&text=Caf%C3%A9");
        let filter = params.filter(true).expect("well formed");
        assert_eq!(filter.patterns().iter().map(ToString::to_string).collect::<Vec<_>>(), ["a.*", "b"]);
        assert_eq!((filter.min_priority(), filter.text()), (Priority::High, Some("café")));
        assert!(params.finish().is_ok());
    }

    #[test]
    fn a_parameter_that_is_not_known_is_an_error_that_names_the_known_ones() {
        let mut params = params("chanel=a");
        let _ = params.filter(false).expect("no filter");
        let problem = params.finish().expect_err("misspelt");
        assert_eq!(problem.0.at, "?chanel");
        assert!(problem.0.fix.contains("`channel`"), "{}", problem.0.fix);
    }

    proptest! {
        #[test]
        fn no_query_makes_the_parser_panic(query in "[!-~]{0,60}") {
            let Ok(uri) = format!("/stream?{query}").parse::<Uri>() else { return Ok(()) };
            let mut params = Params::of(&uri);
            let _ = params.filter(true);
            let _ = params.read("since", Start::since);
            let _ = params.switch("conflate");
            let _ = params.finish();
        }
    }
}
