//! Tasks: what runs beside the requests, and what its end means.

use std::time::Duration;

use fanfare_hub::Hub;
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;
use fanfare_store::Store;

/// How often the store is swept when there is nothing to remove.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How often callers that have not pushed for a while are forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// Removes what retention no longer keeps, until `stop` turns true.
pub async fn sweep(store: &Store, mut stop: Shutdown) -> Result<(), store::Error> {
    loop {
        match store.sweep().await {
            Ok(true) => tokio::task::yield_now().await,
            Ok(false) => {
                tokio::select! {
                    () = tokio::time::sleep(SWEEP_INTERVAL) => {}
                    () = stop.asked() => return Ok(()),
                }
            }
            Err(error @ (store::Error::Fatal { .. } | store::Error::Closed)) => return Err(error),
            Err(error) => {
                // A full disk passes; deleting is what helps against it.
                tracing::warn!(%error, "retention could not be enforced");
                tokio::select! {
                    () = tokio::time::sleep(SWEEP_INTERVAL) => {}
                    () = stop.asked() => return Ok(()),
                }
            }
        }
    }
}

/// Forgets callers that have not pushed for a while, until `stop` turns true.
pub async fn forget_idle_callers(hub: Hub, mut stop: Shutdown) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(FORGET_INTERVAL) => hub.forget_idle_callers(),
            () = stop.asked() => return,
        }
    }
}
