//! The words that answers use. Each set can grow: a client that reads a newer gateway keeps a word that it does not
//! know, unchanged, in `Other`.

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
            /// The known words.
            pub const KNOWN: &[&str] = &[$($text),+];

            /// Returns the word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$word => $text,)+
                    $name::Other(word) => word,
                }
            }

            /// Returns whether the word comes from a later gateway.
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

impl Outcome {
    /// Returns the known outcomes of attempts; the others are of deliveries.
    pub fn of_attempts() -> Vec<&'static str> {
        let is_of_attempt =
            |word: &&str| !matches!(Outcome::from(*word), Outcome::Expired | Outcome::Replayed);
        Outcome::KNOWN.iter().copied().filter(is_of_attempt).collect()
    }
}

/// Describes an extensible set of words: the known ones, or any text.
pub(crate) fn open(known: &[&str], description: &str) -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    AnyOfBuilder::new()
        .item(text().enum_values(Some(known.iter().copied())))
        .item(text())
        .description(Some(description.trim()))
        .into()
}

words! {
    /// The subscribers and webhooks that an event is for.
    Audience {
        /// Live subscribers and webhooks.
        All = "all",
        /// Live subscribers only, no webhooks.
        Stream = "stream",
    }
    /// The state of a client.
    ClientState {
        /// It listens to nothing.
        Idle = "idle",
        /// It receives events as they are pushed.
        Live = "live",
        /// It receives past events.
        Replaying = "replaying",
        /// Its socket accepts nothing.
        Stalled = "stalled",
    }
    /// The state of a delivery.
    DeliveryState {
        /// The receiver accepted it.
        Delivered = "delivered",
        /// It is not retried.
        Failed = "failed",
        /// Not sent yet, or in flight.
        Pending = "pending",
        /// Waiting for the next attempt.
        Waiting = "waiting",
    }
    /// The door that an event came through.
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
    /// A level of the log.
    LogLevel {
        /// Connections and subscriptions as well.
        Debug = "debug",
        /// The filter at the start; only in requests.
        Default = "default",
        /// Failures of the gateway.
        Error = "error",
        /// What a gateway normally logs.
        Info = "info",
        /// Everything.
        Trace = "trace",
        /// What an operator should look at.
        Warn = "warn",
    }
    /// The reason for an attempt.
    AttemptKind {
        /// An event that matches the webhook.
        Delivery = "delivery",
        /// An event that was resent with another body.
        Edited = "edited",
        /// An event that was resent.
        Resend = "resend",
        /// A requested test.
        Test = "test",
    }
    /// The method of a webhook's requests.
    Method {
        /// The receiver changes something.
        Patch = "PATCH",
        /// The receiver takes something new.
        Post = "POST",
        /// The receiver replaces something.
        Put = "PUT",
    }
    /// The outcome of an attempt.
    Outcome {
        /// The connection ended within the answer.
        BrokenOff = "broken_off",
        /// Nothing listens at the URL.
        ConnectionRefused = "connection_refused",
        /// The response was 2xx.
        Delivered = "delivered",
        /// The host name does not resolve.
        Dns = "dns_error",
        /// The event expired before it could be sent again; only of a delivery.
        Expired = "expired",
        /// The response was 3xx; redirects are not followed.
        Http3xx = "http_3xx",
        /// The response was 4xx.
        Http4xx = "http_4xx",
        /// The response was 5xx.
        Http5xx = "http_5xx",
        /// The request that brought the event is to be sent, and is not kept; nothing was sent.
        NoOriginal = "no_original",
        /// The server does not speak HTTP.
        Protocol = "protocol_error",
        /// It is sent again on request, and was not attempted since; only of a delivery.
        Replayed = "replayed",
        /// The address is not allowed.
        TargetRefused = "target_refused",
        /// The webhook's template makes no body of the event; nothing was sent.
        Template = "template_error",
        /// The response did not arrive in time.
        Timeout = "timeout",
        /// The TLS handshake failed.
        Tls = "tls_error",
    }
    /// The health of a part of the gateway.
    PartHealth {
        /// The part has ended.
        Down = "down",
        /// The part has not ended, but makes no progress.
        Silent = "silent",
        /// The part is running.
        Up = "up",
    }
    /// The reason that a webhook is paused.
    PauseReason {
        /// A person paused it.
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
        /// The full event.
        Event = "event",
        /// The request that brought the event to `/ingest`, as it was received.
        Original = "original",
        /// `message` and `timestamp`, followed by more members.
        Seed = "seed",
    }
    /// The priority of an event.
    Priority {
        /// More important than usual.
        High = "high",
        /// The usual priority.
        Default = "default",
        /// Less important than usual.
        Low = "low",
        /// Needs attention now.
        Max = "max",
        /// Minor events that are worth keeping.
        Min = "min",
    }
    /// Whether the process is running.
    ProcessState {
        /// It is running.
        Ok = "ok",
    }
    /// Whether the gateway accepts and delivers events.
    ReadyState {
        /// A required part is not running.
        Degraded = "degraded",
        /// It accepts and delivers events.
        Ready = "ready",
        /// It is stopping.
        Stopping = "stopping",
    }
    /// A signature scheme of deliveries.
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
        /// In memory only: nothing outlives the process.
        Memory = "memory",
    }
    /// The result of a request.
    Success {
        /// The request succeeded.
        Success = "success",
    }
    /// The wire of a session of MCP.
    SessionWire {
        /// The protocol of `GET /mcp/sse`.
        Connection = "connection",
        /// HTTP+SSE.
        HttpSse = "http_sse",
        /// The standard input and output of the process that hosts the gateway.
        Stdio = "stdio",
        /// Streamable HTTP.
        StreamableHttp = "streamable_http",
        /// WebSocket.
        WebSocket = "websocket",
    }
    /// How a client is connected.
    Transport {
        /// A request for the history that waits for an event.
        Http = "http",
        /// An agent: a session of MCP, or a call without one that waits.
        Mcp = "mcp",
        /// Server-sent events.
        Sse = "sse",
        /// WebSocket.
        WebSocket = "websocket",
    }
    /// The state of a webhook.
    WebhookState {
        /// The last attempt succeeded, or none was made.
        Active = "active",
        /// Every attempt since the last success failed.
        Failing = "failing",
        /// Nothing is sent until one attempt finds out whether the receiver is back.
        Held = "held",
        /// Nothing is sent until it is resumed.
        Paused = "paused",
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
