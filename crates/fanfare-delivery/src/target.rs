//! The parts that every request to one webhook has in common, prepared once.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanfare_webhook::masked::MASK;
use fanfare_webhook::options::Options;
use fanfare_webhook::policy::Mode;
use fanfare_webhook::signature::{self, SignatureHeaders};
use fanfare_webhook::url::WebhookUrl;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use rustls::ClientConfig;

use crate::webhook::Webhook;

/// The header that names the log of a delivery: a gateway refuses a delivery of its own.
pub const VIA: HeaderName = HeaderName::from_static("fanfare-via");

/// The protocols that a receiver is offered (ALPN).
pub(super) const PROTOCOLS: [&str; 1] = ["http/1.1"];

/// The name of the gateway as a client.
const AGENT: &str = concat!("Fanfare/", env!("CARGO_PKG_VERSION"));

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
    /// The TLS configuration, if the webhook does not trust what the machine trusts.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// The method of the request line.
    pub method: Method,
    /// The target of the request line.
    pub uri: Uri,
    /// Maximum duration of an attempt, if the webhook has its own.
    pub timeout: Option<Duration>,
    /// The secret parts of the URL that a template can put into the body.
    secrets: Vec<String>,
    /// The content type, if the webhook has its own.
    content_type: Option<HeaderValue>,
    /// The headers that do not change, with empty places for those that do: filling them does not grow the table.
    headers: HeaderMap,
}

impl Target {
    /// Prepares the common parts of a webhook's requests; `epoch` names the log that they come from.
    pub fn new(webhook: &Webhook, epoch: &str) -> Target {
        let uri = webhook.url.path_and_query().parse().expect("the path of a URL that was parsed");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(webhook.url.authority()));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
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
        Target {
            url: webhook.url.clone(),
            mode: webhook.mode,
            tls: tls(&webhook.options).map(Arc::new),
            method: webhook.options.method.as_str().parse().expect("a method"),
            uri,
            timeout: webhook.options.timeout,
            secrets: match &webhook.options.template {
                Some(_) => webhook.url.secret_values().collect(),
                None => Vec::new(),
            },
            content_type: webhook.options.content_type.as_ref().map(|text| value(text.as_str())),
            headers,
        }
    }

    /// Returns the target for a caller who is trusted no more than `mode`.
    pub fn under(self, mode: Mode) -> Target {
        Target { mode: self.mode.max(mode), ..self }
    }

    /// Returns a body as it may be shown: without the secret parts of the URL.
    pub fn masked<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        masked(body, &self.secrets)
    }

    /// Returns a request to the target `uri`.
    pub fn request(&self, uri: &Uri, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        request
    }

    /// Returns the target of the request line with the query of another one added.
    pub(super) fn uri_with(&self, other: &str) -> Uri {
        let Some((_, query)) = other.split_once('?') else { return self.uri.clone() };
        let joint = if self.uri.query().is_some() { '&' } else { '?' };
        // Both were read from requests; together they may be longer than a target can be.
        format!("{}{joint}{query}", self.uri).parse().unwrap_or_else(|_| self.uri.clone())
    }

    /// Returns the headers of one attempt that sends a request on with the headers that it came with. Those that the
    /// owner chose replace the sender's. A signature of the sender stays, and ours is not added beside one of the same
    /// name: the receiver could read neither.
    pub(super) fn headers_with(&self, signed: &SignatureHeaders, original: &[(&str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, bytes) in original {
            // They came in a request.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(bytes))
            {
                headers.append(name, value);
            }
        }
        let is_signed = headers.keys().any(|name| name.as_str().starts_with("webhook-"));
        let is_hub_signed = headers.contains_key(&HUB_SIGNATURE);
        let is_ours = |name: &HeaderName| [CONTENT_TYPE, ID, TIMESTAMP, SIGNATURE].contains(name);
        for (name, own) in self.headers.iter().filter(|(name, _)| !is_ours(name)) {
            if !(*name == USER_AGENT && own == AGENT && headers.contains_key(USER_AGENT)) {
                headers.insert(name, own.clone());
            }
        }
        if !is_signed {
            headers.insert(ID, value(&signed.id));
            headers.insert(TIMESTAMP, value(&signed.timestamp));
            headers.insert(SIGNATURE, value(&signed.signature));
        }
        if let Some(hub_signature) = signed.hub_signature.as_ref().filter(|_| !is_hub_signed) {
            headers.insert(HUB_SIGNATURE, value(hub_signature));
        }
        headers
    }

    /// Returns the headers of one attempt; `content_type` is that of the payload.
    pub fn headers(&self, signed: &SignatureHeaders, content_type: &'static str) -> HeaderMap {
        let mut headers = self.headers.clone();
        let own = self.content_type.clone();
        headers.insert(CONTENT_TYPE, own.unwrap_or_else(|| HeaderValue::from_static(content_type)));
        headers.insert(ID, value(&signed.id));
        headers.insert(TIMESTAMP, value(&signed.timestamp));
        headers.insert(SIGNATURE, value(&signed.signature));
        if let Some(hub_signature) = &signed.hub_signature {
            headers.insert(HUB_SIGNATURE, value(hub_signature));
        }
        headers
    }
}

/// Returns a body without the texts that are secret.
pub(super) fn masked<'a>(body: &'a [u8], secrets: &[String]) -> Cow<'a, [u8]> {
    if secrets.is_empty() {
        return Cow::Borrowed(body);
    }
    let text = String::from_utf8_lossy(body).into_owned();
    let hide = |text: String, secret: &String| text.replace(secret, MASK);
    Cow::Owned(secrets.iter().fold(text, hide).into_bytes())
}

/// Returns the TLS configuration of a webhook that does not trust what the machine trusts.
fn tls(options: &Options) -> Option<ClientConfig> {
    if options.insecure_skip_verify {
        return Some(fanfare_tls::client_config_trusting_anyone(&PROTOCOLS));
    }
    let certificates = options.authorities.as_ref()?.certificates();
    let config = fanfare_tls::client_config_trusting(&PROTOCOLS, certificates);
    Some(config.expect("certificates that were read can be trusted"))
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
