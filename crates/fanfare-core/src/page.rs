//! Pages of lists that are in memory.

/// Keeps the first `limit` of `rows`, and returns where the next page starts if there were more: after the last row
/// that is kept, as `place` names it.
pub fn cut<T, P>(rows: &mut Vec<T>, limit: usize, place: impl Fn(&T) -> P) -> Option<P> {
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(place)
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn only_a_page_with_more_behind_it_has_a_next_one() {
        for (len, limit, left, next) in [(3, 2, 2, Some(1)), (2, 2, 2, None), (0, 1, 0, None)] {
            let mut rows: Vec<usize> = (0..len).collect();
            assert_eq!(
                (cut(&mut rows, limit, |row| *row), rows.len()),
                (next, left),
                "{len} rows by {limit}"
            );
        }
    }
}
