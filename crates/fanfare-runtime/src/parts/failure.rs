//! The failures of parts.

use std::any::Any;
use std::error::Error;
use std::fmt;

/// An error of any kind.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The outcome of a part's work.
pub type Outcome = Result<(), BoxError>;

/// The end of a part that was not asked to stop.
#[derive(Debug)]
pub struct Failure {
    /// The name of the part.
    pub part: String,
    /// The cause.
    pub cause: Cause,
}

/// The cause of a part's end.
#[derive(Debug)]
pub enum Cause {
    /// The part returned as if it had nothing left to do.
    Ended,
    /// The part failed.
    Failed(BoxError),
    /// The part panicked, with this message.
    Panicked(String),
    /// [`Board::end`](super::Board::end) ended the part.
    Requested,
}

impl Failure {
    /// Returns the error that the part failed with, if it is an `E`.
    pub fn error<E: Error + 'static>(&self) -> Option<&E> {
        match &self.cause {
            Cause::Failed(error) => error.downcast_ref(),
            Cause::Ended | Cause::Panicked(_) | Cause::Requested => None,
        }
    }
}

impl Cause {
    /// Reads the message of a panic.
    pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Cause {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Cause::Panicked(text.unwrap_or_else(|| "no message".to_owned()))
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Failed(error) => Some(&**error),
            Cause::Ended | Cause::Panicked(_) | Cause::Requested => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.part, self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Ended => f.write_str("ended unexpectedly"),
            Cause::Failed(error) => write!(f, "failed: {error}"),
            Cause::Panicked(message) => write!(f, "panicked: {message}"),
            Cause::Requested => f.write_str("was ended"),
        }
    }
}
