//! The resident memory of a process over time, in tenths of that time.

/// Parts of the time.
const PARTS: usize = 10;
/// Maximum difference of the last part from the first.
const DRIFT_MAX: f64 = 0.1;

/// Samples of twenty seconds, the shortest time over which an average says something: requests and events come and go, and
/// the memory of steady seconds differs by a tenth.
const PART_SAMPLES_MIN: usize = 100;
/// Maximum growth that counts as level: the sizes of the events in a ring vary.
const LEVEL_GROWTH_MAX: f64 = 1.02;

/// Returns the average of each tenth.
pub(super) fn tenths(samples: &[f64]) -> Vec<f64> {
    samples.chunks(samples.len().div_ceil(PARTS).max(1)).map(average).collect()
}

/// Whether the average of the last twenty seconds is close to that of the twenty seconds before.
pub(super) fn is_level(samples: &[f64]) -> bool {
    let Some(start) = samples.len().checked_sub(2 * PART_SAMPLES_MIN) else { return false };
    let (before, last) = samples[start..].split_at(PART_SAMPLES_MIN);
    average(last) <= average(before) * LEVEL_GROWTH_MAX
}

/// Returns the change from the first tenth to the last, as a share of the first. Where a tenth is shorter than twenty
/// seconds, it is the change from the first twenty seconds to the last; infinity, if these overlap.
pub(super) fn drift(samples: &[f64]) -> f64 {
    let len = samples.len().div_ceil(PARTS).max(PART_SAMPLES_MIN);
    if samples.len() < 2 * len {
        return f64::INFINITY;
    }
    average(&samples[samples.len() - len..]) / average(&samples[..len]) - 1.0
}

fn average(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

pub(super) fn is_steady(drift: f64) -> bool {
    drift.abs() <= DRIFT_MAX
}

#[cfg(test)]
mod tests {
    use super::{drift, is_level, is_steady, tenths};

    #[test]
    fn what_still_grows_is_not_level() {
        let growing: Vec<f64> = (0..200).map(|at| 1_000.0 + f64::from(at)).collect();
        let level = [&growing[..], &[1_200.0; 100]].concat();
        assert!(!is_level(&growing) && !is_level(&level[..199]));
        assert!(!is_level(&level) && is_level(&[&level[..], &[1_200.0; 100]].concat()));
    }

    #[test]
    fn memory_that_grows_is_not_steady() {
        // A minute, and ten.
        for count in [300, 3_000] {
            let steady: Vec<f64> = (0..count).map(|at| f64::from(1_000 + at % 70)).collect();
            let growth = 200.0 / f64::from(count);
            let growing: Vec<f64> = (0..count).map(|at| 1_000.0 + f64::from(at) * growth).collect();
            assert_eq!(tenths(&steady).len(), 10);
            assert!(is_steady(drift(&steady)));
            assert!(!is_steady(drift(&growing)) && !is_steady(drift(&growing[..199])));
        }
    }
}
