//! Acknowledging for a durable reader: one request at a time, each for the newest event that is done.

use fanfare_core::{Position, ReaderName};
use futures_util::future::{BoxFuture, FutureExt, pending};

use fanfare_client::{Api, Error};

/// What is to be acknowledged. Acknowledging is cumulative, so only the newest counts.
pub(crate) struct Acks {
    api: Api,
    reader: Option<ReaderName>,
    wanted: Option<Position>,
    asked: Option<BoxFuture<'static, Result<(), Error>>>,
    /// Something was not done, so nothing after it may be acknowledged.
    is_frozen: bool,
}

impl Acks {
    pub(crate) fn new(api: Api, reader: Option<ReaderName>) -> Acks {
        Acks { api, reader, wanted: None, asked: None, is_frozen: false }
    }

    /// Says whether anything is acknowledged at all.
    pub(crate) fn is_durable(&self) -> bool {
        self.reader.is_some()
    }

    /// Notes that everything up to `id` is done.
    pub(crate) fn acknowledge(&mut self, id: Position) {
        if self.is_durable() && !self.is_frozen {
            self.wanted = Some(id);
            self.ask();
        }
    }

    /// Acknowledges nothing but what is noted already.
    pub(crate) fn freeze(&mut self) {
        self.is_frozen = true;
    }

    /// Drives the request that is on its way; gives what went wrong with it. Never ends when nothing is.
    pub(crate) async fn answered(&mut self) -> String {
        loop {
            let Some(asked) = &mut self.asked else { return pending().await };
            let answer = asked.await;
            self.asked = None;
            self.ask();
            if let Err(error) = answer {
                return warning(&error);
            }
        }
    }

    /// Waits until all is acknowledged; gives what went wrong last.
    pub(crate) async fn flush(&mut self) -> Option<String> {
        let mut problem = None;
        while let Some(asked) = &mut self.asked {
            problem = asked.await.err().map(|error| warning(&error));
            self.asked = None;
            self.ask();
        }
        problem
    }

    fn ask(&mut self) {
        let (Some(reader), None) = (&self.reader, &self.asked) else { return };
        let Some(position) = self.wanted.take() else { return };
        let (api, reader) = (self.api.clone(), reader.clone());
        self.asked = Some(async move { api.acknowledge(&reader, position).await }.boxed());
    }
}

fn warning(error: &Error) -> String {
    format!("could not acknowledge, so some events may come again: {error}")
}
