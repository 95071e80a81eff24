//! The closed set of public error codes. Each surface maps a code to its own status or exit code by an
//! exhaustive `match`.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)+) => {
        /// The cause of an error, as a stable name that programs can rely on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// Every code, in alphabetical order of the variants.
            pub const ALL: &[Code] = &[$(Code::$variant,)+];

            /// Returns the name that appears on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }
        }
    };
}

codes! {
    /// The body is larger than the limit.
    BodyTooLarge => "body_too_large",
    /// The body came too slowly.
    BodyTooSlow => "body_too_slow",
    /// An operator disconnected this client, and it may not return yet.
    ClientDenied => "client_denied",
    /// The gateway runs in the process of this client.
    ClientIsHost => "client_is_host",
    /// A batch without events.
    EmptyBatch => "empty_batch",
    /// The `Host` header names a host that this gateway does not answer for.
    HostNotAllowed => "host_not_allowed",
    /// The idempotency key of another event.
    IdempotencyConflict => "idempotency_conflict",
    /// A defect of the gateway.
    Internal => "internal",
    /// An audience that is neither of the two.
    InvalidAudience => "invalid_audience",
    /// A channel that cannot be read.
    InvalidChannel => "invalid_channel",
    /// `data` that is not valid JSON or is too large.
    InvalidData => "invalid_data",
    /// A duration that cannot be read or is out of bounds.
    InvalidDuration => "invalid_duration",
    /// A request header that cannot be read.
    InvalidHeader => "invalid_header",
    /// An idempotency key of the wrong length.
    InvalidIdempotencyKey => "invalid_idempotency_key",
    /// A body that is not the JSON that was expected.
    InvalidJson => "invalid_json",
    /// A conflation key of the wrong length.
    InvalidKey => "invalid_key",
    /// A message that is missing, not text, or too long.
    InvalidMessage => "invalid_message",
    /// A request on a WebSocket that is not an operation.
    InvalidOp => "invalid_op",
    /// A pattern that cannot be read.
    InvalidPattern => "invalid_pattern",
    /// A position that cannot be read, where one is required.
    InvalidPosition => "invalid_position",
    /// A priority that is not one of the five.
    InvalidPriority => "invalid_priority",
    /// A query parameter or member that cannot be read.
    InvalidQuery => "invalid_query",
    /// A reader name that cannot be read.
    InvalidReader => "invalid_reader",
    /// A webhook signature that does not match its body, its time or the secret.
    InvalidSignature => "invalid_signature",
    /// A setting of a source that is not allowed or cannot be read.
    InvalidSource => "invalid_source",
    /// A time that cannot be read.
    InvalidTime => "invalid_time",
    /// An event type that cannot be read.
    InvalidType => "invalid_type",
    /// A webhook URL that is not a valid URL.
    InvalidUrl => "invalid_url",
    /// A webhook setting that is out of bounds or cannot be read.
    InvalidWebhook => "invalid_webhook",
    /// The request is a delivery from this very log, on its way back in.
    LoopDetected => "loop_detected",
    /// The route exists, but not for this method.
    MethodNotAllowed => "method_not_allowed",
    /// Nothing exists at this path or with this id.
    NotFound => "not_found",
    /// A caller who is not on the gateway's machine.
    NotLocal => "not_local",
    /// A web page that is not allowed to use this gateway.
    OriginNotAllowed => "origin_not_allowed",
    /// Nobody can say whether something was written.
    OutcomeUnknown => "outcome_unknown",
    /// Retention has removed the event.
    PositionGone => "position_gone",
    /// The webhook no longer has the state that `If-Match` names.
    PreconditionFailed => "precondition_failed",
    /// Too many events in too short a time.
    RateLimited => "rate_limited",
    /// The operator has set no secret for signatures of this kind.
    SecretMissing => "secret_missing",
    /// The gateway is stopping.
    ShuttingDown => "shutting_down",
    /// A part of the store is damaged and cannot be read.
    StoreDamaged => "store_damaged",
    /// The store failed; nothing was written.
    StoreFailed => "store_failed",
    /// The store cannot be reached at present; nothing was written.
    StoreUnavailable => "store_unavailable",
    /// A URL that this gateway is not allowed to send webhooks to.
    TargetRefused => "target_refused",
    /// The maximum size of concurrent pushes, in bytes, has been reached.
    TooManyBytesInFlight => "too_many_bytes_in_flight",
    /// The maximum number of channels has been reached.
    TooManyChannels => "too_many_channels",
    /// The maximum number of connections has been reached, in total or for one address.
    TooManyConnections => "too_many_connections",
    /// A batch with more events than one push may have.
    TooManyEvents => "too_many_events",
    /// The maximum number of durable readers has been reached.
    TooManyReaders => "too_many_readers",
    /// The maximum number of sources has been reached.
    TooManySources => "too_many_sources",
    /// The maximum number of webhooks has been reached.
    TooManyWebhooks => "too_many_webhooks",
    /// The caller is not known.
    Unauthorized => "unauthorized",
    /// A member that is not part of the request.
    UnknownField => "unknown_field",
    /// A content type that this route does not accept.
    UnsupportedMediaType => "unsupported_media_type",
    /// Another webhook already has this URL.
    WebhookExists => "webhook_exists",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn names_are_unique_and_in_order() {
        let names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }
}
