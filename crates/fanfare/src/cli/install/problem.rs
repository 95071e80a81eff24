//! The problem that prevents a change of a file.

/// A problem in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The line, counted from 1.
    pub(crate) line: Option<usize>,
    /// Description in lowercase and without a full stop.
    pub(crate) what: String,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>) -> Problem {
        Problem { line: None, what: what.into() }
    }

    /// Creates a problem on a line, from the message of a parser, which begins with a capital letter.
    pub(crate) fn at_line(line: usize, what: impl AsRef<str>) -> Problem {
        let mut chars = what.as_ref().trim_end_matches('.').chars();
        let first = chars.next().into_iter().flat_map(char::to_lowercase);
        Problem { line: Some(line), what: first.chain(chars).collect() }
    }

    /// Creates a problem on the line of a byte.
    pub(crate) fn at(text: &str, byte: usize, what: impl AsRef<str>) -> Problem {
        Problem::at_line(text[..byte].matches('\n').count() + 1, what)
    }
}
