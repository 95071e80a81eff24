//! Why a file cannot be changed.

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// From 1.
    pub(crate) line: Option<usize>,
    /// Lowercase, no full stop.
    pub(crate) what: String,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>) -> Problem {
        Problem { line: None, what: what.into() }
    }

    /// The same on a line; parsers begin their sentences with a capital letter.
    pub(crate) fn at_line(line: usize, what: impl AsRef<str>) -> Problem {
        let mut chars = what.as_ref().trim_end_matches('.').chars();
        let first = chars.next().into_iter().flat_map(char::to_lowercase);
        Problem { line: Some(line), what: first.chain(chars).collect() }
    }

    /// The same on the line of a byte.
    pub(crate) fn at(text: &str, byte: usize, what: impl AsRef<str>) -> Problem {
        Problem::at_line(text[..byte].matches('\n').count() + 1, what)
    }
}
