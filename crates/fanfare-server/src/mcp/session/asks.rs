//! The requests to the client of a session that are not answered yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fanfare_mcp::{Error, Id};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

/// Maximum concurrent requests to the client.
const ASKS_MAX: usize = 64;

/// The outcome of a request to the client.
type Answer = Result<Box<RawValue>, Error>;

/// The requests that are not answered yet.
#[derive(Debug, Default)]
pub struct Asks {
    /// Guards the table; held for one look or change.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    open: HashMap<Id, oneshot::Sender<Answer>>,
    last: u64,
}

/// A pending request. It is removed when this is dropped, also if no one waits for the answer any longer.
#[derive(Debug)]
pub struct Ask<'a> {
    asks: &'a Asks,
    /// The id, which the client repeats in its answer.
    pub id: Id,
    answer: oneshot::Receiver<Answer>,
}

impl Drop for Ask<'_> {
    fn drop(&mut self) {
        self.asks.table().open.remove(&self.id);
    }
}

impl Ask<'_> {
    /// Waits for the answer.
    pub async fn answer(mut self) -> Answer {
        (&mut self.answer).await.unwrap_or_else(|_| Err(Error::internal("the client is gone")))
    }
}

impl Asks {
    /// Starts a request.
    pub fn begin(&self) -> Result<Ask<'_>, Error> {
        let mut table = self.table();
        if table.open.len() >= ASKS_MAX {
            return Err(Error::busy(format!(
                "the client already has the maximum of {ASKS_MAX} requests to answer"
            )));
        }
        table.last += 1;
        let id = Id::number(table.last);
        let (sender, answer) = oneshot::channel();
        table.open.insert(id.clone(), sender);
        Ok(Ask { asks: self, id, answer })
    }

    /// Accepts an answer of the client; ignores one that does not match a request.
    pub fn answer(&self, id: &Id, outcome: Result<Box<RawValue>, Box<RawValue>>) {
        let Some(ask) = self.table().open.remove(id) else { return };
        let answer = outcome.map_err(|error| Error::internal(format!("the client answered {}", error.get())));
        // The caller may have given up.
        let _ = ask.send(answer);
    }

    /// Drops every pending request; those that wait get an error.
    pub(super) fn clear(&self) {
        self.table().open.clear();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use serde_json::value::RawValue;

    use super::{ASKS_MAX, Asks};

    #[test]
    fn a_question_that_nobody_waits_for_any_more_makes_room() {
        let asks = Asks::default();
        let mut open: Vec<_> = (0..ASKS_MAX).map(|_| asks.begin().expect("room")).collect();
        assert!(asks.begin().is_err());
        drop(open.pop());
        let ask = asks.begin().expect("room again");
        assert!(asks.begin().is_err());
        let result = RawValue::from_string("{}".to_owned()).expect("JSON");
        asks.answer(&ask.id.clone(), Ok(result));
        let answer = ask.answer().now_or_never().expect("it was answered");
        assert_eq!(answer.map(|result| result.get().to_owned()), Ok("{}".to_owned()));
        assert!(asks.begin().is_ok());
    }

    #[test]
    fn a_session_that_ends_answers_its_questions() {
        let asks = Asks::default();
        let ask = asks.begin().expect("room");
        asks.clear();
        assert!(ask.answer().now_or_never().expect("it was answered").is_err());
    }
}
