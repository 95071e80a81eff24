//! Acknowledgements of a durable reader: one request at a time, each for the newest event that is done.

use fanfare_core::{Position, ReaderName};
use futures_util::future::{BoxFuture, FutureExt, pending};

use fanfare_client::{Api, Error};

/// Sends acknowledgements. They are cumulative, so only the newest position is kept.
pub(crate) struct Acks {
    api: Api,
    reader: Option<ReaderName>,
    /// Position to acknowledge next.
    next: Option<Position>,
    request: Option<BoxFuture<'static, Result<(), Error>>>,
    /// An event failed, so no event after it may be acknowledged.
    is_frozen: bool,
}

impl Acks {
    pub(crate) fn new(api: Api, reader: Option<ReaderName>) -> Acks {
        Acks { api, reader, next: None, request: None, is_frozen: false }
    }

    /// Returns whether there is a durable reader. Without one, nothing is acknowledged.
    pub(crate) fn is_durable(&self) -> bool {
        self.reader.is_some()
    }

    /// Records that all events up to `id` are done, and acknowledges them as soon as possible.
    pub(crate) fn acknowledge(&mut self, id: Position) {
        if self.is_durable() && !self.is_frozen {
            self.next = Some(id);
            self.send();
        }
    }

    /// Stops recording. What is recorded is still acknowledged.
    pub(crate) fn freeze(&mut self) {
        self.is_frozen = true;
    }

    /// Drives the open request, and returns a warning when one fails. Waits forever if there is none.
    pub(crate) async fn failed(&mut self) -> String {
        loop {
            let Some(request) = &mut self.request else { return pending().await };
            let response = request.await;
            self.request = None;
            self.send();
            if let Err(error) = response {
                return warning(&error);
            }
        }
    }

    /// Waits until everything is acknowledged, and returns a warning if the last request failed.
    pub(crate) async fn flush(&mut self) -> Option<String> {
        let mut problem = None;
        while let Some(request) = &mut self.request {
            problem = request.await.err().map(|error| warning(&error));
            self.request = None;
            self.send();
        }
        problem
    }

    /// Sends the next acknowledgement, unless a request is open.
    fn send(&mut self) {
        let (Some(reader), None) = (&self.reader, &self.request) else { return };
        let Some(position) = self.next.take() else { return };
        let (api, reader) = (self.api.clone(), reader.clone());
        self.request = Some(async move { api.acknowledge(&reader, position).await }.boxed());
    }
}

fn warning(error: &Error) -> String {
    format!("could not acknowledge events, so some may come again: {error}")
}
