//! Figures for people: medians, ranges and rounded numbers.

/// Returns the median and the range.
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

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (len, middle) if len % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Three significant digits, thousands set apart.
pub(crate) fn number(value: f64) -> String {
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
    use super::{median, number, summary};

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
}
