//! The metrics that are computed on request.

use fanfare_core::Principal;

use crate::service::Webhooks;
use crate::state::State;
use fanfare_hub::lag::LagPages;
use fanfare_store as store;

impl Webhooks {
    /// Updates the metrics that are not counted along the way. If the store cannot be read, fails and leaves
    /// them unchanged.
    pub async fn measure(&self) -> Result<(), store::Error> {
        let deliveries = self.parts.ledger.delivery_counts().await?;
        let waiting = deliveries.iter().map(|counts| counts.waiting).sum();
        let failed = deliveries.iter().map(|counts| counts.failed).sum();
        let counts = &self.parts.counts;
        counts.set_deliveries(waiting, failed);
        let list = self.registry.all();
        let states: Vec<State> = list.iter().map(|entry| entry.state()).collect();
        for state in State::ALL {
            counts.set_webhooks(state, states.iter().filter(|found| **found == state).count());
        }
        let (mut lag_max, mut pages) = (0, LagPages::of_measurement());
        for (entry, _) in list.iter().zip(&states).filter(|(_, state)| **state != State::Paused) {
            let (lag, _) = entry.lag(self.hub(), &Principal::local(), &mut pages).await?;
            lag_max = lag_max.max(lag);
        }
        counts.lag_max.set(lag_max);
        Ok(())
    }
}
