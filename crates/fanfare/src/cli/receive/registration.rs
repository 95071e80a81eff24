//! A receiver that registers itself, and is forgotten when it ends.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fanfare_webhook::secret::Secret;

use crate::cli::receive::Args;
use crate::cli::{Context, Failure};
use fanfare_api::hidden::Hidden;
use fanfare_api::webhooks::registration::{self as api, Wishes};
use fanfare_api::webhooks::secrets::Rotation;
use fanfare_client::Api;
use fanfare_client::api::is_loopback;
use fanfare_core::WebhookId;

/// What the webhook says of itself; what says so is ours, also when an earlier run could not forget it.
const DESCRIPTION: &str = "fanfare receive";

/// How long forgetting may take: whoever pressed Ctrl-C waits.
const FORGETTING_MAX: Duration = Duration::from_secs(3);

/// A webhook that is ours.
#[derive(Debug)]
pub(crate) struct Registration {
    api: Api,
    pub(crate) id: WebhookId,
    pub(crate) url: String,
}

/// What is to be registered.
#[derive(Debug)]
pub(crate) struct Wanted {
    api: Api,
    url: String,
    registration: api::Registration,
}

impl Wanted {
    /// Prepares to register what listens at `address`.
    pub(crate) fn new(args: &Args, address: SocketAddr, context: &Context) -> Result<Wanted, Failure> {
        let api = context.settings.api()?;
        let url = match &args.url {
            Some(url) => url.as_given().to_owned(),
            None if !is_loopback(api.server()) => {
                let what = "the gateway is on another machine, and cannot reach this one by 127.0.0.1";
                return Err(Failure::usage(what)
                    .fix("say how it can: --listen 0.0.0.0:3000 --url http://ADDRESS:3000/"));
            }
            None => format!("http://{}/", reached_at(address)),
        };
        let wishes = Wishes {
            description: Some(Some(DESCRIPTION.to_owned())),
            retry: args.retry.as_ref().map(|retry| Some(retry.to_string())),
            ..args.filter.wishes()
        };
        let registration =
            api::Registration { webhook_url: url.clone(), wishes, ..api::Registration::default() };
        Ok(Wanted { api, url, registration })
    }

    /// Takes up what is registered at this address already, if there is something; gives its secret, too. Without
    /// one it gets a new one, when it is ours.
    pub(crate) async fn again(
        &self,
        secret: Option<&Secret>,
    ) -> Result<Option<(Registration, Secret)>, Failure> {
        let webhooks = self.api.webhooks().await?.value.webhooks;
        let Some(before) = webhooks.into_iter().find(|webhook| *webhook.webhook_url == *self.url) else {
            return Ok(None);
        };
        let is_ours = before.wants.description.as_deref() == Some(DESCRIPTION);
        if !is_ours {
            let url = &self.url;
            return Err(Failure::usage(format!("{url} is registered already"))
                .why("it would be forgotten at the end, and its secret is not shown again")
                .fix("verify with its secret: --secret FILE, without --register; or choose another --port"));
        }
        let registered = self.api.register(&self.registration).await?.value;
        let id = registered.id.unwrap_or(before.id);
        // Left behind by a run that could not forget it, so nobody else has its secret.
        let rotation = Rotation {
            overlap: Some("0s".to_owned()),
            secret: secret.map(|secret| Hidden(secret.reveal().to_owned())),
            ..Rotation::default()
        };
        let rotated = self.api.rotate_secret(&id, &rotation).await?.value;
        let secret = read(rotated.secret)?;
        Ok(Some((self.registration(id), secret)))
    }

    /// Registers it; gives its secret, too.
    pub(crate) async fn anew(&self, secret: Option<&Secret>) -> Result<(Registration, Secret), Failure> {
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
    /// Has it tried again, though it failed while nobody was there.
    pub(crate) async fn resume(&self) -> Result<(), Failure> {
        self.api.resume_webhook(&self.id).await?;
        Ok(())
    }

    /// Forgets it; says so when that does not work.
    pub(crate) async fn end(self, context: &Context) {
        let forgetting = tokio::time::timeout(FORGETTING_MAX, self.api.forget_webhook(&self.id)).await;
        let problem = match forgetting {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        let url = &self.url;
        context.output.warn(&format!("{url} is still registered ({problem}); fanfare webhooks rm {url}"));
    }
}

fn read(secret: Option<Hidden>) -> Result<Secret, Failure> {
    Ok(secret.map(|Hidden(secret)| secret).unwrap_or_default().parse()?)
}

/// Gives the address by which this machine reaches what listens at `address`.
pub(crate) fn reached_at(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    }
    address
}
