//! The layout of a JSON file: its newlines and its indentation.

/// The layout of the members of an object.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Whether the members are on the line of the opening brace.
    pub(crate) is_inline: bool,
    /// Indentation of a member.
    pub(crate) indent: String,
    /// One step of indentation.
    pub(crate) unit: String,
    pub(crate) newline: &'static str,
}

impl Layout {
    /// Returns the layout of a new outermost object.
    pub(crate) fn document(text: &str) -> Layout {
        Layout { is_inline: false, indent: "  ".to_owned(), unit: "  ".to_owned(), newline: line_break(text) }
    }

    /// Returns the text between an opening brace, or a comma, and a member.
    pub(crate) fn start(&self) -> String {
        if self.is_inline { String::new() } else { format!("{}{}", self.newline, self.indent) }
    }

    /// Returns the indentation of the object itself.
    pub(crate) fn outer(&self) -> &str {
        self.indent.strip_suffix(&self.unit).unwrap_or_default()
    }

    /// Returns the layout of an object inside a member.
    pub(crate) fn deeper(&self) -> Layout {
        Layout { indent: format!("{}{}", self.indent, self.unit), ..self.clone() }
    }
}

/// Returns the newline that `text` uses.
pub(crate) fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Returns the indentation of the line that `at` is on.
pub(crate) fn leading_space(text: &str, at: usize) -> &str {
    let line = &text[text[..at].rfind('\n').map_or(0, |end| end + 1)..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
