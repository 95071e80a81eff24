//! A resource that is watched: by `resources/subscribe`, or by `subscriptions/listen` in the modern era.
#![expect(deprecated, reason = "the legacy era has no other way, and rmcp keeps this one for it")]

use anyhow::{Context, Result, bail, ensure};
use rmcp::model::{ServerNotification, SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams};
use rmcp::service::Subscription;
use tokio::sync::mpsc;

use crate::connect::Service;

pub enum Subscribed<'a> {
    Legacy { service: &'a Service, uri: String, updates: &'a mut mpsc::Receiver<String> },
    Modern(Box<Subscription>),
}

impl<'a> Subscribed<'a> {
    pub async fn begin(
        service: &'a Service,
        updates: &'a mut mpsc::Receiver<String>,
        uri: &str,
    ) -> Result<Self> {
        let about = service.peer_info().context("the server has not said who it is")?;
        if about.protocol_version.has_initialize() {
            service.subscribe(SubscribeRequestParams::new(uri)).await?;
            return Ok(Self::Legacy { service, uri: uri.to_owned(), updates });
        }
        let subscription =
            service.listen(SubscriptionFilter::builder().resource_subscription(uri).build()).await?;
        let honoured = subscription.acknowledged().resource_subscriptions.as_deref().unwrap_or_default();
        ensure!(honoured == [uri], "it honours {honoured:?}");
        Ok(Self::Modern(Box::new(subscription)))
    }

    /// Gives the address of the next resource that has changed.
    pub async fn next(&mut self) -> Result<String> {
        match self {
            Self::Legacy { updates, .. } => updates.recv().await.context("the client has ended"),
            Self::Modern(subscription) => match subscription.next().await? {
                Some(ServerNotification::ResourceUpdatedNotification(told)) => Ok(told.params.uri),
                other => bail!("it told {other:?}, and ended with {:?}", subscription.end()),
            },
        }
    }

    pub async fn end(self) -> Result<()> {
        match self {
            Self::Legacy { service, uri, .. } => {
                service.unsubscribe(UnsubscribeRequestParams::new(uri)).await?
            }
            Self::Modern(mut subscription) => subscription.cancel().await?,
        }
        Ok(())
    }
}
