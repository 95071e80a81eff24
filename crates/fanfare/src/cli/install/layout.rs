//! How a file is laid out: line breaks, indentation, everything on one line or not.

/// How the members of an object stand.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// On the line of the opening brace.
    pub(crate) is_inline: bool,
    /// What stands before a member.
    pub(crate) indent: String,
    /// One step deeper.
    pub(crate) unit: String,
    pub(crate) newline: &'static str,
}

impl Layout {
    /// Gives how the members of a new outermost object stand.
    pub(crate) fn document(text: &str) -> Layout {
        Layout { is_inline: false, indent: "  ".to_owned(), unit: "  ".to_owned(), newline: line_break(text) }
    }

    /// Gives what stands between an opening brace, or a comma, and a member.
    pub(crate) fn start(&self) -> String {
        if self.is_inline { String::new() } else { format!("{}{}", self.newline, self.indent) }
    }

    /// Gives the indentation of the object itself.
    pub(crate) fn outer(&self) -> &str {
        self.indent.strip_suffix(&self.unit).unwrap_or_default()
    }

    /// Gives how the members of a member stand.
    pub(crate) fn deeper(&self) -> Layout {
        Layout { indent: format!("{}{}", self.indent, self.unit), ..self.clone() }
    }
}

/// Gives the line break that `text` uses.
pub(crate) fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Gives the space at the start of the line that `at` is on.
pub(crate) fn leading_space(text: &str, at: usize) -> &str {
    let line = &text[text[..at].rfind('\n').map_or(0, |end| end + 1)..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
