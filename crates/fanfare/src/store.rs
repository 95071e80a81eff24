//! The store under its old name, for what has not moved yet.

pub use fanfare_store::*;
pub use fanfare_store_embedded as embedded;

pub use crate::engines::{StoreSpec, open};
