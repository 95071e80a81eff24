//! The resident memory of a process over time, in tenths of that time.

/// Parts of the time.
const PARTS: usize = 10;
/// Maximum difference of the last part from the first.
const DRIFT_MAX: f64 = 0.1;

/// Samples of ten seconds.
const LEVEL_SAMPLES: usize = 50;
/// Maximum growth that counts as level: the sizes of the events in a ring vary.
const LEVEL_GROWTH_MAX: f64 = 1.03;

/// Returns the average of each tenth.
pub(super) fn tenths(samples: &[u64]) -> Vec<f64> {
    let len = samples.len().div_ceil(PARTS).max(1);
    samples.chunks(len).map(|part| part.iter().sum::<u64>() as f64 / part.len() as f64).collect()
}

/// Whether the maximum of the last ten seconds is close to that of the ten seconds before.
pub(super) fn is_level(samples: &[f64]) -> bool {
    let most = |samples: &[f64]| samples.iter().copied().fold(0.0, f64::max);
    let Some(start) = samples.len().checked_sub(2 * LEVEL_SAMPLES) else { return false };
    let (before, last) = samples[start..].split_at(LEVEL_SAMPLES);
    most(last) <= most(before) * LEVEL_GROWTH_MAX
}

/// The change from the first tenth to the last, as a share of the first.
pub(super) fn drift(tenths: &[f64]) -> f64 {
    match (tenths.first(), tenths.last()) {
        (Some(first), Some(last)) if *first > 0.0 => last / first - 1.0,
        _ => f64::INFINITY,
    }
}

pub(super) fn is_steady(drift: f64) -> bool {
    drift.abs() <= DRIFT_MAX
}

#[cfg(test)]
mod tests {
    use super::{drift, is_level, is_steady, tenths};

    #[test]
    fn what_still_grows_is_not_level() {
        let growing: Vec<f64> = (0..100).map(|at| 1_000.0 + f64::from(at)).collect();
        let level = [&growing[..], &[1_100.0; 50]].concat();
        assert!(!is_level(&growing) && is_level(&level) && !is_level(&level[..99]));
    }

    #[test]
    fn memory_that_grows_is_not_steady() {
        let steady: Vec<u64> = (0..100).map(|at| 1_000 + at % 7).collect();
        let growing: Vec<u64> = (0..100).map(|at| 1_000 + at * 2).collect();
        assert_eq!(tenths(&steady).len(), 10);
        assert!(is_steady(drift(&tenths(&steady))));
        assert!(!is_steady(drift(&tenths(&growing))) && !is_steady(drift(&[])));
    }
}
