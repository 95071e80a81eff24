//! More webhooks than sockets: all are served in turn, and their waiting does not count against a receiver.

use std::time::Duration;

use serde_json::json;

use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, until};

const SOCKETS_MAX: usize = 6;
const WEBHOOKS: usize = 20;
/// Maximum duration of an attempt here.
const ATTEMPT_MAX: Duration = Duration::from_millis(300);

#[tokio::test]
async fn webhooks_share_the_sockets_that_there_are() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.webhooks.attempt_max = ATTEMPT_MAX;
        config.webhooks.sockets_max = SOCKETS_MAX;
    })
    .await;
    let receiver = Receiver::playing(vec![], Script::Hang).await;
    let mut hooks = Vec::new();
    for number in 0..WEBHOOKS {
        let url = format!("http://{}/{number}", receiver.address);
        hooks.push(gateway.register_url(&url, json!({ "retry": [] })).await);
    }
    gateway.push_only("default", "to nobody who answers").await;
    for hook in &hooks {
        assert_eq!(gateway.outcomes(hook, 1).await, ["timeout"]);
    }
    assert_eq!(receiver.got().len(), WEBHOOKS, "the time of those who waited began with their turn");
    assert_eq!(receiver.busiest(), SOCKETS_MAX);

    receiver.play(Script::status(200));
    gateway.push_only("default", "to all").await;
    for hook in &hooks {
        assert_eq!(gateway.outcomes(hook, 2).await[1], "delivered");
    }
    // Idle connections make room for new ones.
    let most = SOCKETS_MAX - SOCKETS_MAX.div_ceil(4);
    until("closed connections", async || (receiver.open() <= most).then_some(())).await;
}
