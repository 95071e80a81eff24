//! The gateway that this process hosts, if it does.

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::cli::{Failure, startup};
use crate::gateway;
use fanfare_runtime::parts;

/// The gateway that this process hosts; at most one runs at a time.
#[derive(Debug, Default)]
pub(crate) struct Hosted {
    running: JoinSet<Result<(), parts::Failure>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Hosted {
    /// Adds a gateway that has started.
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

    /// Waits until the gateway fails. Waits forever if there is none.
    pub(crate) async fn failed(&mut self) -> Failure {
        match self.running.join_next().await {
            Some(Ok(Err(failure))) => startup::gateway_failure(&failure),
            Some(Ok(Ok(())) | Err(_)) => Failure::failed("the gateway in this process stopped unexpectedly"),
            None => std::future::pending().await,
        }
    }

    /// Shuts the gateway down cleanly: clients are told, the log is closed, and another process can host it.
    pub(crate) async fn stop(&mut self) -> Result<(), Failure> {
        // Dropping the sender starts the shutdown.
        self.stop = None;
        while let Some(ended) = self.running.join_next().await {
            if let Ok(Err(failure)) = ended {
                return Err(startup::gateway_failure(&failure));
            }
        }
        Ok(())
    }
}
