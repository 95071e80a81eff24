//! Pages of lists: `limit` and `cursor` in the query, `next_cursor` in the answer.
//!
//! A cursor is opaque to callers. It names the last row of a page, so a row that is removed meanwhile costs nothing.

use std::str::FromStr;

use fanfare_core::{Code, Invalid};

use crate::http::query::Params;
use crate::problem::Problem;

/// The size of a page.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// The number of rows without `limit`.
    pub default: usize,
    /// Maximum `limit`.
    pub max: usize,
}

/// Rows that come from memory: a thousand of them are at most some hundred kilobytes.
pub const ROWS: Size = Size { default: 100, max: 1_000 };

impl Params {
    /// Removes and parses `limit`.
    pub fn limit(&mut self, size: Size) -> Result<usize, Problem> {
        let Size { default, max } = size;
        let limit = self.read("limit", |value| {
            value.parse().ok().filter(|limit| (1..=max).contains(limit)).ok_or_else(|| {
                Invalid::new(
                    Code::InvalidQuery,
                    format!("`limit` is not a number from 1 to {max}"),
                    format!("write `limit={default}`"),
                )
            })
        })?;
        Ok(limit.unwrap_or(default))
    }

    /// Removes and parses `cursor`.
    pub fn cursor<T: FromStr>(&mut self) -> Result<Option<T>, Problem> {
        self.read("cursor", |value| {
            value.parse().map_err(|_| {
                Invalid::new(
                    Code::InvalidQuery,
                    "`cursor` is not one that this list returned",
                    "send the `next_cursor` of the previous page, or no `cursor`",
                )
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::{ROWS, Size};
    use crate::http::query::Params;

    fn params(query: &str) -> Params {
        Params::of(&format!("/api/channels?{query}").parse::<Uri>().expect("a query"))
    }

    #[test]
    fn a_limit_has_bounds_and_a_default() {
        assert_eq!(params("").limit(ROWS).expect("none"), 100);
        assert_eq!(params("limit=7").limit(ROWS).expect("in bounds"), 7);
        for wrong in ["0", "6", "-1", "x", ""] {
            let size = Size { default: 2, max: 5 };
            let problem = params(&format!("limit={wrong}")).limit(size).expect_err(wrong).0;
            assert_eq!(
                (&*problem.what, &*problem.fix),
                ("`limit` is not a number from 1 to 5", "write `limit=2`")
            );
        }
    }
}
