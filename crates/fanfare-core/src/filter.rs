//! Filters: the events that a subscriber wants.

use serde::Serialize;

use crate::channel::Channel;
use crate::code::Code;
use crate::event::{Event, EventType, Key};
use crate::folded::Folded;
use crate::invalid::Invalid;
use crate::json::Json;
use crate::limits::{FILTER_TERMS_MAX, FILTER_TEXT_LEN_MAX};
use crate::pattern::Pattern;
use crate::priority::Priority;

/// The selection of events that a subscriber wants. Two filters that differ only in order or repetition are equal, so
/// that their subscribers can share a feed. Its JSON is the form that stores keep: its members keep their names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Filter {
    /// Sorted, without repetition, never empty; just `>` when that is among them.
    patterns: Vec<Pattern>,
    /// Sorted, without repetition; empty means all.
    types: Vec<EventType>,
    /// The minimum priority.
    min_priority: Priority,
    /// The text to search for, in lowercase; never empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Box<str>>,
    /// The text to search for in everything that was written, in lowercase; never empty. Only reads of the past search
    /// so widely: no subscriber has it, and no store keeps it.
    #[serde(skip)]
    search: Option<Box<str>>,
}

impl Filter {
    /// Creates a filter. No patterns means every channel, no types every type; `text` is searched for in the message,
    /// ignoring ASCII case. Fails if there are more than 64 patterns or types, or more than 256 bytes of text.
    pub fn new(
        mut patterns: Vec<Pattern>,
        mut types: Vec<EventType>,
        min_priority: Priority,
        text: Option<&str>,
    ) -> Result<Filter, Invalid> {
        check_count(patterns.len(), TOO_MANY_PATTERNS)?;
        check_count(types.len(), TOO_MANY_TYPES)?;
        let text = text.map(folded_text).transpose()?.flatten();
        patterns.sort_unstable();
        patterns.dedup();
        if patterns.is_empty() || patterns.iter().any(Pattern::is_all) {
            patterns = vec![Pattern::all()];
        }
        types.sort_unstable();
        types.dedup();
        Ok(Filter { patterns, types, min_priority, text, search: None })
    }

    /// Returns the filter of those of its events whose message, data, channel or key contains `text`, ignoring ASCII
    /// case. Data is searched as the JSON that was pushed. Fails if there are more than 256 bytes of text.
    pub fn searching(self, text: &str) -> Result<Filter, Invalid> {
        Ok(Filter { search: folded_text(text)?, ..self })
    }

    /// Returns the filter that every event passes.
    pub fn all() -> Filter {
        Filter {
            patterns: vec![Pattern::all()],
            types: Vec::new(),
            min_priority: Priority::Min,
            text: None,
            search: None,
        }
    }

    /// Returns the patterns: at least one.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Returns the types; empty means all.
    pub fn types(&self) -> &[EventType] {
        &self.types
    }

    /// Returns the minimum priority.
    pub fn min_priority(&self) -> Priority {
        self.min_priority
    }

    /// Returns the text to search for, in lowercase.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Returns `true` if every event on every channel passes.
    pub fn is_all(&self) -> bool {
        self.patterns[0].is_all()
            && self.types.is_empty()
            && self.min_priority == Priority::Min
            && !self.reads_content()
    }

    /// Returns `true` if the content of an event decides whether it passes.
    pub fn reads_content(&self) -> bool {
        self.text.is_some() || self.search.is_some()
    }

    /// Returns `true` if events on `channel` can pass.
    pub fn matches_channel(&self, channel: &Channel) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(channel))
    }

    /// Returns `true` if `event` passes.
    pub fn matches(&self, event: &Event) -> bool {
        self.matches_folded(event, &Folded::new(&event.message))
    }

    /// Returns `true` if `event` passes, whose message was folded for several filters.
    pub fn matches_folded(&self, event: &Event, message: &Folded<'_>) -> bool {
        self.matches_but_text(event)
            && self.text().is_none_or(|text| message.contains(text))
            && self.search.as_deref().is_none_or(|text| message.contains(text) || is_beside(event, text))
    }

    /// Returns `true` if `event` passes but for the text.
    pub fn matches_but_text(&self, event: &Event) -> bool {
        self.matches_kind(&event.channel, &event.event_type, event.priority)
    }

    /// Returns `true` if an event of this kind passes, apart from the text.
    pub fn matches_kind(&self, channel: &Channel, event_type: &EventType, priority: Priority) -> bool {
        priority >= self.min_priority
            && (self.types.is_empty() || self.types.contains(event_type))
            && self.matches_channel(channel)
    }
}

/// Returns whether what an event has beside its message contains `text`, which is in lowercase.
fn is_beside(event: &Event, text: &str) -> bool {
    let data = event.data.as_ref().map(Json::as_str);
    let key = event.key.as_ref().map(Key::as_str);
    [data, Some(event.channel.as_str()), key]
        .into_iter()
        .flatten()
        .any(|part| Folded::new(part).contains(text))
}

/// Returns a text to search for in lowercase; `None` if it is empty.
fn folded_text(text: &str) -> Result<Option<Box<str>>, Invalid> {
    if text.len() > FILTER_TEXT_LEN_MAX {
        return Err(Invalid::new(
            Code::InvalidQuery,
            "the text to search for is too long",
            "use at most 256 bytes",
        ));
    }
    Ok(Some(text).filter(|text| !text.is_empty()).map(|text| text.to_ascii_lowercase().into()))
}

/// The error and the fix for too many patterns.
pub(crate) const TOO_MANY_PATTERNS: (&str, &str) =
    ("there are too many patterns", "use at most 64, or a wider pattern such as `builds.>`");
/// The error and the fix for too many types.
pub(crate) const TOO_MANY_TYPES: (&str, &str) =
    ("there are too many types", "use at most 64, or none for all");

/// Refuses more patterns or types than a filter may have.
pub(crate) fn check_count(count: usize, (what, fix): (&str, &'static str)) -> Result<(), Invalid> {
    match count > FILTER_TERMS_MAX {
        true => Err(Invalid::new(Code::InvalidQuery, what, fix)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use crate::priority::Priority;

    #[test]
    fn the_same_wish_in_other_words_is_the_same_filter() {
        let filter = |patterns: &[&str]| {
            let patterns = patterns.iter().map(|text| text.parse().expect("pattern")).collect();
            Filter::new(patterns, Vec::new(), Priority::Min, None).expect("few terms")
        };
        assert_eq!(filter(&["a", "b", "a"]), filter(&["b", "a"]));
        assert_eq!(filter(&["a", ">"]), Filter::all());
        assert_eq!(filter(&[]), Filter::all());
        assert!(filter(&[]).is_all());
    }
}
