//! Refused input: the problem, its place, and the fix.

use std::borrow::Cow;

use crate::code::Code;

/// Input that cannot be accepted. Nothing was written because of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {fix}")]
pub struct Invalid {
    /// The public code.
    pub code: Code,
    /// The problem: lowercase, no full stop.
    pub what: String,
    /// The place, whose first sign says where: a JSON pointer into the body (`/3/message`), a query parameter (`?since`),
    /// a part of the path (`{id}`), or a header (`Host:`). Empty if the whole input is meant.
    pub at: String,
    /// The fix.
    pub fix: Cow<'static, str>,
}

impl Invalid {
    /// Creates a refusal from the problem and its fix; a caller that knows the place adds it with [`Invalid::at`].
    pub fn new(code: Code, what: impl Into<String>, fix: impl Into<Cow<'static, str>>) -> Invalid {
        Invalid { code, what: what.into(), at: String::new(), fix: fix.into() }
    }

    /// Sets the place, unless a more exact one is already set.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Invalid {
        if self.at.is_empty() {
            self.at = place.into();
        }
        self
    }

    /// Puts `prefix` in front of the place: the index of an event in a batch.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Invalid {
        self.at.insert_str(0, prefix);
        self
    }
}

/// Shortens a value for an error message, so that a response never repeats a megabyte.
pub fn shown(value: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    if value.chars().count() <= SHOWN_CHARS_MAX {
        value.escape_debug().collect()
    } else {
        let head: String = value.chars().take(SHOWN_CHARS_MAX).collect();
        format!("{}…", head.escape_debug())
    }
}
