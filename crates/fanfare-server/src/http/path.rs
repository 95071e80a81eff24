//! Parts of a path. A path names a thing, so a text that no such thing can have names one that is not there.

use std::str::FromStr;

use fanfare_core::{Code, Invalid};

use crate::problem::Problem;

/// Parses a part of a path; `place` is the part in braces, such as `{id}`.
pub(super) fn named<T: FromStr<Err = Invalid>>(text: &str, place: &'static str) -> Result<T, Problem> {
    text.parse().map_err(|invalid| not_there(invalid, place))
}

/// Turns `invalid` into the problem of a thing that does not exist.
pub(super) fn not_there(invalid: Invalid, place: &'static str) -> Problem {
    Invalid { code: Code::NotFound, ..invalid }.at(place).into()
}
