//! Lists of the gateway, read page by page to their end.

use fanfare_api::channels::ChannelList;
use fanfare_api::clients::ClientList;
use fanfare_api::readers::Readers;
use fanfare_api::sources::IngestSources;
use fanfare_api::webhooks::webhook::WebhookList;
use fanfare_api::words::WebhookState;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::Error;

/// The rows that are asked for at a time: the most that a gateway returns.
const LIMIT: &str = "1000";
/// Maximum pages that are read: a gateway has at most 65,536 connections, and fewer of everything else.
const PAGES_MAX: usize = 100;

impl Api {
    /// Returns all channels.
    pub async fn channels(&self) -> Result<Answer<ChannelList>, Error> {
        self.all("/api/channels", &["channels"]).await
    }

    /// Returns all connected clients.
    pub async fn clients(&self) -> Result<Answer<ClientList>, Error> {
        self.all("/api/clients", &["clients"]).await
    }

    /// Returns all durable readers.
    pub async fn readers(&self) -> Result<Answer<Readers>, Error> {
        self.all("/api/readers", &["readers"]).await
    }

    /// Returns all sources.
    pub async fn sources(&self) -> Result<Answer<IngestSources>, Error> {
        self.all("/api/sources", &["sources"]).await
    }

    /// Returns all webhooks, with their settings and health.
    pub async fn webhooks(&self) -> Result<Answer<WebhookList>, Error> {
        self.all("/api/webhooks?details=true", &["webhooks", "items"]).await
    }

    /// Returns all webhooks in this state.
    pub async fn webhooks_in(&self, state: &WebhookState) -> Result<Answer<WebhookList>, Error> {
        self.all(&format!("/api/webhooks?details=true&state={state}"), &["webhooks", "items"]).await
    }

    /// Reads every page of the list at `path`, whose rows are the members `rows`, and returns them as one page.
    async fn all<T: DeserializeOwned>(&self, path: &str, rows: &[&str]) -> Result<Answer<T>, Error> {
        let mut whole: Option<Value> = None;
        let mut query = vec![("limit", LIMIT.to_owned())];
        for _ in 0..PAGES_MAX {
            let request = self.request(Method::GET, path).query(&query);
            let mut page = self.call::<Value>(request).await?.value;
            let next = page.as_object_mut().and_then(|page| page.remove("next_cursor"));
            match &mut whole {
                None => whole = Some(page),
                Some(whole) => join(whole, page, rows),
            }
            match next {
                Some(Value::String(cursor)) => query = vec![("limit", LIMIT.to_owned()), ("cursor", cursor)],
                _ => return self.read(&whole.unwrap_or_default()),
            }
        }
        Err(self.not_fanfare(&format!("the list at `{path}` has no end")))
    }
}

/// Moves the rows of `page` to the end of those of `whole`; everything else is taken from the newer page.
fn join(whole: &mut Value, mut page: Value, rows: &[&str]) {
    for rows in rows {
        let mut joined = match whole.get_mut(rows).map(Value::take) {
            Some(Value::Array(joined)) => joined,
            _ => Vec::new(),
        };
        if let Some(Value::Array(more)) = page.get_mut(rows) {
            joined.append(more);
            *more = joined;
        }
    }
    *whole = page;
}
