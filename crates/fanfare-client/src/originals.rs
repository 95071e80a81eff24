//! The requests that brought events.

use fanfare_core::{HttpMessage, Position};
use reqwest::Method;

use crate::api::Api;
use crate::error::Error;

impl Api {
    /// Returns the request that brought an event; `None` if the gateway does not have it.
    pub async fn original(&self, id: Position) -> Result<Option<HttpMessage>, Error> {
        let path = format!("/api/events/{id}/original");
        let bytes = match self.bytes(self.request(Method::GET, &path)).await {
            Err(Error::Refused(problem)) if matches!(problem.status, 404 | 410) => return Ok(None),
            bytes => bytes?,
        };
        let message = HttpMessage::from_bytes(bytes);
        message.map(Some).ok_or_else(|| self.not_fanfare(&format!("`{path}` is not a message of HTTP")))
    }
}
