//! Somebody who listens beside the client under test, by plain HTTP, and pushes from outside.

use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{Stream, StreamExt};
use reqwest::Response;
use serde_json::{Value, json};
use sse_stream::{Sse, SseStream};
use tokio::time::timeout;

/// What it waits for is pushed before it waits.
const WAIT: Duration = Duration::from_secs(20);

pub struct Listener {
    http: reqwest::Client,
    url: String,
    events: Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>> + Send>>,
}

impl Listener {
    pub async fn connect(url: String) -> Result<Self> {
        let http = reqwest::Client::builder().connect_timeout(WAIT).build()?;
        let stream = answered(http.get(format!("{url}/stream?format=json")).send().await?).await?;
        let events = Box::pin(SseStream::from_bytes_stream(stream.bytes_stream()));
        Ok(Self { http, url, events })
    }

    /// Gives the id of the event that came of it.
    pub async fn push(&self, event: &Value) -> Result<Value> {
        let request = self.http.post(format!("{}/api/push", self.url)).timeout(WAIT).json(event);
        let mut body: Value = answered(request.send().await?).await?.json().await?;
        Ok(body["id"].take())
    }

    /// Gives everything up to a mark that is pushed now: what is not there by then was not pushed.
    pub async fn heard(&mut self) -> Result<Vec<Value>> {
        let mark = self.push(&json!({ "message": "mark", "channel": "marks" })).await?;
        let mut heard = Vec::new();
        loop {
            let frame = timeout(WAIT, self.events.next()).await.context("the mark did not come")?;
            let Some(data) = frame.context("the listener's stream has ended")??.data else { continue };
            let event: Value = serde_json::from_str(&data)?;
            if event["id"] == mark {
                return Ok(heard);
            }
            heard.push(event);
        }
    }

    pub async fn round_trip(&self) -> Result<()> {
        answered(self.http.get(format!("{}/health", self.url)).timeout(WAIT).send().await?).await?;
        Ok(())
    }
}

async fn answered(response: Response) -> Result<Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    bail!("{}: {}", response.status(), response.text().await?)
}
