//! One call for each request of the HTTP interface.

use std::time::{Duration, Instant};

use bytes::Bytes;
use fanfare_api::event::Event;
use fanfare_api::history::HistoryPage;
use fanfare_api::purging::{PurgedChannel, RedactedEvent};
use fanfare_api::push::{NewEvent, Pushed, PushedBatch};
use fanfare_api::readers::{Acknowledgement, Reader, ReaderSettings};
use fanfare_api::sources::{IngestSource, SourceSettings};
use fanfare_api::status::Status;
use fanfare_core::endpoint::UNIX_PREFIX;
use fanfare_core::{Channel, Position, ReaderName, SourceName};
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::backoff;
use crate::error::{Error, Problem, innermost};

/// A gateway, and the settings of the connection to it.
#[derive(Clone)]
pub struct Target {
    /// The URL of the gateway, without a path, or `unix:` and the path of its socket.
    pub server: String,
    /// The token that identifies the caller.
    pub token: Option<String>,
    /// Maximum time to wait for an answer.
    pub timeout: Duration,
}

impl Target {
    /// Returns the URL that paths are appended to. For a Unix socket, the host is this machine.
    pub(super) fn base(&self) -> &str {
        if self.server.starts_with(UNIX_PREFIX) { "http://localhost" } else { &self.server }
    }
}

impl std::fmt::Debug for Target {
    /// Omits the token, which could end up in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("server", &self.server)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The client of a gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    target: Target,
}

/// Maximum time to connect: a host that is there answers in far less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The interval of keepalives that the client asks for, whatever interval the gateway has by itself.
pub(crate) const KEEPALIVE: (&str, &str) = ("keepalive", "30s");

/// Maximum silence of a stream: two [keepalives](KEEPALIVE) were lost.
pub const SILENCE_MAX: Duration = Duration::from_secs(75);

/// Maximum length of an answer: a page of history has about 1 MiB, the longest list of channels or clients a few.
const ANSWER_LEN_MAX: usize = 64 * 1024 * 1024;

/// Maximum attempts for one push.
const TRIES_MAX: u32 = 5;

/// The pause before the second try.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

impl Api {
    /// Creates a client; nothing is sent yet.
    pub fn new(target: Target) -> Result<Api, Error> {
        let http = http(&target, PROTOCOLS)
            .build()
            .map_err(|error| Error::NotFanfare { url: target.server.clone(), problem: innermost(&error) })?;
        Ok(Api { http, target })
    }

    /// Returns the URL of the gateway.
    pub fn server(&self) -> &str {
        &self.target.server
    }

    /// Pushes one event, which is durable afterwards. It must have an idempotency key: the push is repeated if its
    /// answer is lost.
    pub async fn push(&self, event: &NewEvent) -> Result<Answer<Pushed>, Error> {
        self.push_until_answered("/api/push?wait=0s", "application/json", json(event)).await
    }

    /// Pushes one event, and waits for the first attempts at webhooks, at most 10 s.
    pub async fn push_to_webhooks(&self, event: &NewEvent) -> Result<Answer<Pushed>, Error> {
        self.push_until_answered("/api/push", "application/json", json(event)).await
    }

    /// Pushes a batch, all or nothing, from lines of JSON. Each line must have an idempotency key.
    pub async fn push_batch(&self, lines: String) -> Result<Answer<PushedBatch>, Error> {
        self.push_until_answered("/api/push?wait=0s", "application/x-ndjson", lines.into()).await
    }

    /// Reads a page of history.
    pub async fn history(
        &self,
        query: &[(&str, String)],
    ) -> Result<Answer<HistoryPage<Box<RawValue>>>, Error> {
        self.call(self.request(Method::GET, "/api/events").query(query)).await
    }

    /// Returns the status of the gateway.
    pub async fn status(&self) -> Result<Answer<Status>, Error> {
        self.call(self.request(Method::GET, "/api/status")).await
    }

    /// Returns one event.
    pub async fn event(&self, id: Position) -> Result<Answer<Event>, Error> {
        self.call(self.request(Method::GET, &format!("/api/events/{id}"))).await
    }

    /// Returns the gateway's clock, to the second, from the `Date` of an answer.
    pub async fn date(&self) -> Result<Option<String>, Error> {
        let request = self.request(Method::GET, "/health").timeout(self.target.timeout);
        let response = self.checked(request.send().await).await?;
        Ok(response.headers().get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned))
    }

    /// Acknowledges all events up to `position` for the durable reader `name`.
    pub async fn acknowledge(&self, name: &ReaderName, position: Position) -> Result<(), Error> {
        let body = Acknowledgement { position };
        let request = self.request(Method::POST, &format!("/api/readers/{name}/ack")).json(&body);
        self.call::<Reader>(request).await.map(|_| ())
    }

    /// Sets the filter of the durable reader `name`, and its position if the settings have one.
    pub async fn set_reader(
        &self,
        name: &ReaderName,
        settings: &ReaderSettings,
    ) -> Result<Answer<Reader>, Error> {
        self.call(self.request(Method::PUT, &format!("/api/readers/{name}")).json(settings)).await
    }

    /// Deletes the durable reader `name`.
    pub async fn forget_reader(&self, name: &ReaderName) -> Result<Answer<Reader>, Error> {
        self.call(self.request(Method::DELETE, &format!("/api/readers/{name}"))).await
    }

    /// Returns the source `name`.
    pub async fn source(&self, name: &SourceName) -> Result<Answer<IngestSource>, Error> {
        self.call(self.request(Method::GET, &format!("/api/sources/{name}"))).await
    }

    /// Adds the source `name`, or replaces its settings.
    pub async fn set_source(
        &self,
        name: &SourceName,
        settings: &SourceSettings,
    ) -> Result<Answer<IngestSource>, Error> {
        self.call(self.request(Method::PUT, &format!("/api/sources/{name}")).json(settings)).await
    }

    /// Removes the source `name`.
    pub async fn remove_source(&self, name: &SourceName) -> Result<Answer<IngestSource>, Error> {
        self.call(self.request(Method::DELETE, &format!("/api/sources/{name}"))).await
    }

    /// Purges a channel.
    pub async fn purge_channel(&self, name: &Channel) -> Result<Answer<PurgedChannel>, Error> {
        self.call(self.request(Method::DELETE, &format!("/api/channels/{name}"))).await
    }

    /// Redacts an event.
    pub async fn redact_event(&self, id: Position) -> Result<Answer<RedactedEvent>, Error> {
        self.call(self.request(Method::DELETE, &format!("/api/events/{id}"))).await
    }

    /// Opens a stream of server-sent events; returns the response once its head has arrived.
    pub async fn open_stream(
        &self,
        query: Vec<(&'static str, String)>,
        last_event_id: Option<String>,
    ) -> Result<Response, Error> {
        let mut request = self
            .request(Method::GET, "/stream")
            .query(&query)
            .query(&[KEEPALIVE])
            .header(ACCEPT, "text/event-stream");
        if let Some(id) = last_event_id.and_then(|id| HeaderValue::from_str(&id).ok()) {
            request = request.header("Last-Event-ID", id);
        }
        // The timeout covers only the head: the body has no end.
        let Ok(sent) = tokio::time::timeout(self.target.timeout, request.send()).await else {
            return Err(Error::TimedOut { url: self.target.server.clone(), after: self.target.timeout });
        };
        let response = self.checked(sent).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Err(Error::denied(seconds(&response)));
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|value| value.starts_with("text/event-stream")) {
            return Err(self.not_fanfare("`/stream` is not an event stream"));
        }
        Ok(response)
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.target.base()));
        match &self.target.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Repeats a push whose answer was lost, or that failed for a passing reason, within the time for an answer. Its
    /// idempotency keys ensure that this never appends twice.
    async fn push_until_answered<T: DeserializeOwned>(
        &self,
        path: &'static str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Answer<T>, Error> {
        let deadline = Instant::now() + self.target.timeout;
        let mut attempt = 0;
        // The first error after which the push may have happened: no later one takes that back.
        let mut unknown = None;
        loop {
            let request =
                self.request(Method::POST, path).header(CONTENT_TYPE, content_type).body(body.clone());
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match self.call(request.timeout(left)).await {
                Ok(answer) => return Ok(answer),
                // An absent gateway is an answer too: the caller wants to know now.
                Err(error @ (Error::Unreachable { .. } | Error::TimedOut { .. })) if unknown.is_none() => {
                    return Err(error);
                }
                Err(error) => error,
            };
            let pause =
                backoff::pause(attempt, FIRST_PAUSE, error.retry_after(), rand::random_range(0.0..1.0));
            attempt += 1;
            if !error.is_passing() || attempt == TRIES_MAX || Instant::now() + pause >= deadline {
                return Err(unknown.unwrap_or(error));
            }
            if error.leaves_unknown() {
                unknown.get_or_insert(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Answer<T>, Error> {
        let response = self.answer(request).await?;
        let text = self.text(response).await?;
        Answer::read(&text).map_err(|error| self.not_fanfare(&format!("its JSON cannot be read: {error}")))
    }

    /// Returns the bytes of a successful answer.
    pub(super) async fn bytes(&self, request: RequestBuilder) -> Result<Vec<u8>, Error> {
        let response = self.answer(request).await?;
        self.body(response).await
    }

    /// Returns a successful response, whose body is still to be read.
    async fn answer(&self, request: RequestBuilder) -> Result<Response, Error> {
        let (client, request) = request.build_split();
        let mut request = request.map_err(|error| self.http_error(&error))?;
        let timeout = request.timeout_mut().get_or_insert(self.target.timeout);
        *timeout = (*timeout).min(self.target.timeout);
        self.checked(client.execute(request).await).await
    }

    /// Converts an unsuccessful response into the gateway's own error.
    async fn checked(&self, sent: Result<Response, reqwest::Error>) -> Result<Response, Error> {
        let response = sent.map_err(|error| self.http_error(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = seconds(&response);
        let text = self.text(response).await?;
        match serde_json::from_str::<Problem>(&text) {
            // The body is more exact than the header.
            Ok(problem) => {
                let retry_after = problem.retry_after.or(retry_after);
                Err(Error::Refused(Box::new(Problem { retry_after, ..problem })))
            }
            Err(_) if status.is_server_error() => Err(Error::Unreachable {
                url: self.target.server.clone(),
                problem: format!("it answered {status}"),
            }),
            Err(_) => Err(self.not_fanfare(&format!("it answered {status}"))),
        }
    }

    /// Reads the whole answer, up to a limit.
    async fn text(&self, response: Response) -> Result<String, Error> {
        let bytes = self.body(response).await?;
        String::from_utf8(bytes).map_err(|_| self.not_fanfare("its answer is not valid UTF-8"))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.http_error(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_LEN_MAX {
                return Err(self.not_fanfare("its answer is too long"));
            }
        }
        Ok(bytes)
    }

    fn http_error(&self, error: &reqwest::Error) -> Error {
        Error::from_http(error, &self.target.server, self.target.timeout)
    }

    /// Reads an answer that was put together from several.
    pub(super) fn read<T: DeserializeOwned>(&self, whole: &serde_json::Value) -> Result<Answer<T>, Error> {
        Answer::read(&whole.to_string())
            .map_err(|error| self.not_fanfare(&format!("its JSON cannot be read: {error}")))
    }

    pub(super) fn not_fanfare(&self, problem: &str) -> Error {
        Error::NotFanfare { url: self.target.server.clone(), problem: problem.to_owned() }
    }
}

fn json(event: &NewEvent) -> Bytes {
    serde_json::to_vec(event).expect("text, numbers and JSON are JSON").into()
}

/// The protocols that requests can be made with.
const PROTOCOLS: &[&str] = &["h2", "http/1.1"];

/// Creates the builder that all our requests share. Over TLS, it offers `protocols`.
pub(super) fn http(target: &Target, protocols: &[&str]) -> reqwest::ClientBuilder {
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(fanfare_tls::client_config(protocols))
        .user_agent(concat!("fanfare-cli/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT.min(target.timeout))
        .read_timeout(SILENCE_MAX)
        .tcp_nodelay(true);
    // A proxy would look for the gateway on its own machine.
    match target.server.strip_prefix(UNIX_PREFIX) {
        Some(path) => http.no_proxy().unix_socket(path),
        None if is_loopback(&target.server) => http.no_proxy(),
        None => http,
    }
}

/// Returns whether `server` is on this machine.
pub fn is_loopback(server: &str) -> bool {
    server.starts_with(UNIX_PREFIX)
        || reqwest::Url::parse(server).is_ok_and(|url| {
            url.host_str().is_some_and(|host| {
                let address = host.trim_start_matches('[').trim_end_matches(']');
                host == "localhost"
                    || host.ends_with(".localhost")
                    || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
            })
        })
}

/// Returns the time in `Retry-After`.
fn seconds(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?;
    Some(Duration::from_secs(value.to_str().ok()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_servers_are_told_from_others() {
        for (server, loopback) in [
            ("http://127.0.0.1:8000", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:8000", true),
            ("http://localhost:8000", true),
            ("http://app.localhost", true),
            ("https://push.example.com", false),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(server), loopback, "{server}");
        }
    }
}
