//! Posting to somebody's receiver, as a webhook does: no redirect is followed, nothing of the answer is kept.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};

use crate::error::innermost;

/// How long one attempt may take: as long as the gateway gives a receiver.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// Most bytes of an answer that are read, so that the connection can be used again.
const ANSWER_LEN_MAX: usize = 64 * 1024;

/// Makes ready to post.
pub fn http() -> Result<reqwest::Client, String> {
    // Whoever came first has installed the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("fanfare-cli/", env!("CARGO_PKG_VERSION")))
        .timeout(ATTEMPT_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .build()
        .map_err(|error| innermost(&error))
}

/// Sends a request; gives the status of the answer, or why there is none.
pub async fn status(request: RequestBuilder) -> Result<StatusCode, String> {
    let failed = |error: reqwest::Error| match error.is_timeout() {
        true => "no answer within 10 s".to_owned(),
        false => innermost(&error),
    };
    let mut response = request.send().await.map_err(failed)?;
    let (status, mut read) = (response.status(), 0);
    // The status counts, whatever becomes of the rest.
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER_LEN_MAX {
            break;
        }
    }
    Ok(status)
}
