//! Senders that are known by their headers or the shape of their bodies, and get sentences of their own.

mod azure_devops;
mod bitbucket;
mod docker_hub;
mod gitea;
mod gitlab;
mod linear;
mod sentry;

use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::told::Told;
use crate::ingest::words::text;
use crate::ingest::{Incoming, github};
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;

/// A sender that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    AzureDevOps,
    Bitbucket,
    DockerHub,
    Gitea,
    GitHub,
    GitLab,
    Gogs,
    Linear,
    Sentry,
}

impl Sender {
    /// Returns the prefix of the types of its events.
    fn prefix(self) -> &'static str {
        match self {
            Sender::AzureDevOps => "azure-devops.",
            Sender::Bitbucket => "bitbucket.",
            Sender::DockerHub => "docker-hub.",
            Sender::Gitea => "gitea.",
            Sender::GitHub => "github.",
            Sender::GitLab => "gitlab.",
            Sender::Gogs => "gogs.",
            Sender::Linear => "linear.",
            Sender::Sentry => "sentry.",
        }
    }

    /// Recognises the sender of a body.
    fn of(incoming: &Incoming<'_>, value: &Value) -> Option<Sender> {
        // Gitea and Gogs send the headers of those whose formats they have taken over, too.
        const HEADERS: [(&str, Sender); 7] = [
            ("x-gitea-event", Sender::Gitea),
            ("x-gogs-event", Sender::Gogs),
            ("x-github-event", Sender::GitHub),
            ("x-gitlab-event", Sender::GitLab),
            ("x-event-key", Sender::Bitbucket),
            ("linear-event", Sender::Linear),
            ("sentry-hook-resource", Sender::Sentry),
        ];
        let named = HEADERS.into_iter().find(|(name, _)| incoming.header(name).is_some());
        named.map(|(_, sender)| sender).or_else(|| {
            let has = |pointer: &str| text(value, pointer).is_some();
            if has("/publisherId") && has("/eventType") && value.get("resource").is_some() {
                return Some(Sender::AzureDevOps);
            }
            (has("/push_data/pusher") && has("/repository/repo_name")).then_some(Sender::DockerHub)
        })
    }

    fn tell(self, incoming: &Incoming<'_>, value: &Value) -> Told {
        match self {
            Sender::AzureDevOps => azure_devops::tell(value),
            Sender::Bitbucket => bitbucket::tell(incoming, value),
            Sender::DockerHub => docker_hub::tell(value),
            Sender::Gitea => gitea::tell(incoming, "x-gitea-event", "x-gitea-delivery", value),
            Sender::GitHub => {
                github::tell(incoming, incoming.header("x-github-event").unwrap_or("event"), value)
            }
            Sender::GitLab => gitlab::tell(incoming, value),
            Sender::Gogs => gitea::tell(incoming, "x-gogs-event", "x-gogs-delivery", value),
            Sender::Linear => linear::tell(incoming, value),
            Sender::Sentry => sentry::tell(incoming, value),
        }
    }
}

/// Returns the event of a body whose sender is known.
pub(super) fn read(incoming: &Incoming<'_>, document: &Document) -> Option<Result<NewEvent, Invalid>> {
    let sender = Sender::of(incoming, &document.value)?;
    let told = sender.tell(incoming, &document.value);
    Some(told.event(incoming, sender.prefix(), document))
}
