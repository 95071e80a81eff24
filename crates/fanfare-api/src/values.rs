//! Descriptions of core values. They are text on the wire; the types here represent them in the document, once each,
//! and are never constructed.

use serde_json::Value;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{OneOfBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

macro_rules! described {
    ($($(#[doc = $doc:literal])+ $name:ident $(as $format:ident)? $(like $pattern:literal)? : $example:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new()
                    .schema_type(Type::String)
                    $(.format(Some(SchemaFormat::KnownFormat(KnownFormat::$format))))?
                    $(.pattern(Some($pattern)))?
                    .description(Some(concat!($($doc),+).trim()))
                    .examples([$example]);
                text.into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

described! {
    /// The id of an attempt at a delivery; opaque.
    AttemptId: "wh_k3f9x2abcdefghij-1042-1-1795282915791336";
    /// The name that an event is pushed to: segments of letters, digits, `_` and `-`, joined by `.`.
    Channel: "builds.web";
    /// The id of a connected client; opaque.
    ClientId: "cl_7";
    /// A number and a unit.
    Duration: "10m";
    /// The identity of a log.
    Epoch like "^[a-z0-9]{8}$": "k3f9x2ab";
    /// The event type: `info`, `warning`, `error`, `success`, or a word of your own.
    EventType like "^[A-Za-z0-9_.-]{1,64}$": "build.failed";
    /// A channel, with `*` for one segment or `>` for the rest.
    Pattern: "builds.>";
    /// A position in the log, `epoch-seq`: the id of the event there.
    Position like "^[a-z0-9]{8}-[0-9]+$": "k3f9x2ab-1042";
    /// The name of a durable reader.
    ReaderName like "^[A-Za-z0-9_.-]{1,64}$": "laptop";
    /// RFC 3339, UTC, microseconds.
    Timestamp as DateTime: "2026-11-21T08:00:00.123456+00:00";
    /// The id of a webhook.
    WebhookId like "^wh_[a-z2-7]{16}$": "wh_k3f2x2abcdefghij";
}

/// Any JSON.
#[derive(Debug)]
pub enum Json {}

impl PartialSchema for Json {
    fn schema() -> RefOr<Schema> {
        Value::schema()
    }
}

impl ToSchema for Json {}

/// A number of seconds, or a duration such as `10m`.
#[derive(Debug)]
pub enum Seconds {}

impl PartialSchema for Seconds {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Number).examples([90]);
        OneOfBuilder::new()
            .item(number)
            .item(Duration::schema())
            .description(Some("Seconds, or a duration such as `10m`."))
            .into()
    }
}

impl ToSchema for Seconds {}
