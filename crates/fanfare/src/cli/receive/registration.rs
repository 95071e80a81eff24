//! A receiver that registers itself, and is forgotten when it ends.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fanfare_core::webhook::secret::Secret;
use serde_json::json;

use crate::cli::receive::Args;
use crate::cli::webhooks::named::among;
use crate::cli::{Context, Failure};
use crate::client::Api;
use crate::client::api::is_loopback;

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

impl Registration {
    /// Registers what listens at `address`; gives the secret, too.
    pub(crate) async fn begin(
        args: &Args,
        address: SocketAddr,
        secret: Option<Secret>,
        context: &Context,
    ) -> Result<(Registration, Secret), Failure> {
        let api = context.settings.api()?;
        let url = match &args.url {
            Some(url) => url.as_given().to_owned(),
            None if !is_loopback(api.server()) => {
                return Err(Failure::usage(
                    "the gateway is on another machine, and cannot reach this one by 127.0.0.1",
                )
                .fix("say how it can: --listen 0.0.0.0:3000 --url http://ADDRESS:3000/"));
            }
            None => format!("http://{}/", reached_at(address)),
        };
        let mut body = args.filter.members();
        body.insert("webhook_url".to_owned(), url.clone().into());
        body.insert("description".to_owned(), DESCRIPTION.into());
        body.extend(args.retry.as_ref().map(|retry| ("retry".to_owned(), json!(retry))));
        let webhooks = api.webhooks().await?.value.webhooks;
        let before = among(&webhooks, &url).ok().filter(|found| found.webhook_url == url);
        if before.is_some_and(|before| before.description.as_deref() != Some(DESCRIPTION)) && secret.is_none()
        {
            return Err(Failure::usage(format!("{url} is registered already"))
                .why("its secret was shown when it was registered, and is not shown again")
                .fix("verify with it: --secret FILE, without --register; or choose another --port"));
        }
        if let Some(secret) = secret.as_ref().filter(|_| before.is_none()) {
            body.insert("secret".to_owned(), secret.reveal().into());
        }
        let registered = api.register(&body.into()).await?.value;
        let id = registered.id.unwrap_or_default();
        let secret = match (secret, registered.secret) {
            (Some(secret), _) => secret,
            (None, Some(secret)) => secret.parse()?,
            // Left behind by a run that could not forget it: ours, so nobody else has its secret.
            (None, None) => {
                let rotated = api.rotate_secret(&id, &json!({ "overlap": "0s" })).await?.value;
                rotated.secret.unwrap_or_default().parse()?
            }
        };
        Ok((Registration { api, id, url }, secret))
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
