//! Posting to a receiver, as a webhook does: redirects are not followed, and the response is not kept.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};

use crate::error::innermost;

/// Maximum duration of one attempt: the same that the gateway allows a receiver.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// Maximum bytes of a response to read, so that the connection can be reused.
const ANSWER_LEN_MAX: usize = 64 * 1024;

/// Creates a client.
pub fn http() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(fanfare_tls::client_config(&["h2", "http/1.1"]))
        .user_agent(concat!("fanfare-cli/", env!("CARGO_PKG_VERSION")))
        .timeout(ATTEMPT_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .build()
        .map_err(|error| innermost(&error))
}

/// Sends a request; returns the status of the response, or the reason that there is none.
pub async fn status(request: RequestBuilder) -> Result<StatusCode, String> {
    let failed = |error: reqwest::Error| match error.is_timeout() {
        true => "no answer within 10 s".to_owned(),
        false => innermost(&error),
    };
    let mut response = request.send().await.map_err(failed)?;
    let (status, mut read) = (response.status(), 0);
    // The status counts, whether or not the rest arrives.
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER_LEN_MAX {
            break;
        }
    }
    Ok(status)
}
