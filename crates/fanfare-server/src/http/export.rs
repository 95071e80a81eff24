//! The history as a stream of lines: `Accept: application/x-ndjson`.
//!
//! A page is read when the client has room for it, so an export of any length keeps one page in memory. What cannot be
//! read to its end breaks off: over HTTP/1.1 without the last chunk, over HTTP/2 with a reset. A client sees that the
//! response is incomplete, and every line that it gets is an event.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fanfare_core::line_ends;
use fanfare_core::refusal::Refusal;
use fanfare_core::{Caller, Code, Principal};
use futures_util::{StreamExt, stream};
use http::{HeaderValue, header};

use crate::problem::Problem;
use fanfare_hub::Hub;
use fanfare_hub::values::Error;
use fanfare_hub::values::{Order, Read};
use fanfare_runtime::shares::{Over, Shares, Taken};

/// The media type of lines of JSON.
pub const MEDIA_TYPE: &str = "application/x-ndjson";

/// Maximum exports at once: each keeps a page, which is 1 MiB and an event at most, and what the socket holds of it.
const EXPORTS_MAX: usize = 64;

/// Maximum exports of one caller at once.
const EXPORTS_EACH_MAX: usize = EXPORTS_MAX / 4;

/// Maximum events that are read at once; a page of long events ends earlier.
const PAGE_LEN_MAX: usize = 1_000;

/// The limit on exports; cheap to clone.
#[derive(Debug, Clone)]
pub struct Exports(Shares);

impl Default for Exports {
    fn default() -> Exports {
        Exports(Shares::new(EXPORTS_MAX, EXPORTS_EACH_MAX))
    }
}

/// One export.
struct Export {
    hub: Hub,
    by: Principal,
    /// What is left to read.
    read: Read,
    /// The number of events that are left to send.
    left: usize,
    _permit: Taken,
}

/// The reason why an export breaks off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the gateway is stopping")]
    Stopping,
    #[error(transparent)]
    Store(#[from] Error),
}

impl Exports {
    /// Answers with the events that `read` selects, at most `limit`.
    pub async fn answer(
        &self,
        hub: &Hub,
        by: &Principal,
        caller: &Caller,
        read: Read,
        limit: usize,
    ) -> Result<Response, Problem> {
        let permit = self.0.take(caller).map_err(|over| {
            let (what, limit) = match over {
                Over::InAll => (format!("{EXPORTS_MAX} exports of the history are running"), "exports"),
                Over::Share => (
                    format!("{EXPORTS_EACH_MAX} of your exports of the history are running"),
                    "exports_per_caller",
                ),
            };
            Refusal::new(Code::RateLimited, what, "wait for one of them to finish")
                .over(limit, Duration::from_secs(10))
        })?;
        let mut export = Export { hub: hub.clone(), by: by.clone(), read, left: limit, _permit: permit };
        // While nothing was sent, an error can still be an answer.
        let first = export.lines().await.map_err(|broken| match broken {
            Broken::Stopping => Refusal::shutting_down(),
            Broken::Store(error) => error.into(),
        })?;
        let rest = stream::try_unfold(export, |mut export| async move {
            let lines = export.lines().await;
            if let Err(error) = &lines {
                tracing::warn!(%error, "an export of the history broke off");
            }
            Ok::<_, Broken>(lines?.map(|lines| (lines, export)))
        });
        let body = Body::from_stream(stream::iter(first.map(Ok)).chain(rest));
        Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], body).into_response())
    }
}

impl Export {
    /// Reads the next events, as lines; `None` at the end.
    async fn lines(&mut self) -> Result<Option<Bytes>, Broken> {
        while self.read.after < self.read.until && self.left > 0 {
            if self.hub.is_closing() {
                return Err(Broken::Stopping);
            }
            let limit = self.left.min(PAGE_LEN_MAX);
            let page = self.hub.history(&self.by, Read { limit, ..self.read.clone() }).await?;
            match self.read.order {
                Order::Newest => self.read.until = page.scanned.saturating_sub(1),
                Order::Oldest => self.read.after = page.scanned,
            }
            if page.events.is_empty() {
                continue;
            }
            self.left -= page.events.len();
            let mut lines = Vec::new();
            for event in page.events {
                serde_json::to_writer(&mut lines, &event)
                    .expect("an event always serialises, and a vector takes it");
                lines.push(b'\n');
            }
            line_ends::escape(&mut lines, 0);
            return Ok(Some(lines.into()));
        }
        Ok(None)
    }
}
