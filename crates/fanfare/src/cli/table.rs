//! Tables for the terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal};

use terminal_size::{Width, terminal_size_of};

use crate::cli::output::style::DIM;
use crate::cli::output::{Mode, Output};
use crate::cli::text::shortened;

/// The columns between two columns.
const GAP: usize = 2;
/// The least width to which a column is cut: enough of a name to tell it from others.
const CUT_TO_MIN: usize = 8;

impl Output {
    /// Prints rows in columns ([`table`]). For people, a row fits into the width of the terminal; `-o table` and pipes get
    /// every cell whole.
    pub(crate) fn table(&self, heads: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        self.line(table(heads, rows, self.columns_max()))
    }

    /// Returns the width of the terminal that a person reads, in columns.
    fn columns_max(&self) -> Option<usize> {
        let is_for_people = self.mode == Mode::Human && io::stdout().is_terminal();
        let size = is_for_people.then(|| terminal_size_of(io::stdout())).flatten();
        size.map(|(Width(columns), _)| usize::from(columns)).filter(|columns| *columns > 0)
    }
}

/// Lays out rows in columns. Text is aligned left; a column whose head ends in a space holds numbers and is aligned
/// right. Cells may contain our own styles, but no other control characters. With `columns_max`, the longest texts are
/// cut until a row fits into so many columns; numbers and texts with styles never are.
fn table(heads: &[&str], rows: &[Vec<String>], columns_max: Option<usize>) -> String {
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([heads[column].trim_end().chars().count()]).max().unwrap_or_default()
    };
    let mut widths: Vec<usize> = (0..heads.len()).map(widest).collect();
    if let Some(columns_max) = columns_max {
        let may_be_cut = |column: usize| {
            !heads[column].ends_with(' ') && rows.iter().all(|row| !row[column].contains('\u{1b}'))
        };
        cut(&mut widths, columns_max, may_be_cut);
    }
    let rows = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths);
        cells.map(|(cell, most)| if width(cell) > *most { shortened(cell, *most) } else { cell.into() })
    });
    let rows: Vec<Vec<Cow<'_, str>>> = rows.map(Iterator::collect).collect();
    let line = |cells: &[&str]| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(widths[column] - width(cell));
            let gap = if column == 0 { "".to_owned() } else { " ".repeat(GAP) };
            if heads[column].ends_with(' ') {
                text.push_str(&format!("{gap}{padding}{cell}"));
            } else {
                text.push_str(&format!("{gap}{cell}{padding}"));
            }
        }
        text.trim_end().to_owned()
    };
    let trimmed: Vec<&str> = heads.iter().map(|head| head.trim_end()).collect();
    let mut text = format!("{DIM}{}{DIM:#}", line(&trimmed));
    for row in &rows {
        text.push('\n');
        text.push_str(&line(&row.iter().map(AsRef::as_ref).collect::<Vec<_>>()));
    }
    text
}

/// Narrows the widest columns that may be cut, until all together fit into `columns_max` or none can give more.
fn cut(widths: &mut [usize], columns_max: usize, may_be_cut: impl Fn(usize) -> bool) {
    let room = columns_max.saturating_sub(GAP * widths.len().saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        let can_give = |column: &usize| may_be_cut(*column) && widths[*column] > CUT_TO_MIN;
        let Some(widest) = (0..widths.len()).filter(can_give).max_by_key(|column| widths[*column]) else {
            return;
        };
        widths[widest] -= 1;
    }
}

/// Returns the width of `text` in columns, without its styles.
fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::cli::output::style::DIM;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "1,000".to_owned()], vec!["builds".to_owned(), "2".to_owned()]];
        let text = anstream::adapter::strip_str(&table(&["channel", "events "], &rows, None)).to_string();
        assert_eq!(text, "channel  events\na         1,000\nbuilds        2");
        let rows = [vec![format!("{DIM}a{DIM:#}"), "x".to_owned()], vec!["bc".to_owned(), "y".to_owned()]];
        let text = anstream::adapter::strip_str(&table(&["a", "b"], &rows, None)).to_string();
        assert_eq!(text, "a   b\na   x\nbc  y");
    }

    #[test]
    fn the_longest_texts_are_cut_until_a_row_fits_and_numbers_are_not() {
        let rows = [
            vec![
                "https://hooks.example.com/a/long/path".to_owned(),
                "12,345".to_owned(),
                "builds.web".to_owned(),
            ],
            vec!["short".to_owned(), "1".to_owned(), "a.channel.with.a.long.name".to_owned()],
        ];
        let heads = ["webhook", "waiting ", "channel"];
        let text = anstream::adapter::strip_str(&table(&heads, &rows, Some(50))).to_string();
        assert_eq!(
            text,
            "webhook               waiting  channel\n\
             https://hooks.examp…   12,345  builds.web\n\
             short                       1  a.channel.with.a.l…"
        );
        // What does not fit stays legible, and the terminal wraps it.
        let text = anstream::adapter::strip_str(&table(&heads, &rows, Some(20))).to_string();
        assert!(text.contains("https:/…   12,345  builds.…"), "{text}");
        let styled = [vec![format!("{DIM}a text with a style of its own{DIM:#}")]];
        assert!(table(&["a"], &styled, Some(10)).contains("a text with a style of its own"));
    }
}
