//! Values that the hub passes on from the store: what its verbs take and return.
//!
//! Doors name these values here, and so do not depend on the store.

pub use fanfare_store::{ChannelRow, Error, Head, Order, Page, Purge, Purged, Read, ReaderRow, SourceRow};
