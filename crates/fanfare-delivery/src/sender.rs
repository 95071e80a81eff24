//! The instance that sends a webhook, as far as this one knows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fanfare_store::Lease;

/// The instance that sends a webhook.
#[derive(Debug, Default)]
pub(super) struct Sender(Mutex<Place>);

#[derive(Debug, Default)]
enum Place {
    /// This instance, as soon as the ledger agrees.
    #[default]
    Undecided,
    /// This instance, since it claimed the webhook.
    Here(Lease),
    /// Another instance.
    Elsewhere,
}

impl Sender {
    /// Returns the lease under which this instance sends the webhook, or did until it could not renew the lease.
    pub(super) fn lease(&self) -> Option<Lease> {
        match &*self.lock() {
            Place::Here(lease) => Some(lease.clone()),
            Place::Undecided | Place::Elsewhere => None,
        }
    }

    /// Returns `true` if another instance sends the webhook.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(*self.lock(), Place::Elsewhere)
    }

    /// Records that this instance has claimed the webhook.
    pub(super) fn set_here(&self, lease: Lease) {
        *self.lock() = Place::Here(lease);
    }

    /// Records that another instance sends the webhook.
    pub(super) fn set_elsewhere(&self) {
        *self.lock() = Place::Elsewhere;
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        // A change is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
