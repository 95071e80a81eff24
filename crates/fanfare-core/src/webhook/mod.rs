//! Webhooks: what one may be registered with, where it may send, how it signs, when it tries again.

mod id;

pub use id::WebhookId;
