//! Disconnecting clients.

use std::time::Duration;

use fanfare_api::clients::ClientEntry;
use fanfare_core::duration;
use reqwest::Method;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::Error;

impl Api {
    /// Disconnects the client `id`; with `deny_for`, a client with the same traits may not return for that long. Returns
    /// the client as it was.
    pub async fn disconnect(
        &self,
        id: &str,
        deny_for: Option<Duration>,
    ) -> Result<Answer<ClientEntry>, Error> {
        let mut request = self.request(Method::DELETE, &format!("/api/clients/{id}"));
        if let Some(time) = deny_for {
            request = request.query(&[("deny_for", duration::show(time))]);
        }
        self.call(request).await
    }
}
