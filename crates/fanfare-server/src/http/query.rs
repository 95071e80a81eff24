//! Query parameters: parsed at the door; misspelt ones are refused.

use std::time::Duration;

use fanfare_core::duration::{self, WAIT_MAX};
use fanfare_core::filter_words::{FilterWords, Part};
use fanfare_core::{Code, Filter, Invalid, WebhookId, keepalive};
use http::Uri;

use crate::http::foreign::{self, ForeignNames};
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

    /// Removes and returns the value of a parameter that clients bring along from elsewhere. A name that resembles it stays
    /// foreign.
    pub fn beside(&mut self, name: &str) -> Option<String> {
        let index = self.pairs.iter().position(|(key, _)| key == name)?;
        Some(self.pairs.remove(index).1)
    }

    /// Removes every parameter whose name `is_meant`, and returns the value of the last one that has any; `name` is the
    /// documented spelling.
    pub fn last(&mut self, name: &'static str, is_meant: impl Fn(&str) -> bool) -> Option<String> {
        self.known.push(name);
        let (meant, others) = std::mem::take(&mut self.pairs).into_iter().partition(|(key, _)| is_meant(key));
        self.pairs = others;
        let meant: Vec<(String, String)> = meant;
        meant.into_iter().map(|(_, value)| value).rfind(|value| !value.is_empty())
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

    /// Removes and parses `keepalive`: the interval of keepalives that a client wants.
    pub fn keepalive(&mut self) -> Result<Option<Duration>, Problem> {
        self.read("keepalive", keepalive::parse)
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

    /// Fails if a parameter that was not read resembles one of this route, because a misspelt filter must not count as no
    /// filter, or belongs to another route. Any other parameter is [foreign](ForeignNames).
    pub fn finish(self, foreign: &ForeignNames) -> Result<(), Problem> {
        self.misspelt()?;
        if let Some((name, _)) = self.pairs.iter().find(|(name, _)| foreign.is_ours(name)) {
            let name = foreign::shown(name);
            let what = format!("this route has no query parameter `{name}`");
            return Err(Problem::new(Code::InvalidQuery, what, self.fix(None)).at(place(&name)));
        }
        self.pairs.iter().for_each(|(name, _)| foreign.note(name));
        Ok(())
    }

    /// Fails if a parameter that was not read resembles one of this route. The sender of a webhook does not know our other
    /// routes, so their names are [foreign](ForeignNames), too.
    pub fn finish_of_sender(self, foreign: &ForeignNames) -> Result<(), Problem> {
        self.misspelt()?;
        self.pairs.iter().for_each(|(name, _)| foreign.note(name));
        Ok(())
    }

    fn misspelt(&self) -> Result<(), Problem> {
        let meant = self.pairs.iter().find_map(|(name, _)| {
            Some((name, foreign::meant(name, foreign::EDITS_MAX, self.known.iter().copied())?))
        });
        let Some((name, own)) = meant else { return Ok(()) };
        let name = foreign::shown(name);
        let what = format!("unknown query parameter `{name}`");
        Err(Problem::new(Code::InvalidQuery, what, self.fix(Some(own))).at(place(&name)))
    }

    /// Describes the fix: the name that was meant, and all names that the route reads.
    fn fix(&self, meant: Option<&str>) -> String {
        let known: Vec<_> = self.known.iter().map(|name| format!("`{name}`")).collect();
        match (meant, &known[..]) {
            (Some(own), [_]) => format!("write `{own}`"),
            (Some(own), _) => format!("write `{own}`; this route reads {}", known.join(", ")),
            (None, []) => "leave it out".to_owned(),
            (None, [only]) => format!("leave it out; this route reads only {only}"),
            (None, _) => format!("use {}", known.join(", ")),
        }
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
    use crate::http::foreign::ForeignNames;

    fn params(query: &str) -> Params {
        Params::of(&format!("/stream?{query}").parse::<Uri>().expect("a query"))
    }

    fn foreign() -> ForeignNames {
        ForeignNames::new(["after".to_owned()].into())
    }

    #[test]
    fn a_filter_is_read_from_repeated_parameters() {
        let mut params = params("channel=a.*&type=error&channel=b&min_priority=high&text=Caf%C3%A9");
        let filter = params.filter(true).expect("well formed");
        assert_eq!(filter.patterns().iter().map(ToString::to_string).collect::<Vec<_>>(), ["a.*", "b"]);
        assert_eq!((filter.min_priority(), filter.text()), (Priority::High, Some("café")));
        assert!(params.finish(&foreign()).is_ok());
    }

    #[test]
    fn a_misspelt_parameter_is_an_error_that_names_the_right_ones() {
        for (query, at, fix) in [
            (
                "_=1&chanel=a",
                "?chanel",
                "write `channel`; this route reads `channel`, `type`, `min_priority`",
            ),
            ("afters=1", "?afters", "use `channel`, `type`, `min_priority`"),
        ] {
            let mut params = params(query);
            let _ = params.filter(false).expect("no filter");
            let problem = params.finish(&foreign()).expect_err("ours");
            assert_eq!((problem.0.at.as_str(), &*problem.0.fix), (at, fix));
        }
    }

    #[test]
    fn a_foreign_parameter_is_ignored() {
        for (query, of_sender) in [("_=1700000000&bodySHA256=x", false), ("after=1&user_id=7", true)] {
            let mut params = params(query);
            let _ = params.filter(false).expect("no filter");
            let finished =
                if of_sender { params.finish_of_sender(&foreign()) } else { params.finish(&foreign()) };
            assert!(finished.is_ok(), "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_query_makes_the_parser_panic(query in "[!-~]{0,60}") {
            let Ok(uri) = format!("/stream?{query}").parse::<Uri>() else { return Ok(()) };
            let mut params = Params::of(&uri);
            let _ = params.filter(true);
            let _ = params.read("since", Start::since);
            let _ = params.switch("conflate");
            let _ = params.finish(&foreign());
        }
    }
}
