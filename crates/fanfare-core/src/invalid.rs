//! Input that was refused: what is wrong, where, and what would be right.

use std::borrow::Cow;

use crate::code::Code;

/// Input that cannot be taken. Nothing was written because of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {fix}")]
pub struct Invalid {
    /// The public code.
    pub code: Code,
    /// What is wrong with what: lowercase, no full stop.
    pub what: String,
    /// Where: a JSON pointer such as `/3/message`, or words such as ``query parameter `since` ``. Empty when
    /// the whole input is meant.
    pub at: String,
    /// What would be right.
    pub fix: Cow<'static, str>,
}

impl Invalid {
    /// Says what is wrong and how to mend it; the caller that knows the place adds it with [`Invalid::at`].
    pub fn new(code: Code, what: impl Into<String>, fix: impl Into<Cow<'static, str>>) -> Invalid {
        Invalid { code, what: what.into(), at: String::new(), fix: fix.into() }
    }

    /// Names the place, unless a more exact one is already named.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Invalid {
        if self.at.is_empty() {
            self.at = place.into();
        }
        self
    }

    /// Puts `prefix` before the place: the index of an event in a batch.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Invalid {
        self.at.insert_str(0, prefix);
        self
    }
}

/// Shortens a value that goes into an error message, so that an answer never repeats a megabyte.
pub fn shown(value: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    if value.chars().count() <= SHOWN_CHARS_MAX {
        value.escape_debug().collect()
    } else {
        let head: String = value.chars().take(SHOWN_CHARS_MAX).collect();
        format!("{}…", head.escape_debug())
    }
}
