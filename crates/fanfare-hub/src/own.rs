//! Whose is what: the one place where that is decided.
//!
//! What belongs to another principal is to look exactly like what is not there: it is not listed, and whoever names it is
//! told that there is no such thing.

use fanfare_core::{Owner, Principal, ReaderName};

use crate::Hub;
use fanfare_store::ReaderKey;

impl Hub {
    /// Returns whether `by` may see and change what belongs to `owner`.
    pub fn owns(&self, by: &Principal, owner: &Owner) -> bool {
        by.owner() == *owner
    }
}

/// Returns the durable reader that `by` means by `name`: its own, whoever else has one with that name.
pub(super) fn reader(by: &Principal, name: &ReaderName) -> ReaderKey {
    ReaderKey { owner: by.owner(), name: name.clone() }
}
