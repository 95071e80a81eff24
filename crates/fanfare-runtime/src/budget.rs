//! The budget: a limit on the bytes of bodies that are accepted at once, shared by all doors.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::Code;
use fanfare_core::refusal::Refusal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum bytes of bodies that are being accepted at once: a fixed part of memory, however many clients push.
pub const BYTES_IN_FLIGHT_MAX: usize = 128 * 1024 * 1024;

/// The limit on bytes in flight; cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Semaphore>);

/// The bytes of one body; returned to the budget on drop.
#[derive(Debug)]
pub struct BytesInFlight {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
}

/// The maximum number of bytes is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl From<Exhausted> for Refusal {
    fn from(Exhausted: Exhausted) -> Refusal {
        Refusal::new(
            Code::TooManyBytesInFlight,
            format!("more than {BYTES_IN_FLIGHT_MAX} bytes of pushes are in flight right now"),
            "try again in a moment",
        )
        .over("bytes_in_flight", Duration::from_secs(1))
    }
}

impl Budget {
    /// Creates a budget of `bytes`.
    pub fn new(bytes: usize) -> Budget {
        Budget(Arc::new(Semaphore::new(bytes)))
    }

    /// Starts counting the bytes of a body.
    pub fn body(&self) -> BytesInFlight {
        BytesInFlight { budget: self.clone(), permit: None }
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new(BYTES_IN_FLIGHT_MAX)
    }
}

impl BytesInFlight {
    /// Counts `len` more bytes; fails if the budget is exhausted.
    pub fn add(&mut self, len: usize) -> Result<(), Exhausted> {
        let count = u32::try_from(len).map_err(|_| Exhausted)?;
        let permit = Arc::clone(&self.budget.0).try_acquire_many_owned(count).map_err(|_| Exhausted)?;
        match &mut self.permit {
            Some(counted) => counted.merge(permit),
            None => self.permit = Some(permit),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Exhausted};

    #[test]
    fn bytes_count_until_their_body_is_dropped() {
        let budget = Budget::new(10);
        let (mut one, mut other) = (budget.body(), budget.body());
        assert_eq!((one.add(4), one.add(3), other.add(3)), (Ok(()), Ok(()), Ok(())));
        assert_eq!((other.add(1), other.add(usize::MAX)), (Err(Exhausted), Err(Exhausted)));
        drop(one);
        assert_eq!((other.add(7), other.add(1)), (Ok(()), Err(Exhausted)));
    }
}
