//! A machine whose clock the test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fanfare_core::Timestamp;
use fanfare_runtime::clock::Clock;

use crate::support::Engine;
use crate::support::gateway::Gateway;

/// The time of day, with an adjustable offset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turned(Arc<AtomicI64>);

impl Turned {
    /// Sets the clock so many hours off the true time.
    pub(crate) fn by(&self, hours: i64) {
        self.0.store(hours * 3_600_000_000, Ordering::SeqCst);
    }

    /// Returns what the clock shows.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(fanfare_runtime::clock::now().as_micros() + self.0.load(Ordering::SeqCst))
    }

    /// Creates a clock that is believed as it is found.
    fn clock(&self) -> Clock {
        let turned = self.clone();
        Clock::with_wall(move || turned.now())
    }

    pub(crate) async fn gateway(&self, engine: Engine) -> Gateway {
        Gateway::with(engine, |config| config.clock = self.clock()).await
    }

    /// Restarts a gateway; the new one believes the clock that it finds.
    pub(crate) async fn restarted(&self, gateway: Gateway) -> Gateway {
        gateway.restart_with(|config| config.clock = self.clock()).await
    }
}
