//! Headers that hold a list: media types with their parameters, protocols.

use http::HeaderValue;

/// Returns whether `list` contains `name`, ignoring case and parameters.
pub(super) fn names(list: &HeaderValue, name: &str) -> bool {
    list.to_str().is_ok_and(|list| {
        list.split(',')
            .any(|member| member.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(name))
    })
}
