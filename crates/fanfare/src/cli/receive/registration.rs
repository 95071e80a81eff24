//! `--register`: the webhook of a receiver, which is registered at its start and removed at its end.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fanfare_webhook::secret::Secret;
use fanfare_webhook::url::WebhookUrl;

use crate::cli::receive::Args;
use crate::cli::webhooks::wants::delays;
use crate::cli::{Context, Failure};
use fanfare_api::hidden::Hidden;
use fanfare_api::webhooks::registration::{self as api, Wishes};
use fanfare_api::webhooks::secrets::Rotation;
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::Api;
use fanfare_client::api::is_loopback;
use fanfare_core::WebhookId;

/// Description of the webhook. It marks a webhook that an earlier run could not remove as ours.
const DESCRIPTION: &str = "fanfare receive";

/// How long removing the webhook may take. The user has pressed Ctrl-C and waits.
const REMOVAL_MAX: Duration = Duration::from_secs(3);

/// The webhook of this receiver.
#[derive(Debug)]
pub(crate) struct Registration {
    api: Api,
    pub(crate) id: WebhookId,
    pub(crate) url: String,
}

/// A registration to make.
#[derive(Debug)]
pub(crate) struct Plan {
    api: Api,
    url: String,
    /// The port that the receiver listens on.
    port: u16,
    registration: api::Registration,
}

impl Plan {
    /// Plans to register the receiver that listens on `address`.
    pub(crate) fn new(args: &Args, address: SocketAddr, context: &Context) -> Result<Plan, Failure> {
        let api = context.settings.api()?;
        let url = match &args.url {
            Some(url) => url.reveal().to_owned(),
            None if !is_loopback(api.server()) => {
                let what = "the gateway is on another machine and cannot reach this one at 127.0.0.1";
                return Err(Failure::usage(what)
                    .fix("make this machine reachable: --listen 0.0.0.0:3000 --url http://ADDRESS:3000/"));
            }
            None => format!("http://{}/", reached_at(address)),
        };
        let wishes = Wishes {
            description: Some(Some(DESCRIPTION.to_owned())),
            retry: args.retry.as_ref().map(|retry| Some(delays(retry))),
            ..args.filter.wishes()
        };
        let registration =
            api::Registration { webhook_url: url.clone(), wishes, ..api::Registration::default() };
        Ok(Plan { api, url, port: address.port(), registration })
    }

    /// Returns the address of a webhook of another that sends to the port of this receiver, if there is one. The receiver
    /// would refuse what it sends, because it does not know that webhook's secret, and would get every event twice.
    pub(crate) async fn rival(&self) -> Result<Option<String>, Failure> {
        // To a gateway on another machine, `localhost` is that machine.
        if !is_loopback(self.api.server()) {
            return Ok(None);
        }
        let webhooks = self.api.webhooks().await?.value.into_items();
        let rival = webhooks.into_iter().find(|webhook| {
            let sends_here = webhook
                .webhook_url
                .parse::<WebhookUrl>()
                .is_ok_and(|url| url.host().is_this_machine() && url.port() == self.port);
            sends_here && !(is_ours(webhook) && *webhook.webhook_url == *self.url)
        });
        Ok(rival.map(|webhook| webhook.webhook_url.into()))
    }

    /// Returns the error for a `rival` on the port that was chosen.
    pub(crate) fn refused(&self, rival: &str) -> Failure {
        let why = match rival == self.url {
            true => "it would be removed on exit, and its secret is not shown again".to_owned(),
            false => format!("it sends to port {} too, and its signatures would not verify", self.port),
        };
        Failure::usage(format!("{rival} is already registered"))
            .why(why)
            .fix("verify with its secret: --secret FILE without --register, or choose another --port")
    }

    /// Takes over the webhook that an earlier run left behind at this URL, if there is one, and returns it with its
    /// secret. The secret becomes `secret`, or else a new one. Fails if the webhook at this URL is not ours.
    pub(crate) async fn take_over(
        &self,
        secret: Option<&Secret>,
    ) -> Result<Option<(Registration, Secret)>, Failure> {
        let webhooks = self.api.webhooks().await?.value.into_items();
        let Some(before) = webhooks.into_iter().find(|webhook| *webhook.webhook_url == *self.url) else {
            return Ok(None);
        };
        if !is_ours(&before) {
            return Err(self.refused(&self.url));
        }
        let registered = self.api.register(&self.registration).await?.value;
        let id = registered.id.unwrap_or(before.id);
        // Only the run that could not remove it knew its secret, so the secret can change at once.
        let rotation = Rotation {
            overlap: Some(Duration::ZERO.into()),
            secret: secret.map(|secret| Hidden(secret.reveal().to_owned())),
            ..Rotation::default()
        };
        let rotated = self.api.rotate_secret(&id, &rotation).await?.value;
        let secret = read(rotated.secret)?;
        Ok(Some((self.registration(id), secret)))
    }

    /// Registers a new webhook and returns it with its secret.
    pub(crate) async fn register(&self, secret: Option<&Secret>) -> Result<(Registration, Secret), Failure> {
        let secret = secret.map(|secret| Hidden(secret.reveal().to_owned()));
        let registration = api::Registration { secret, ..self.registration.clone() };
        let registered = self.api.register(&registration).await?.value;
        let id = self.api.id_of(&registered)?;
        let secret = read(registered.secret)?;
        Ok((self.registration(id), secret))
    }

    fn registration(&self, id: WebhookId) -> Registration {
        Registration { api: self.api.clone(), id, url: self.url.clone() }
    }
}

impl Registration {
    /// Resumes deliveries, which may be held because the receiver was not running.
    pub(crate) async fn resume(&self) -> Result<(), Failure> {
        self.api.resume_webhook(&self.id).await?;
        Ok(())
    }

    /// Removes the webhook, or warns that it is still registered.
    pub(crate) async fn end(self, context: &Context) {
        let removal = tokio::time::timeout(REMOVAL_MAX, self.api.forget_webhook(&self.id)).await;
        let problem = match removal {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no response".to_owned(),
        };
        let url = &self.url;
        let warning = format!("{url} is still registered ({problem}); remove it: fanfare webhooks rm {url}");
        context.output.warn(&warning);
    }
}

/// Returns whether a run of `fanfare receive` registered the webhook.
fn is_ours(webhook: &Webhook) -> bool {
    webhook.wants.description.as_deref() == Some(DESCRIPTION)
}

fn read(secret: Option<Hidden>) -> Result<Secret, Failure> {
    Ok(secret.map(|Hidden(secret)| secret).unwrap_or_default().parse()?)
}

/// Returns the address by which this machine reaches a receiver that listens on `address`.
pub(crate) fn reached_at(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    }
    address
}
