//! Names of durable readers.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::invalid::{Invalid, shown};
use crate::limits::READER_LEN_MAX;

/// The name of a durable cursor: 1–64 `[A-Za-z0-9_.-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReaderName(
    /// A well-formed name: only `FromStr` creates one.
    Arc<str>,
);

impl ReaderName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReaderName {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<ReaderName, Invalid> {
        if !is_token(name, READER_LEN_MAX) {
            return Err(Invalid::new(
                Code::InvalidReader,
                format!("`{}` is not a valid reader name", shown(name)),
                "use 1–64 letters, digits, `_`, `.` or `-`",
            ));
        }
        Ok(ReaderName(Arc::from(name)))
    }
}

impl fmt::Display for ReaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ReaderName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Returns `true` if `text` is 1 to `len_max` of `[A-Za-z0-9_.-]`.
pub(crate) fn is_token(text: &str, len_max: usize) -> bool {
    (1..=len_max).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}
