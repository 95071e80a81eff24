//! What the webhooks hand through from the store. Doors name it here, and so do not depend on the store.

pub use fanfare_store::{DeliveryCounts, DeliveryRow, DeliveryStatus};
