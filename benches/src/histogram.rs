//! A log-linear histogram: constant memory, every quantile within 1 % of the exact one.

/// 64 buckets for each power of two.
const PRECISION: u32 = 6;
const STEPS: u64 = 1 << PRECISION;

pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; (65 - PRECISION as usize) * STEPS as usize], count: 0, max: 0 }
    }

    pub(crate) fn record(&mut self, value: u64) {
        self.buckets[bucket_of(value)] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// Returns how many values were recorded.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the value that a share `quantile` of all recorded ones does not exceed; 0 if there are none.
    pub(crate) fn quantile(&self, quantile: f64) -> u64 {
        let rank = (self.count as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) && seen < self.count {
                return middle_of(bucket).min(self.max);
            }
        }
        self.max
    }

    /// A quantile of recorded nanoseconds, in microseconds.
    pub(crate) fn quantile_us(&self, quantile: f64) -> f64 {
        self.quantile(quantile) as f64 / 1e3
    }
}

fn bucket_of(value: u64) -> usize {
    let Some(shift) = value.max(1).ilog2().checked_sub(PRECISION) else { return value as usize };
    ((u64::from(shift) * STEPS) + (value >> shift)) as usize
}

fn middle_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let low = (bucket - shift * STEPS) << shift;
    low + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::{Histogram, bucket_of, middle_of};

    #[test]
    fn a_bucket_holds_values_within_one_percent_of_its_middle() {
        let values = (0..63).flat_map(|power| {
            let base = 1_u64 << power;
            [base, base + base / 3, base + base / 2, (base - 1) + base]
        });
        for value in values.chain([0, u64::MAX]) {
            let middle = middle_of(bucket_of(value));
            assert!(middle.abs_diff(value) as f64 <= value as f64 * 0.01, "{value} is filed under {middle}");
        }
    }

    #[test]
    fn buckets_grow_with_the_value() {
        let mut last = 0;
        for value in 0..100_000 {
            let bucket = bucket_of(value);
            assert!(bucket == last || bucket == last + 1, "{value} jumps from {last} to {bucket}");
            last = bucket;
        }
    }

    #[test]
    fn quantiles_of_a_uniform_set_are_where_they_should_be() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(0.5), 0);
        (1..=100_000).for_each(|value| histogram.record(value));
        for (quantile, exact) in [(0.5, 50_000.0), (0.99, 99_000.0), (0.999, 99_900.0)] {
            let found = histogram.quantile(quantile) as f64;
            assert!((found - exact).abs() <= exact * 0.01, "{quantile} is {found}");
        }
        assert_eq!(histogram.quantile(1.0), 100_000);
    }
}
