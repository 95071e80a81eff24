//! A receiver that registers itself, and is forgotten when it ends.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fanfare_webhook::secret::Secret;
use serde_json::{Map, Value, json};

use crate::cli::receive::Args;
use crate::cli::{Context, Failure};
use fanfare_client::Api;
use fanfare_client::api::is_loopback;

/// What the webhook says of itself; what says so is ours, also when an earlier run could not forget it.
const DESCRIPTION: &str = "fanfare receive";

/// How long forgetting may take: whoever pressed Ctrl-C waits.
const FORGETTING_MAX: Duration = Duration::from_secs(3);

/// A webhook that is ours.
#[derive(Debug)]
pub(crate) struct Registration {
    api: Api,
    pub(crate) id: String,
    pub(crate) url: String,
}

/// What is to be registered.
#[derive(Debug)]
pub(crate) struct Wanted {
    api: Api,
    url: String,
    body: Map<String, Value>,
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
        let mut body = args.filter.members();
        body.insert("webhook_url".to_owned(), url.clone().into());
        body.insert("description".to_owned(), DESCRIPTION.into());
        body.extend(args.retry.as_ref().map(|retry| ("retry".to_owned(), json!(retry))));
        Ok(Wanted { api, url, body })
    }

    /// Takes up what is registered at this address already, if there is something; gives its secret, too. Without
    /// one it gets a new one, when it is ours.
    pub(crate) async fn again(
        &self,
        secret: Option<&Secret>,
    ) -> Result<Option<(Registration, Secret)>, Failure> {
        let webhooks = self.api.webhooks().await?.value.webhooks;
        let Some(before) = webhooks.into_iter().find(|webhook| webhook.webhook_url == self.url) else {
            return Ok(None);
        };
        let is_ours = before.description.as_deref() == Some(DESCRIPTION);
        if !is_ours {
            let url = &self.url;
            return Err(Failure::usage(format!("{url} is registered already"))
                .why("it would be forgotten at the end, and its secret is not shown again")
                .fix("verify with its secret: --secret FILE, without --register; or choose another --port"));
        }
        let registered = self.api.register(&self.body.clone().into()).await?.value;
        let id = registered.id.unwrap_or(before.id);
        // Left behind by a run that could not forget it, so nobody else has its secret.
        let mut rotation = json!({ "overlap": "0s" });
        if let Some(secret) = secret {
            rotation["secret"] = secret.reveal().into();
        }
        let rotated = self.api.rotate_secret(&id, &rotation).await?.value;
        let secret = rotated.secret.unwrap_or_default().parse()?;
        Ok(Some((self.registration(id), secret)))
    }

    /// Registers it; gives its secret, too.
    pub(crate) async fn anew(&self, secret: Option<&Secret>) -> Result<(Registration, Secret), Failure> {
        let mut body = self.body.clone();
        body.extend(secret.map(|secret| ("secret".to_owned(), secret.reveal().into())));
        let registered = self.api.register(&body.into()).await?.value;
        let secret = registered.secret.unwrap_or_default().parse()?;
        Ok((self.registration(registered.id.unwrap_or_default()), secret))
    }

    fn registration(&self, id: String) -> Registration {
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

/// Gives the address by which this machine reaches what listens at `address`.
pub(crate) fn reached_at(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    }
    address
}
