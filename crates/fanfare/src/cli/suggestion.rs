//! Suggestions for misspelled names.

/// Minimum similarity of a suggestion, from 0 to 1. Below it, two names share letters by chance.
const SIMILARITY_MIN: f64 = 0.8;

/// Returns the candidate that a name was probably meant to be. Each candidate is `(value, spelling, given name)`.
pub(crate) fn closest<'a, T>(candidates: impl IntoIterator<Item = (T, &'a str, &'a str)>) -> Option<T> {
    candidates
        .into_iter()
        .map(|(value, spelling, name)| (value, strsim::jaro_winkler(spelling, name)))
        .filter(|(_, similarity)| *similarity >= SIMILARITY_MIN)
        .max_by(|(_, one), (_, two)| one.total_cmp(two))
        .map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn only_a_similar_name_is_suggested() {
        let suggested = |name| closest(["push", "webhooks", "no-auth"].map(|known| (known, known, name)));
        assert_eq!(suggested("pusch"), Some("push"));
        assert_eq!(suggested("webhok"), Some("webhooks"));
        assert_eq!(suggested("nosuch"), None);
        assert_eq!(suggested("x"), None);
    }
}
