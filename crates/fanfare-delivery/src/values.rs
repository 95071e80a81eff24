//! Values that the webhooks pass on from the store. Doors name them here, and so do not depend on the store.

pub use fanfare_store::{AttemptFilter, DeliveryCounts, DeliveryRow, DeliveryStatus};
