//! Sources: the addresses that other programs send to. What their settings mean is for the door to know.

use fanfare_core::SourceName;

use crate::Hub;
use fanfare_store as store;
use fanfare_store::SourceRow;

impl Hub {
    /// Returns every source that was set, ordered by name.
    pub async fn sources(&self) -> Result<Vec<SourceRow>, store::Error> {
        self.ledger().sources().await
    }

    /// Returns one source, if it was set.
    pub async fn source(&self, name: &SourceName) -> Result<Option<SourceRow>, store::Error> {
        self.ledger().source(name).await
    }

    /// Sets a source; returns whether it is new.
    pub async fn set_source(&self, row: SourceRow) -> Result<bool, store::Error> {
        self.ledger().put_source(row).await
    }

    /// Removes a source; returns whether it existed.
    pub async fn remove_source(&self, name: &SourceName) -> Result<bool, store::Error> {
        self.ledger().remove_source(name).await
    }
}
