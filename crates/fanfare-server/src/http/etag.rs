//! Entity tags of a row's revision, so that a change made of an old state is refused instead of undoing another.

use fanfare_core::Code;
use fanfare_delivery::changing::Expected;
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue};

use crate::problem::Problem;

/// Maximum length of an `If-Match` that is read: a client sends the tag of the state it saw, rarely several.
const IF_MATCH_LEN_MAX: usize = 1024;

/// Returns the header `ETag` for a revision.
pub(super) fn header(revision: u64) -> [(http::HeaderName, HeaderValue); 1] {
    let tag = format!("\"{revision}\"");
    [(ETAG, HeaderValue::try_from(tag).expect("digits in quotes are a header"))]
}

/// Reads `If-Match` ([RFC 9110, 13.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1)). Several headers are one
/// list. A weak tag and one that this gateway never made are tags as well: they match nothing.
pub(super) fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let mut tags = Vec::new();
    let mut is_given = false;
    for value in headers.get_all(IF_MATCH) {
        is_given = true;
        if value.len() > IF_MATCH_LEN_MAX {
            return Err(malformed());
        }
        let text = value.to_str().map_err(|_| malformed())?.trim();
        if text == "*" {
            return Ok(Expected::Any);
        }
        read_list(text, &mut tags)?;
    }
    Ok(if is_given { Expected::OneOf(tags) } else { Expected::Any })
}

/// Reads a list of tags and keeps the revisions among them. Within the quotes, a comma is a character like any other.
fn read_list(text: &str, revisions: &mut Vec<u64>) -> Result<(), Problem> {
    let mut rest = text;
    loop {
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(strong) => (true, strong),
            None => (false, rest),
        };
        let (tag, after) =
            quoted.strip_prefix('"').and_then(|opened| opened.split_once('"')).ok_or_else(malformed)?;
        if tag.contains([' ', '\t']) {
            return Err(malformed());
        }
        if !is_weak && let Ok(revision) = tag.parse() {
            revisions.push(revision);
        }
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if after.is_empty() => return Ok(()),
            None => return Err(malformed()),
        }
    }
}

fn malformed() -> Problem {
    Problem::new(
        Code::InvalidHeader,
        "`If-Match` is not a list of entity tags",
        "send the `ETag` of an earlier response as it was, quotes included, or `*`",
    )
    .at("If-Match:")
}

#[cfg(test)]
mod tests {
    use fanfare_core::Code;
    use fanfare_delivery::changing::Expected;
    use http::header::IF_MATCH;
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    use super::{expected, header};

    fn read(values: &[&str]) -> Result<Expected, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_str(value).expect("a header"));
        }
        expected(&headers).map_err(|problem| problem.0.code)
    }

    #[test]
    fn tags_are_read_as_the_revisions_that_they_name() {
        for (values, revisions) in [
            (&["\"3\""][..], &[3][..]),
            (&["\"3\", \"17\""], &[3, 17]),
            (&["\"3\"", "\"4\""], &[3, 4]),
            (&["W/\"3\""], &[]),
            (&["\"zzz\""], &[]),
            (&["\"a,b\",\"5\""], &[5]),
        ] {
            assert_eq!(read(values), Ok(Expected::OneOf(revisions.to_vec())), "{values:?}");
        }
        assert_eq!((read(&[]), read(&["*"])), (Ok(Expected::Any), Ok(Expected::Any)));
    }

    #[test]
    fn what_is_not_a_list_of_tags_is_refused() {
        for value in ["3", "\"3", "\"3\",", "\"3\" \"4\"", "", "W/3", "\"a b\"", "*, \"3\""] {
            assert_eq!(read(&[value]), Err(Code::InvalidHeader), "{value}");
        }
        let long = format!("\"{}\"", "1".repeat(2000));
        assert_eq!(read(&[&long]), Err(Code::InvalidHeader));
    }

    proptest! {
        #[test]
        fn a_tag_that_is_sent_back_names_its_revision(revision: u64) {
            let [(_, tag)] = header(revision);
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, tag);
            prop_assert_eq!(expected(&headers).expect("a tag"), Expected::OneOf(vec![revision]));
        }
    }
}
