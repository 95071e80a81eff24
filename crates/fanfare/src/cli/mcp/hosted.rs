//! The gateway in this process, when it hosts one.

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::cli::{Failure, serve};
use crate::gateway;
use fanfare_runtime::parts;

/// The gateway in this process: at most one that runs.
#[derive(Debug, Default)]
pub(crate) struct Hosted {
    running: JoinSet<Result<(), parts::Failure>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Hosted {
    /// Takes a gateway that has started.
    pub(crate) fn add(&mut self, gateway: gateway::Running) {
        let (stop, stopped) = oneshot::channel();
        self.stop = Some(stop);
        self.running.spawn(async move {
            let trigger = gateway.stopper();
            let ended = gateway.ended();
            tokio::pin!(ended);
            tokio::select! {
                result = &mut ended => result,
                _ = stopped => {
                    trigger.pull();
                    ended.await
                }
            }
        });
    }

    /// Waits for its end, which nobody asked for; for ever when there is none.
    pub(crate) async fn failed(&mut self) -> Failure {
        match self.running.join_next().await {
            Some(Ok(Err(failure))) => serve::gateway_failure(&failure),
            Some(Ok(Ok(())) | Err(_)) => Failure::failed("the gateway in this process ended"),
            None => std::future::pending().await,
        }
    }

    /// Stops it in order: readers are told, the log is closed, and another process may have it.
    pub(crate) async fn stop(&mut self) -> Result<(), Failure> {
        // Dropping it is what asks.
        self.stop = None;
        while let Some(ended) = self.running.join_next().await {
            if let Ok(Err(failure)) = ended {
                return Err(serve::gateway_failure(&failure));
            }
        }
        Ok(())
    }
}
