//! The demo's own webhook, with a receiver in this process that can fail on purpose.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fanfare_api::hidden::Hidden;
use fanfare_api::webhooks::registration::{Registration, Wishes};
use fanfare_core::WebhookId;

use crate::cli::Failure;
use crate::cli::failure::said;
use crate::cli::receive::body::event_in;
use crate::cli::receive::judge::{Keys, Verdict};
use crate::cli::receive::server::{Port, ReceivedRequest, Receiver};
use crate::cli::receive::{Fail, Faults};
use fanfare_client::Api;

/// The demo's own webhook.
#[derive(Debug)]
pub(crate) struct Own {
    receiver: Receiver,
    /// Id of the webhook.
    pub(crate) id: WebhookId,
}

impl Own {
    /// Starts a receiver on a free port and registers it.
    pub(crate) async fn register(api: &Api) -> Result<Own, Failure> {
        let port = Port::take(SocketAddr::from(([127, 0, 0, 1], 0)));
        let receiver = port.and_then(|port| port.listen(Keys::default(), Faults::NONE));
        let receiver = receiver
            .map_err(|error| Failure::failed("cannot listen for the demo's webhook").why(said(&error)))?;
        let description = "the demo's webhook: fails once on purpose to show a retry";
        let registration = Registration {
            webhook_url: format!("http://{}/demo", receiver.address()),
            wishes: Wishes {
                description: Some(Some(description.to_owned())),
                retry: Some(Some([1, 5, 30].map(|seconds| Duration::from_secs(seconds).into()).to_vec())),
                ..Wishes::default()
            },
            ..Registration::default()
        };
        let registered = api.register(&registration).await?.value;
        let id = api.id_of(&registered)?;
        let secret = registered.secret.map(|Hidden(secret)| secret).unwrap_or_default().parse()?;
        receiver.verify_with(Keys { secret: Some(secret), public: None });
        Ok(Own { receiver, id })
    }

    /// Returns 500 to the next request.
    pub(crate) fn fail_next(&self) {
        self.receiver.fail(Faults { fail: Fail::First(1), status: 500, delay: Duration::ZERO });
    }

    /// Returns the next request. Cancel-safe.
    pub(crate) async fn next(&mut self) -> ReceivedRequest {
        self.receiver.next().await
    }

    /// Waits for an event, and returns its id and the time since `started`.
    pub(crate) async fn event(&mut self, started: Instant) -> Result<(String, Duration), String> {
        let got = self.receiver.next().await;
        let elapsed = started.elapsed();
        if let Verdict::Refused(mismatch) = got.verdict {
            return Err(mismatch.to_string());
        }
        let event = event_in(&String::from_utf8_lossy(&got.body)).ok_or("its body is not an event")?;
        Ok((event.id, elapsed))
    }
}
