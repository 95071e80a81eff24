//! Rows of a result, and the Markdown that `docs/benchmarks.md` holds.

use std::io::{Write, stdout};

use anyhow::Result;

/// What the project has promised.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    None,
    /// Fanfare's median divided by the floor's.
    RatioAtMost(f64),
}

pub(super) struct Row {
    pub(super) what: String,
    /// One value for each repetition; empty where there is no floor.
    pub(super) floor: Vec<f64>,
    pub(super) fanfare: Vec<f64>,
    pub(super) goal: Goal,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        let floor = median(&self.floor);
        (floor > 0.0).then(|| median(&self.fanfare) / floor)
    }

    /// None where nothing was promised.
    pub(super) fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::AtLeast(least) => Some(median(&self.fanfare) >= least),
            Goal::AtMost(most) => Some(median(&self.fanfare) <= most),
            Goal::None => None,
            Goal::RatioAtMost(most) => self.ratio().map(|ratio| ratio <= most),
        }
    }

    fn markdown(&self) -> String {
        let ratio = self.ratio().map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        let goal = match self.goal {
            Goal::AtLeast(least) => format!("≥ {}", number(least)),
            Goal::AtMost(most) => format!("≤ {}", number(most)),
            Goal::None => "–".to_owned(),
            Goal::RatioAtMost(most) => format!("≤ {most} ×"),
        };
        let met = match self.met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        };
        let (floor, fanfare) = (summary(&self.floor), summary(&self.fanfare));
        format!("| {} | {floor} | {fanfare} | {ratio} | {goal} | {met} |", self.what)
    }
}

pub(super) fn print(rows: &[Row]) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "\n| what | floor | Fanfare | ratio | target | met |\n|---|---|---|---|---|---|")?;
    for row in rows {
        writeln!(out, "{}", row.markdown())?;
    }
    writeln!(out)?;
    Ok(())
}

/// The median and what it lies between.
pub(crate) fn summary(values: &[f64]) -> String {
    let (Some(least), Some(most)) =
        (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max))
    else {
        return "–".to_owned();
    };
    match values.len() {
        1 => number(least),
        _ => format!("{} ({}–{})", number(median(values)), number(least), number(most)),
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (len, middle) if len % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Three significant digits, thousands set apart.
fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 100.0 {
        let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 4) as usize;
        let text = format!("{value:.decimals$}");
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    let digits = format!("{value:.0}");
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{sign}{}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::{Goal, Row, median, number, summary};

    #[test]
    fn numbers_are_written_for_people() {
        let written = [0.0, 0.0123, 1.4, 4.256, 42.0, 999.7, 1_234_567.0, -1_500.0].map(number);
        assert_eq!(written, ["0", "0.0123", "1.4", "4.26", "42", "1,000", "1,234,567", "-1,500"]);
    }

    #[test]
    fn the_median_is_between_the_least_and_the_most() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(summary(&[3.0, 1.0, 2.0]), "2 (1–3)");
        assert_eq!(summary(&[]), "–");
    }

    #[test]
    fn a_target_is_met_or_missed() {
        let row = |goal| Row { what: String::new(), floor: vec![2.0], fanfare: vec![3.0], goal };
        let met = [
            Goal::RatioAtMost(1.5),
            Goal::RatioAtMost(1.4),
            Goal::AtLeast(4.0),
            Goal::AtMost(3.0),
            Goal::None,
        ];
        assert_eq!(met.map(|goal| row(goal).met()), [Some(true), Some(false), Some(false), Some(true), None]);
        // A value that is missing meets nothing.
        let missing = Row { what: String::new(), floor: vec![], fanfare: vec![], goal: Goal::AtMost(1.0) };
        assert_eq!(missing.met(), Some(false));
    }
}
