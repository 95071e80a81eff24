//! The parts that every request to one webhook has in common, prepared once.

use std::sync::Arc;

use fanfare_webhook::policy::Mode;
use fanfare_webhook::signature::{self, SignatureHeaders};
use fanfare_webhook::url::WebhookUrl;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use rustls::ClientConfig;

use crate::webhook::Webhook;

/// The header that names the log of a delivery: a gateway refuses a delivery of its own.
pub const VIA: HeaderName = HeaderName::from_static("fanfare-via");

/// The protocols that a receiver is offered (ALPN).
pub(super) const PROTOCOLS: [&str; 1] = ["http/1.1"];

const ID: HeaderName = HeaderName::from_static(signature::ID);
const TIMESTAMP: HeaderName = HeaderName::from_static(signature::TIMESTAMP);
const SIGNATURE: HeaderName = HeaderName::from_static(signature::SIGNATURE);
const HUB_SIGNATURE: HeaderName = HeaderName::from_static(signature::HUB_SIGNATURE);

/// A receiver, ready to be called.
#[derive(Debug)]
pub struct Target {
    /// The URL.
    pub url: WebhookUrl,
    /// The trust in the callers who chose the URL and the content sent to it.
    pub mode: Mode,
    /// The TLS configuration, if the webhook has its own authorities.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// The request line.
    pub uri: Uri,
    /// The headers that do not change, with empty places for those that do: filling them does not grow the table.
    headers: HeaderMap,
}

impl Target {
    /// Prepares the common parts of a webhook's requests; `epoch` names the log that they come from.
    pub fn new(webhook: &Webhook, epoch: &str) -> Target {
        let uri = webhook.url.path_and_query().parse().expect("the path of a URL that was parsed");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(webhook.url.authority()));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("Fanfare/", env!("CARGO_PKG_VERSION"))));
        headers.insert(VIA, value(epoch));
        for (name, text) in webhook.options.headers.reveal() {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a token");
            headers.insert(name, secret(text));
        }
        if let Some(auth) = &webhook.options.auth {
            headers.insert(AUTHORIZATION, secret(&auth.header_value()));
        }
        for name in [CONTENT_TYPE, ID, TIMESTAMP, SIGNATURE] {
            headers.insert(name, HeaderValue::from_static(""));
        }
        let authorities = webhook.options.authorities.as_ref();
        let tls = authorities.map(|authorities| {
            Arc::new(fanfare_tls::client_config_trusting(&PROTOCOLS, authorities.anchors()))
        });
        Target { url: webhook.url.clone(), mode: webhook.mode, tls, uri, headers }
    }

    /// Returns the target for a caller who is trusted no more than `mode`.
    pub fn under(self, mode: Mode) -> Target {
        Target { mode: self.mode.max(mode), ..self }
    }

    /// Returns the headers of one attempt.
    pub fn headers(&self, signed: &SignatureHeaders, content_type: &'static str) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(ID, value(&signed.id));
        headers.insert(TIMESTAMP, value(&signed.timestamp));
        headers.insert(SIGNATURE, value(&signed.signature));
        if let Some(hub_signature) = &signed.hub_signature {
            headers.insert(HUB_SIGNATURE, value(hub_signature));
        }
        headers
    }
}

/// Converts a value that the rules for webhooks allow: printable ASCII.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a value that the rules allow")
}

/// Converts a value that the log of attempts does not show.
fn secret(text: &str) -> HeaderValue {
    let mut value = value(text);
    value.set_sensitive(true);
    value
}
