//! Tables for the terminal.

use crate::cli::output::style::DIM;

/// Lays out rows in columns. Text is aligned left; a column whose head ends in a space holds numbers and is aligned
/// right. Cells may contain our own styles, but no other control characters.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([heads[column].trim_end().chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heads.len()).map(widest).collect();
    let line = |cells: &[&str]| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(widths[column] - width(cell));
            let gap = if column == 0 { "" } else { "  " };
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
    for row in rows {
        text.push('\n');
        text.push_str(&line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    text
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
        let text = anstream::adapter::strip_str(&table(&["channel", "events "], &rows)).to_string();
        assert_eq!(text, "channel  events\na         1,000\nbuilds        2");
        let rows = [vec![format!("{DIM}a{DIM:#}"), "x".to_owned()], vec!["bc".to_owned(), "y".to_owned()]];
        let text = anstream::adapter::strip_str(&table(&["a", "b"], &rows)).to_string();
        assert_eq!(text, "a   b\na   x\nbc  y");
    }
}
