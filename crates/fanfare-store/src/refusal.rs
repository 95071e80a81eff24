//! What callers are told of an error of the store.

use fanfare_core::Code;
use fanfare_core::refusal::Refusal;

use crate::Error;

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error {
            Error::IdempotencyConflict { index } => Refusal {
                at: format!("/{index}/idempotency_key"),
                ..Refusal::new(
                    Code::IdempotencyConflict,
                    "this idempotency key was used for another event within the last 24 h",
                    "use a new key for a new event, or repeat the earlier push unchanged",
                )
            },
            Error::TooManyChannels { max } => Refusal::new(
                Code::TooManyChannels,
                format!("the log already has the maximum of {max} channels"),
                "push to an existing channel; `DELETE /api/channels/{name}` frees one, and so does retention when it removes \
                 the last event of a channel that nobody listens to",
            )
            .at_limit("channels"),
            Error::TooManyPurgedChannels { max } => Refusal::new(
                Code::TooManyChannels,
                format!("more than {max} purged channels still have events in the log, so there can be no new channel"),
                "push to an existing channel; retention frees the names when it removes the purged events",
            )
            .at_limit("purged_channels"),
            Error::TooManyNewChannels { max } => Refusal::new(
                Code::TooManyChannels,
                format!("the push names more than {max} new channels, the maximum for one push"),
                "put the part that varies into `data`, not into the channel name",
            )
            .at_limit("new_channels"),
            Error::TooManyReaders { max } => Refusal::new(
                Code::TooManyReaders,
                format!("the maximum of {max} durable readers already exists"),
                "remove one with `DELETE /api/readers/{name}`",
            )
            .at_limit("readers"),
            Error::TooManySources { max } => Refusal::new(
                Code::TooManySources,
                format!("the log already has the maximum of {max} sources"),
                "remove one with `DELETE /api/sources/{name}`",
            )
            .at_limit("sources"),
            Error::TooManyWebhooks { max } => Refusal::new(
                Code::TooManyWebhooks,
                format!("the maximum of {max} webhooks is already registered"),
                "unregister one that is no longer needed",
            )
            .at_limit("webhooks"),
            Error::Purged { position } => Refusal::new(
                Code::PositionGone,
                format!("event `{position}` was purged"),
                "continue without it: its content is gone for good",
            ),
            Error::EpochChanged { position, epoch } => position.of_another_log(epoch).into(),
            Error::UrlTaken { webhook } => Refusal::new(
                Code::WebhookExists,
                format!("webhook `{webhook}` already uses this URL"),
                "change that webhook, or give the new one a `name`",
            )
            .at("/webhook_url")
            .because_of(webhook),
            Error::NameTaken { webhook, name } => Refusal::new(
                Code::WebhookExists,
                format!("webhook `{webhook}` is already named `{name}`"),
                "change that webhook, or use another name",
            )
            .at("/name")
            .because_of(webhook),
            Error::DiskFull { .. } => Refusal::new(
                Code::StoreFailed,
                "the gateway's disk is full; nothing was written",
                "try again later; the operator must free some space",
            ),
            Error::Unavailable { retry_after } => Refusal::new(
                Code::StoreUnavailable,
                "the store cannot be reached right now; nothing was written",
                "try again in a moment",
            )
            .over("store", retry_after),
            Error::Unknown { .. } => outcome_unknown(),
            error @ Error::Fatal { .. } => {
                tracing::error!(%error, "the store failed");
                outcome_unknown()
            }
            Error::Closed => Refusal::shutting_down(),
            error @ Error::Damaged { .. } => {
                tracing::error!(%error, "a part of the store is damaged");
                Refusal::new(
                    Code::StoreDamaged,
                    "this part of the store is damaged and cannot be read",
                    "go on without it: everything else can be read; the cause is in the gateway's server log",
                )
            }
            error @ (Error::Fenced { .. }
            | Error::Other { .. }
            | Error::Settled { .. }
            | Error::WebhookChanged { .. }) => {
                // The paths and the engine's words are for the operator.
                tracing::error!(%error, "the store failed");
                Refusal::new(
                    Code::StoreFailed,
                    "the store failed; nothing was written",
                    "try again later; the cause is in the gateway's server log",
                )
            }
        }
    }
}

fn outcome_unknown() -> Refusal {
    Refusal::new(
        Code::OutcomeUnknown,
        "the store failed, and it is unknown whether this was written",
        "repeat a push with the same `idempotency_key`, which appends it only once; without a key, look first",
    )
}
