//! `--as-received`: posts the requests that brought events, as their senders made them.

use std::sync::Mutex;

use fanfare_api::event::Event;
use fanfare_client::Api;
use fanfare_core::{HttpMessage, Position};
use fanfare_webhook::url::WebhookUrl;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};

/// The requests that brought the events that are listened to.
#[derive(Debug)]
pub(crate) struct Originals {
    api: Api,
    /// The first event of the last request that was posted.
    last: Mutex<Option<Position>>,
}

impl Originals {
    /// Asks the gateway for them.
    pub(crate) fn new(api: Api) -> Originals {
        Originals { api, last: Mutex::new(None) }
    }

    /// Returns whether the last request brought this event, too. Events that one request brought follow each other.
    pub(crate) fn is_posted(&self, event: &Event) -> bool {
        let Some(first) = event.original.as_ref().and_then(|original| original.event) else { return false };
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        last.replace(first) == Some(first)
    }

    /// Returns the request that brought an event, if the gateway has it.
    pub(crate) async fn of(&self, event: &Event) -> Result<Option<HttpMessage>, String> {
        let is_kept = event.original.as_ref().is_some_and(|original| original.event.is_some());
        if !is_kept {
            return Ok(None);
        }
        self.api.original(event.id).await.map_err(|error| format!("its original could not be read: {error}"))
    }
}

/// Returns a request to `url` with the method, the headers and the query of `message`, and without its body.
pub(super) fn request(
    http: &reqwest::Client,
    url: &WebhookUrl,
    message: &HttpMessage,
) -> Result<RequestBuilder, String> {
    let parts = message.parts();
    let mut target = Url::parse(url.normalised()).map_err(|error| error.to_string())?;
    if let Some((_, query)) = parts.target.split_once('?') {
        let whole = target.query().map_or_else(|| query.to_owned(), |own| format!("{own}&{query}"));
        target.set_query(Some(&whole));
    }
    let method = Method::from_bytes(parts.method.as_bytes()).map_err(|error| error.to_string())?;
    let mut request = http.request(method, target);
    for (name, value) in parts.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        let value = HeaderValue::from_bytes(value).map_err(|error| error.to_string())?;
        request = request.header(name, value);
    }
    Ok(request)
}
