//! Names of the addresses that other programs send to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::channel::well_formed;
use crate::code::Code;
use crate::invalid::{Invalid, shown};

/// The name of a source, and the last part of its address, `/ingest/NAME`: 1–64 `[A-Za-z0-9_-]`, so that it is a segment
/// of a channel as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName(
    /// A well-formed name: only `FromStr` creates one.
    Arc<str>,
);

impl SourceName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceName {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<SourceName, Invalid> {
        if name.is_empty() || !well_formed(name) {
            return Err(Invalid::new(
                Code::InvalidSource,
                format!("`{}` is not a valid name of a source", shown(name)),
                "use 1–64 letters, digits, `-` or `_`",
            ));
        }
        Ok(SourceName(Arc::from(name)))
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SourceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
