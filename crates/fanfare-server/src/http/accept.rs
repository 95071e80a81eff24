//! What a client accepts, as far as a route has a choice.

use http::{HeaderMap, header};

/// Returns whether `Accept` names this media type. Weights are ignored: who names it can read it.
pub(super) fn names(headers: &HeaderMap, media_type: &str) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|value| {
        let ranges = value.to_str().unwrap_or_default().split(',');
        let mut names = ranges.filter_map(|range| range.split(';').next());
        names.any(|name| name.trim().eq_ignore_ascii_case(media_type))
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::names;

    #[test]
    fn a_type_is_named_with_any_weight_and_in_any_case() {
        for (accept, is_named) in [
            ("application/x-ndjson", true),
            ("application/json, Application/X-NDJSON;q=0.5", true),
            ("application/x-ndjson2", false),
            ("*/*", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(names(&headers, "application/x-ndjson"), is_named, "{accept}");
        }
        assert!(!names(&HeaderMap::new(), "application/x-ndjson"));
    }
}
