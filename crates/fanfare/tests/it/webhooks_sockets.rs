//! More webhooks than sockets: all are served in turn, and their waiting does not count against a receiver.

use std::time::Duration;

use serde_json::json;

use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, until};

const SOCKETS_MAX: usize = 6;
const WEBHOOKS: usize = 20;
/// Maximum duration of an attempt here.
const ATTEMPT_MAX: Duration = Duration::from_millis(600);

#[tokio::test]
async fn one_host_gets_only_so_many_connections_and_holds_up_no_other() {
    const EACH_MAX: usize = 3;
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.webhooks.sockets_max = 2 * EACH_MAX;
        config.webhooks.host_sockets_max = EACH_MAX;
    })
    .await;
    let (victim, other) = (Receiver::playing(vec![], Script::Hang).await, Receiver::start().await);
    for number in 0..WEBHOOKS {
        let url = format!("http://{}/{number}", victim.address);
        gateway.register_url(&url, json!({})).await;
    }
    let url = format!("http://localhost:{}/", other.address.port());
    let hook = gateway.register_url(&url, json!({})).await;
    for number in 0..4 {
        gateway.push_only("default", &format!("{number}")).await;
    }
    assert_eq!(gateway.outcomes(&hook, 4).await, ["delivered"; 4]);
    until("the share", async || (victim.open() == EACH_MAX).then_some(())).await;
    assert_eq!(victim.busiest(), EACH_MAX);
}

#[tokio::test]
async fn only_so_many_webhooks_may_name_one_host() {
    let gateway = Gateway::with(Engine::Memory, |config| config.webhooks.host_webhooks_max = 2).await;
    let register = async |url: &str| gateway.post_json("/api/webhooks", &json!({ "webhook_url": url })).await;
    for url in ["http://victim.example/1", "https://VICTIM.example:8443/2", "http://other.example/1"] {
        assert_eq!(register(url).await.status, 201, "{url}");
    }
    for url in ["http://victim.example/3", "http://victim.example.:81/"] {
        let problem = register(url).await.problem(429, "too_many_webhooks");
        assert_eq!(problem["at"], "/webhook_url", "{url}");
        assert!(
            problem["fix"].as_str().is_some_and(|fix| fix.contains("--max-webhooks-per-host")),
            "{problem}"
        );
    }
    // The same URL again is the same webhook.
    assert_eq!(register("http://victim.example/1").await.status, 409);
    let other = register("http://other.example/2").await.json();
    let path = format!("/api/webhooks/{}", other["id"].as_str().expect("an id"));
    let turn = async |url: &str| {
        gateway.request("PATCH", &path, |request| request.json(&json!({ "webhook_url": url }))).await
    };
    turn("http://victim.example/4").await.problem(429, "too_many_webhooks");
    assert_eq!(turn("http://third.example/").await.status, 200);
    // One that has gone elsewhere made room there.
    assert_eq!(register("http://other.example/2").await.status, 201);
    assert_eq!(register("http://other.example/3").await.status, 429);
}

#[tokio::test]
async fn webhooks_share_the_sockets_that_there_are() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.webhooks.attempt_max = ATTEMPT_MAX;
        config.webhooks.sockets_max = SOCKETS_MAX;
    })
    .await;
    let receiver = Receiver::start().await;
    let mut hooks = Vec::new();
    for number in 0..WEBHOOKS {
        let url = format!("http://{}/{number}", receiver.address);
        hooks.push(gateway.register_url(&url, json!({ "retry": [] })).await);
    }
    gateway.push_only("default", "to all").await;
    for hook in &hooks {
        assert_eq!(gateway.outcomes(hook, 1).await, ["delivered"]);
    }
    // While it answers: of an attempt that was given up, a receiver hears a moment later.
    assert!(receiver.busiest() <= SOCKETS_MAX, "{}", receiver.busiest());
    // Idle connections make room for new ones.
    let most = SOCKETS_MAX - SOCKETS_MAX.div_ceil(4);
    until("closed connections", async || (receiver.open() <= most).then_some(())).await;

    receiver.play(Script::Hang);
    gateway.push_only("default", "to nobody who answers").await;
    for hook in &hooks {
        assert_eq!(gateway.outcomes(hook, 2).await[1], "timeout");
    }
    assert_eq!(receiver.got().len(), 2 * WEBHOOKS, "the time of those who waited began with their turn");
}
