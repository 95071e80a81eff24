//! Why a part has ended.

use std::any::Any;
use std::error::Error;
use std::fmt;

/// An error of whatever kind.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What the work of a part comes to.
pub type Outcome = Result<(), BoxError>;

/// A part that has ended while nobody had asked it to.
#[derive(Debug)]
pub struct Failure {
    /// Its name.
    pub part: String,
    /// Why.
    pub cause: Cause,
}

/// Why a part has ended.
#[derive(Debug)]
pub enum Cause {
    /// It returned as if it had nothing left to do.
    Ended,
    /// It failed.
    Failed(BoxError),
    /// It panicked, with this message.
    Panicked(String),
    /// [`Board::end`](super::Board::end) has ended it.
    Told,
}

impl Failure {
    /// Returns the error that the part failed with, if it is an `E`.
    pub fn error<E: Error + 'static>(&self) -> Option<&E> {
        match &self.cause {
            Cause::Failed(error) => error.downcast_ref(),
            Cause::Ended | Cause::Panicked(_) | Cause::Told => None,
        }
    }
}

impl Cause {
    /// Reads what a panic carries.
    pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Cause {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Cause::Panicked(text.unwrap_or_else(|| "without a message".to_owned()))
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Failed(error) => Some(&**error),
            Cause::Ended | Cause::Panicked(_) | Cause::Told => None,
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
            Cause::Ended => f.write_str("ended by itself"),
            Cause::Failed(error) => write!(f, "failed: {error}"),
            Cause::Panicked(message) => write!(f, "panicked: {message}"),
            Cause::Told => f.write_str("was ended"),
        }
    }
}
