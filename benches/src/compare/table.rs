//! Rows of a result, and the Markdown that `docs/benchmarks.md` holds.

use std::io::{Write, stdout};

use anyhow::Result;

use crate::figures::{median, number, summary};

/// A target of the project.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    None,
    /// The median of Fanfare divided by that of the baseline.
    RatioAtLeast(f64),
    RatioAtMost(f64),
}

pub(super) struct Row {
    /// The case and the metric, joined by `: `.
    pub(super) what: String,
    /// The values of the baseline, one for each repetition; empty if there is none.
    pub(super) baseline: Vec<f64>,
    pub(super) fanfare: Vec<f64>,
    pub(super) goal: Goal,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        let baseline = median(&self.baseline);
        (baseline > 0.0).then(|| median(&self.fanfare) / baseline)
    }

    /// Returns whether the target was met; `None` without a target.
    pub(super) fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::AtLeast(least) => Some(median(&self.fanfare) >= least),
            Goal::AtMost(most) => Some(median(&self.fanfare) <= most),
            Goal::None => None,
            Goal::RatioAtLeast(least) => self.ratio().map(|ratio| ratio >= least),
            Goal::RatioAtMost(most) => self.ratio().map(|ratio| ratio <= most),
        }
    }

    /// Splits `what` into the case and the metric; a case can have a colon of its own.
    fn case_and_metric(&self) -> (&str, &str) {
        self.what.rsplit_once(": ").unwrap_or(("", &self.what))
    }

    fn markdown(&self) -> String {
        let ratio = self.ratio().map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        let goal = match self.goal {
            Goal::AtLeast(least) => format!("≥ {}", number(least)),
            Goal::AtMost(most) => format!("≤ {}", number(most)),
            Goal::None => "–".to_owned(),
            Goal::RatioAtLeast(least) => format!("≥ {least} ×"),
            Goal::RatioAtMost(most) => format!("≤ {most} ×"),
        };
        let met = match self.met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        };
        let (baseline, fanfare) = (summary(&self.baseline), summary(&self.fanfare));
        format!("| {} | {baseline} | {fanfare} | {ratio} | {goal} | {met} |", self.case_and_metric().1)
    }
}

/// Prints a table for each case. `baseline` names the comparison.
pub(super) fn print(rows: &[Row], baseline: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(markdown(rows, baseline).as_bytes())?;
    Ok(())
}

/// Returns a heading and a table for each run of rows that share a case: with the case in every row, no row would fit
/// on a line.
fn markdown(rows: &[Row], baseline: &str) -> String {
    let mut text = String::new();
    for rows in rows.chunk_by(|a, b| a.case_and_metric().0 == b.case_and_metric().0) {
        text.push_str(&format!(
            "\n**{}**\n\n| metric | {baseline} | Fanfare | ratio | target | met |\n|---|---|---|---|---|---|\n",
            rows[0].case_and_metric().0
        ));
        for row in rows {
            text.push_str(&row.markdown());
            text.push('\n');
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::{Goal, Row, markdown};

    #[test]
    fn each_case_has_a_table() {
        let row =
            |what: &str| Row { what: what.into(), baseline: vec![], fanfare: vec![1.0], goal: Goal::None };
        let text = markdown(&[row("one push: p50 ms"), row("one push: p99 ms"), row("two: p50 ms")], "floor");
        let head = "| metric | floor | Fanfare | ratio | target | met |\n|---|---|---|---|---|---|";
        let expected = format!(
            "\n**one push**\n\n{head}\n| p50 ms | – | 1 | – | – | – |\n| p99 ms | – | 1 | – | – | – |\n\
             \n**two**\n\n{head}\n| p50 ms | – | 1 | – | – | – |\n\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_target_is_met_or_missed() {
        let row = |goal| Row { what: String::new(), baseline: vec![2.0], fanfare: vec![3.0], goal };
        let met = [
            Goal::RatioAtMost(1.5),
            Goal::RatioAtMost(1.4),
            Goal::RatioAtLeast(1.5),
            Goal::RatioAtLeast(1.6),
            Goal::AtLeast(4.0),
            Goal::AtMost(3.0),
            Goal::None,
        ];
        let expected = [Some(true), Some(false), Some(true), Some(false), Some(false), Some(true), None];
        assert_eq!(met.map(|goal| row(goal).met()), expected);
        // A value that is missing meets nothing.
        let missing = Row { what: String::new(), baseline: vec![], fanfare: vec![], goal: Goal::AtMost(1.0) };
        assert_eq!(missing.met(), Some(false));
    }
}
