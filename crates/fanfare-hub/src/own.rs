//! Ownership: the one place that decides what belongs to a principal.
//!
//! Anything that belongs to another principal looks as if it did not exist: it is not listed, and a caller that names
//! it is told that there is no such thing.

use fanfare_core::{Owner, Principal, ReaderName};

use crate::Hub;
use fanfare_store::ReaderKey;

impl Hub {
    /// Returns whether `by` may see and change what belongs to `owner`.
    pub fn owns(&self, by: &Principal, owner: &Owner) -> bool {
        by.owner() == *owner
    }
}

/// Returns the key of the durable reader that `by` calls `name`: its own, even if other principals have one with that
/// name.
pub(super) fn reader(by: &Principal, name: &ReaderName) -> ReaderKey {
    ReaderKey { owner: by.owner(), name: name.clone() }
}
