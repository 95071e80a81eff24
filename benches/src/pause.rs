//! Pauses. Where a program waits for something, it waits for that; here pauses are part of the load.

use std::{thread, time::Duration};

#[expect(
    clippy::disallowed_methods,
    reason = "the moment of a kill, a slow reader, the time between two tries and a look at the machine are lengths of time, not events"
)]
pub(crate) fn pause(length: Duration) {
    thread::sleep(length);
}
