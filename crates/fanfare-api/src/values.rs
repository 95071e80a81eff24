//! Descriptions of core values. They are text on the wire; the types here represent them in the document, once each,
//! and are never constructed.

use fanfare_core::duration;
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
    AttemptId: "at_k3f7x2ab5cdefghisiead2fd32b45gmyam";
    /// The name that an event is pushed to: segments of letters, digits, `_` and `-`, joined by `.`.
    Channel: "builds.web";
    /// The id of a connected client; opaque.
    ClientId: "cl_7";
    /// A duration: numbers with their units, the largest first.
    DurationText like "^([0-9]+(ms|s|m|h|d))+$": "1m";
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
    /// The name of a source, and the last part of its address.
    SourceName like "^[A-Za-z0-9_-]{1,64}$": "gitlab";
    /// RFC 3339, UTC, microseconds.
    Timestamp as DateTime: "2026-11-21T08:00:00.123456+00:00";
    /// The id of a webhook.
    WebhookId like "^wh_[a-z2-7]{16}$": "wh_k3f2x2abcdefghij";
    /// The name of a webhook.
    WebhookName like "^[A-Za-z0-9_.-]{1,64}$": "on-call";
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

macro_rules! text_or_seconds {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let number = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0)).examples([90]);
                OneOfBuilder::new()
                    .item($text.schema_type(Type::String))
                    .item(number.description(Some("A number of seconds.")))
                    .description(Some(concat!($($doc),+).trim()))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

text_or_seconds! {
    /// A duration: numbers with the unit `ms`, `s`, `m`, `h` or `d`, or a number of seconds; at most ten years.
    Duration = ObjectBuilder::new().pattern(Some(duration::PATTERN)).examples(["90s", "1h30m"]);
    /// A moment: a duration, meaning that long ago, or RFC 3339.
    Moment = ObjectBuilder::new().examples(["10m", "2026-11-21T08:00:00Z"]);
    /// A start: `earliest`, a duration, meaning that long ago, or RFC 3339.
    Since = ObjectBuilder::new().examples(["earliest", "10m", "2026-11-21T08:00:00Z"]);
}
