//! The clock. Rules take the time as an argument; whoever calls them gets it here.

use fanfare_core::Timestamp;

/// Gives the present moment.
pub fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}
