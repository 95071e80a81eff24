//! The words that answers use. Each set may grow: a client that reads a newer gateway keeps a word that it does not know
//! as it came, in `Other`.

use std::fmt;

use serde::de::Deserializer;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $word_doc:literal])+ $word:ident = $text:literal,)+ })+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[doc = $word_doc])+ $word,)+
            /// A word of a later gateway.
            Other(
                /// The word, as it came.
                Box<str>,
            ),
        }

        impl $name {
            /// The words that are known.
            pub const KNOWN: &[&str] = &[$($text),+];

            /// Returns the word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$word => $text,)+
                    $name::Other(word) => word,
                }
            }

            /// Returns whether a later gateway said it.
            pub fn is_other(&self) -> bool {
                matches!(self, $name::Other(_))
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> $name {
                match word {
                    $($text => $name::$word,)+
                    other => $name::Other(other.into()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                Ok($name::from(String::deserialize(deserializer)?.as_str()))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                open($name::KNOWN, &[concat!($($doc),+), $(concat!("\n- `", $text, "`:", $($word_doc),+)),+].concat())
            }
        }

        impl ToSchema for $name {}
    )+};
}

/// Describes words of which there may be more later: those that are known, or any text.
pub(crate) fn open(known: &[&str], description: &str) -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    AnyOfBuilder::new()
        .item(text().enum_values(Some(known.iter().copied())))
        .item(text())
        .description(Some(description.trim()))
        .into()
}

words! {
    /// The outlets that an event is for.
    Audience {
        /// Every outlet.
        All = "all",
        /// Live outlets only: no webhooks.
        Stream = "stream",
    }
    /// How a receiver is told who sends.
    AuthKind {
        /// A user name and a password (RFC 7617).
        Basic = "basic",
        /// A token (RFC 6750).
        Bearer = "bearer",
    }
    /// How an attempt ended.
    Category {
        /// The connection ended within the answer.
        BrokenOff = "broken_off",
        /// Nobody listens at the address.
        ConnectionRefused = "connection_refused",
        /// It was answered with 2xx.
        Delivered = "delivered",
        /// The name has no address.
        Dns = "dns_error",
        /// It was answered with 3xx; redirects are not followed.
        Http3xx = "http_3xx",
        /// It was answered with 4xx.
        Http4xx = "http_4xx",
        /// It was answered with 5xx.
        Http5xx = "http_5xx",
        /// What answered does not speak HTTP.
        Protocol = "protocol_error",
        /// The address is not allowed.
        TargetRefused = "target_refused",
        /// The answer did not come in time.
        Timeout = "timeout",
        /// TLS failed.
        Tls = "tls_error",
    }
    /// Where a client is in the log.
    ClientState {
        /// It gets events as they are pushed.
        Live = "live",
        /// It gets what was pushed before.
        Replaying = "replaying",
        /// Its socket takes nothing.
        Stalled = "stalled",
    }
    /// How an event fared with a webhook.
    DeliveryState {
        /// It was given up.
        Dead = "dead",
        /// The receiver took it.
        Delivered = "delivered",
        /// It was not sent yet, or is on its way.
        Pending = "pending",
        /// It waits for its next attempt.
        Waiting = "waiting",
    }
    /// The way in that an event took.
    Door {
        /// The samples of `fanfare demo`.
        Demo = "demo",
        /// `POST /api/push`.
        Http = "http",
        /// `POST /ingest/{kind}`.
        Ingest = "ingest",
        /// A tool call.
        Mcp = "mcp",
        /// `publish` on a WebSocket.
        WebSocket = "websocket",
    }
    /// How a webhook fares.
    WebhookHealth {
        /// It failed last time.
        Failing = "failing",
        /// It failed so often that it is only tried now and then.
        Held = "held",
        /// It took what it was sent.
        Ok = "ok",
        /// Nothing is sent to it.
        Paused = "paused",
    }
    /// Why an attempt was made.
    AttemptKind {
        /// An event that the webhook wants.
        Delivery = "delivery",
        /// An event that somebody sent again with another body.
        Edited = "edited",
        /// An event that somebody sent again.
        Resend = "resend",
        /// A test that somebody asked for.
        Test = "test",
    }
    /// Whether a part of the gateway runs.
    PartHealth {
        /// It has ended.
        Down = "down",
        /// It has not ended, but does nothing.
        Silent = "silent",
        /// It runs.
        Up = "up",
    }
    /// Why a webhook is paused.
    PauseReason {
        /// Somebody said so.
        ByHand = "by_hand",
        /// It failed for days.
        Failing = "failing",
        /// The receiver answered 410.
        Gone = "gone",
    }
    /// The form of a webhook's body.
    Payload {
        /// CloudEvents 1.0.2, structured JSON.
        CloudEvents = "cloudevents",
        /// The event as everywhere else.
        Event = "event",
        /// `message` and `timestamp`, and more beside them.
        Seed = "seed",
    }
    /// How much an event matters.
    Priority {
        /// More than usual.
        High = "high",
        /// As usual.
        Default = "default",
        /// Less than usual.
        Low = "low",
        /// Somebody should look now.
        Max = "max",
        /// Noise that is worth keeping.
        Min = "min",
    }
    /// Whether the process runs.
    ProcessState {
        /// It does.
        Ok = "ok",
    }
    /// Whether the gateway takes and delivers events.
    ReadyState {
        /// A part is not running that is needed.
        Degraded = "degraded",
        /// It does.
        Ready = "ready",
        /// It is stopping.
        Stopping = "stopping",
    }
    /// Whether a webhook is sent to.
    SendingState {
        /// Deliveries go out.
        Active = "active",
        /// Nothing goes out until somebody resumes it.
        Paused = "paused",
    }
    /// What a delivery is signed with.
    SignatureKind {
        /// `X-Hub-Signature-256`.
        Hub = "hub",
        /// HMAC-SHA-256, which every delivery has.
        V1 = "v1",
        /// ed25519.
        V1a = "v1a",
    }
    /// The engine of the store.
    StoreEngine {
        /// A file.
        Embedded = "embedded",
        /// Nothing outlives the process.
        Memory = "memory",
    }
    /// What became of it.
    Success {
        /// It was done.
        Success = "success",
    }
    /// How a client listens.
    Transport {
        /// An agent that waits, or is told of a channel's resource.
        Mcp = "mcp",
        /// Server-sent events.
        Sse = "sse",
        /// WebSocket.
        WebSocket = "websocket",
    }
}

#[cfg(test)]
mod tests {
    use super::{DeliveryState, Priority};

    #[test]
    fn a_word_of_a_later_gateway_is_kept_as_it_came() {
        let state: DeliveryState = serde_json::from_str("\"lost\"").expect("any word");
        assert_eq!(state, DeliveryState::Other("lost".into()));
        assert_eq!(serde_json::to_string(&state).expect("text"), "\"lost\"");
        for word in Priority::KNOWN {
            assert_eq!(Priority::from(*word).as_str(), *word);
            assert!(!Priority::from(*word).is_other(), "{word}");
        }
    }
}
