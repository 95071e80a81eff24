//! The shared parts of the behaviour tests: a gateway on a free port, and clients for every door.

pub(crate) mod agent;
pub(crate) mod answer;
pub(crate) mod document;
#[path = "../../../../fanfare-core/src/wire/event_source.rs"]
pub(crate) mod event_source;
pub(crate) mod files;
pub(crate) mod gateway;
pub(crate) mod log;
pub(crate) mod logged;
pub(crate) mod mcp_stream;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod raw;
pub(crate) mod reader;
pub(crate) mod receiver;
pub(crate) mod rpc;
pub(crate) mod services;
pub(crate) mod socket;
pub(crate) mod stdio;
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod turned;
pub(crate) mod webhook;

use std::time::Duration;

/// Maximum time that a test waits for an expected event. Long, because machines that run tests are busy; shorter than
/// the default keepalive, which would wake sleeping parts by mistake.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for `future`, and fails the test if that takes too long.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {DEADLINE:?} in vain for {what}"),
    }
}

/// Repeats `check` until it returns a value: for states that are not announced.
pub(crate) async fn until<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let mut turns = tokio::time::interval(Duration::from_millis(10));
    soon(what, async {
        loop {
            turns.tick().await;
            if let Some(found) = check().await {
                return found;
            }
        }
    })
    .await
}

/// The engine of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Embedded,
    Memory,
}

impl Engine {
    pub(crate) const ALL: [Engine; 2] = [Engine::Embedded, Engine::Memory];
}
