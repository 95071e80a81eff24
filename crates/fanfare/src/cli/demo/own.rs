//! The demo's own webhook: a receiver in this process, registered like any other, that can fail on purpose.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fanfare_api::hidden::Hidden;
use fanfare_api::webhooks::registration::{Registration, Wishes};
use fanfare_core::WebhookId;

use crate::cli::Failure;
use crate::cli::failure::said;
use crate::cli::receive::body::event_in;
use crate::cli::receive::judge::{Keys, Verdict};
use crate::cli::receive::server::{Got, Port, Receiver};
use crate::cli::receive::{Fail, Faults};
use fanfare_client::Api;

/// The demo's own webhook.
#[derive(Debug)]
pub(crate) struct Own {
    receiver: Receiver,
    /// Its id.
    pub(crate) id: WebhookId,
}

impl Own {
    /// Listens on a free port, and registers that.
    pub(crate) async fn register(api: &Api) -> Result<Own, Failure> {
        let port = Port::take(SocketAddr::from(([127, 0, 0, 1], 0)));
        let receiver = port.and_then(|port| port.listen(Keys::default(), Faults::NONE));
        let receiver = receiver
            .map_err(|error| Failure::failed("cannot listen for the demo's own webhook").why(said(&error)))?;
        let description = "the demo's own: it fails once on purpose, so that there is a retry to see";
        let registration = Registration {
            webhook_url: format!("http://{}/demo", receiver.address()),
            wishes: Wishes {
                description: Some(Some(description.to_owned())),
                retry: Some(Some("1s,5s,30s".to_owned())),
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

    /// Answers the next request with 500.
    pub(crate) fn fail_next(&self) {
        self.receiver.fail(Faults { fail: Fail::First(1), status: 500, delay: Duration::ZERO });
    }

    /// Gives the next request. Can be cancelled without loss.
    pub(crate) async fn next(&mut self) -> Got {
        self.receiver.next().await
    }

    /// Waits for an event; gives its id and how long after `started` it was there.
    pub(crate) async fn event(&mut self, started: Instant) -> Result<(String, Duration), String> {
        let got = self.receiver.next().await;
        let elapsed = started.elapsed();
        if let Verdict::Refused(mismatch) = got.verdict {
            return Err(mismatch.to_string());
        }
        let event = event_in(&String::from_utf8_lossy(&got.body)).ok_or("its body is no event")?;
        Ok((event.id, elapsed))
    }
}
