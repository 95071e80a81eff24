//! A filter as a client writes it. Every door reads it here, so that all accept and refuse the same.

use std::str::FromStr;

use crate::filter::{Filter, TOO_MANY_PATTERNS, TOO_MANY_TYPES, check_count};
use crate::invalid::Invalid;
use crate::members::Members;
use crate::priority::Priority;

/// The parts of a filter, as text.
#[derive(Debug, Clone, Copy, Default)]
pub struct FilterWords<'a> {
    /// The patterns; none means every channel.
    pub patterns: &'a [String],
    /// The types; none means all.
    pub types: &'a [String],
    /// The least priority; none means `min`.
    pub min_priority: Option<&'a str>,
    /// Text that the message contains.
    pub text: Option<&'a str>,
}

/// A part of a filter. Doors have their own names for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The patterns, or the one with this index.
    Patterns(Option<usize>),
    /// The types, or the one with this index.
    Types(Option<usize>),
    /// The least priority.
    MinPriority,
    /// The text.
    Text,
}

impl FilterWords<'_> {
    /// Reads the filter. An error has the place that `at` returns for the part that is wrong.
    pub fn read(self, at: impl Fn(Part) -> String) -> Result<Filter, Invalid> {
        // Counted before any is read: a request may have room for very many.
        check_count(self.patterns.len(), TOO_MANY_PATTERNS)
            .map_err(|error| error.at(at(Part::Patterns(None))))?;
        check_count(self.types.len(), TOO_MANY_TYPES).map_err(|error| error.at(at(Part::Types(None))))?;
        let patterns = list(self.patterns, |index| at(Part::Patterns(Some(index))))?;
        let types = list(self.types, |index| at(Part::Types(Some(index))))?;
        let min_priority = self.min_priority.map_or(Ok(Priority::Min), str::parse);
        let min_priority = min_priority.map_err(|error| error.at(at(Part::MinPriority)))?;
        Filter::new(patterns, types, min_priority, self.text).map_err(|error| error.at(at(Part::Text)))
    }
}

/// The parts of a filter that are members of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterMembers {
    channels: Option<Vec<String>>,
    types: Option<Vec<String>>,
    min_priority: Option<String>,
    text: Option<String>,
}

impl FilterMembers {
    /// Takes the members of a filter.
    pub fn take(members: &mut Members<'_>) -> Result<FilterMembers, Invalid> {
        Ok(FilterMembers {
            channels: members.texts("channels")?.flatten(),
            types: members.texts("types")?.flatten(),
            min_priority: members.text("min_priority")?.flatten(),
            text: members.text("text")?.flatten(),
        })
    }

    /// Reads the filter; `None` if no part of it is given.
    pub fn read(self) -> Result<Option<Filter>, Invalid> {
        if self == FilterMembers::default() {
            return Ok(None);
        }
        let words = FilterWords {
            patterns: self.channels.as_deref().unwrap_or_default(),
            types: self.types.as_deref().unwrap_or_default(),
            min_priority: self.min_priority.as_deref(),
            text: self.text.as_deref(),
        };
        let filter = words.read(|part| match part {
            Part::Patterns(None) => "/channels".to_owned(),
            Part::Patterns(Some(index)) => format!("/channels/{index}"),
            Part::Types(None) => "/types".to_owned(),
            Part::Types(Some(index)) => format!("/types/{index}"),
            Part::MinPriority => "/min_priority".to_owned(),
            Part::Text => "/text".to_owned(),
        });
        filter.map(Some)
    }
}

fn list<T: FromStr<Err = Invalid>>(
    texts: &[String],
    at: impl Fn(usize) -> String,
) -> Result<Vec<T>, Invalid> {
    let read = |(index, text): (usize, &String)| text.parse().map_err(|error: Invalid| error.at(at(index)));
    texts.iter().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::{FilterWords, Part};
    use crate::code::Code;
    use crate::priority::Priority;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_filter_is_read_from_words() {
        let (patterns, types) = (texts(&["a.*", "b"]), texts(&["error"]));
        let words = FilterWords {
            patterns: &patterns,
            types: &types,
            min_priority: Some("high"),
            text: Some("Out of"),
        };
        let filter = words.read(|part| format!("{part:?}")).expect("a filter");
        assert_eq!(filter.patterns().iter().map(ToString::to_string).collect::<Vec<_>>(), patterns);
        assert_eq!((filter.types().len(), filter.min_priority()), (1, Priority::High));
        assert_eq!(filter.text(), Some("out of"));
        assert!(FilterWords::default().read(|_| String::new()).is_ok_and(|filter| filter.is_all()));
    }

    #[test]
    fn an_error_names_the_part_that_is_wrong() {
        let good = texts(&["a", "b"]);
        let bad = texts(&["a", "b..c"]);
        let many = texts(&["a"; 65]);
        let long = "x".repeat(257);
        let words = FilterWords::default();
        for (words, part, code) in [
            (FilterWords { patterns: &bad, ..words }, Part::Patterns(Some(1)), Code::InvalidPattern),
            (FilterWords { patterns: &many, ..words }, Part::Patterns(None), Code::InvalidQuery),
            (FilterWords { types: &texts(&["a b"]), ..words }, Part::Types(Some(0)), Code::InvalidType),
            (FilterWords { patterns: &good, types: &many, ..words }, Part::Types(None), Code::InvalidQuery),
            (FilterWords { min_priority: Some("urgent"), ..words }, Part::MinPriority, Code::InvalidPriority),
            (FilterWords { text: Some(&long), ..words }, Part::Text, Code::InvalidQuery),
        ] {
            let error = words.read(|part| format!("{part:?}")).expect_err("wrong");
            assert_eq!((error.at, error.code), (format!("{part:?}"), code));
        }
    }
}
