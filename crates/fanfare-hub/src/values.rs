//! What the hub hands through from the store: the values that its verbs take and return.
//!
//! Doors name them here, and so do not depend on the store.

pub use fanfare_store::{ChannelRow, Error, Order, Page, Read, ReaderRow};
