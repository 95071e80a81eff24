//! Unrequested notifications for agents: a resource has changed, or there is another channel.

use fanfare_core::Principal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use crate::support::agent::{Agent, Era, Told, settled};
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::soon;

const CHANNELS: &str = "fanfare://channels";

fn latest(channel: &str) -> String {
    format!("fanfare://channels/{channel}/latest")
}

/// Starts an agent that watches `uris`. Earlier pushes are not changes.
async fn watching<'a>(gateway: &'a Gateway, era: Era, uris: &[&str]) -> (Agent<'a>, Told) {
    settled(gateway).await;
    let agent = Agent::begin(gateway, era).await;
    let (told, honoured) = agent.listen(json!(7), json!({ "resourceSubscriptions": uris })).await;
    match era {
        Era::Legacy => {
            for uri in uris {
                agent.result("resources/subscribe", json!({ "uri": uri })).await;
            }
        }
        Era::Modern => assert_eq!(honoured, json!({ "resourceSubscriptions": uris })),
    }
    (agent, told)
}

/// Pushes, and returns the number of live subscribers that match it.
async fn pushed(gateway: &Gateway, channel: &str) -> Value {
    let answer = gateway.post_json("/api/push", &json!({ "channel": channel, "message": "x" })).await.json();
    answer["stream_clients"].clone()
}

#[tokio::test]
async fn an_agent_is_told_of_what_it_asked_for_and_of_nothing_else() {
    for era in Era::ALL {
        let gateway = Gateway::start().await;
        for channel in ["a", "b", "end"] {
            gateway.push(channel, "x").await;
        }
        let (a, end) = (latest("a"), latest("end"));
        let (agent, mut told) = watching(&gateway, era, &[&a, &end]).await;
        // The agent does not watch `b`. One push is one update, and so is one batch.
        gateway.push("b", "x").await;
        gateway.push("a", "x").await;
        assert_eq!(told.change().await, a);
        gateway.push_batch((0..100).map(|_| json!({ "channel": "a", "message": "x" })).collect()).await;
        assert_eq!(told.change().await, a);
        gateway.push("b", "x").await;
        gateway.push("end", "x").await;
        assert_eq!(told.change().await, end);
        if era == Era::Legacy {
            agent.result("resources/unsubscribe", json!({ "uri": a })).await;
            gateway.push("a", "x").await;
            gateway.push("end", "x").await;
            assert_eq!(told.change().await, end, "what was unsubscribed is silent");
        }
        agent.end().await;
    }
}

#[tokio::test]
async fn only_what_can_change_is_honoured() {
    let gateway = Gateway::start().await;
    let id = gateway.push("a", "x").await;
    let (a, event) = (latest("a"), format!("fanfare://events/{id}"));
    let unwatchable = [event.as_str(), "fanfare://nothing", "file:///a", "fanfare://channels/a..b/latest"];

    let agent = Agent::begin(&gateway, Era::Modern).await;
    let mut uris = vec![a.as_str()];
    uris.extend(unwatchable);
    uris.push(&a);
    let wanted =
        json!({ "toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": uris });
    let (mut told, honoured) = agent.listen(json!("x"), wanted).await;
    assert_eq!(honoured, json!({ "toolsListChanged": true, "resourceSubscriptions": [a] }));
    // The agent does not watch the list, which changes.
    gateway.push("new", "x").await;
    gateway.push("a", "x").await;
    assert_eq!(told.change().await, a);

    let agent = Agent::begin(&gateway, Era::Legacy).await;
    for uri in unwatchable {
        let error = agent.refused("resources/subscribe", json!({ "uri": uri }), -32602).await;
        assert_eq!(error["data"], json!({ "uri": uri }));
    }
}

#[tokio::test]
async fn another_channel_changes_the_list() {
    for era in Era::ALL {
        let gateway = Gateway::start().await;
        gateway.push("old", "x").await;
        settled(&gateway).await;
        let agent = Agent::begin(&gateway, era).await;
        let (mut told, honoured) = agent.listen(json!(1), json!({ "resourcesListChanged": true })).await;
        if era == Era::Modern {
            assert_eq!(honoured, json!({ "resourcesListChanged": true }));
        } else {
            // There is no sign of when a session that is ready gets list changes, so channels are created until it
            // does.
            let mut turns = tokio::time::interval(Duration::from_millis(20));
            let made = async {
                for number in 0.. {
                    turns.tick().await;
                    gateway.push(&format!("early.{number}"), "x").await;
                }
            };
            tokio::select! {
                change = told.change() => assert_eq!(change, "list"),
                () = made => unreachable!("channels are made for ever"),
            }
        }
        let last = latest("end");
        let (mut other, _) = agent.listen(json!(2), json!({})).await;
        if era == Era::Modern {
            gateway.push("new.channel", "x").await;
            assert_eq!(told.change().await, "list");
            let (mut sentinel, _) = agent.listen(json!(3), json!({ "resourceSubscriptions": [last] })).await;
            gateway.push("old", "x").await;
            gateway.push("end", "x").await;
            // An event on a known channel does not change the list: the next change is that of `end`.
            assert_eq!(sentinel.change().await, last);
            assert_eq!(told.change().await, "list");
            drop((sentinel, told));
            gateway.begin_stop();
            let torn_down = other.hear().await.expect("a farewell");
            assert_eq!(
                torn_down["method"], "notifications/cancelled",
                "who asked for nothing was told: {torn_down}"
            );
            let end = other.hear().await.expect("a result");
            assert_eq!(end["id"], 2, "who asked for nothing was told something: {end}");
        }
    }
}

#[tokio::test]
async fn several_subscriptions_live_beside_each_other_and_end_with_their_connections() {
    let gateway = Gateway::start().await;
    let agent = Agent::begin(&gateway, Era::Modern).await;
    let (a, b) = (latest("a"), latest("b"));
    let (mut first, _) = agent.listen(json!("first"), json!({ "resourceSubscriptions": [a] })).await;
    let (mut second, _) = agent.listen(json!(2), json!({ "resourceSubscriptions": [a, b] })).await;
    gateway.clients(2).await;
    assert_eq!(pushed(&gateway, "a").await, 2);
    assert_eq!((first.change().await, second.change().await), (a.clone(), a.clone()));
    assert_eq!(pushed(&gateway, "b").await, 1);
    assert_eq!(second.change().await, b);
    drop(second);
    gateway.clients(1).await;
    assert_eq!(pushed(&gateway, "a").await, 1);
    assert_eq!(first.change().await, a);
    drop(first);
    gateway.clients(0).await;
    assert_eq!(pushed(&gateway, "a").await, 0);
}

#[tokio::test]
async fn who_is_told_of_a_channel_is_a_live_listener_of_it() {
    for era in Era::ALL {
        let gateway = Gateway::start().await;
        for channel in ["a", "b"] {
            gateway.push(channel, "x").await;
        }
        let (agent, mut told) = watching(&gateway, era, &[CHANNELS, &latest("a")]).await;
        assert_eq!(
            pushed(&gateway, "b").await,
            0,
            "who is told that channels change does not listen to each"
        );
        assert_eq!(told.change().await, CHANNELS);
        assert_eq!(pushed(&gateway, "a").await, 1);
        // On a slow machine the second is over, and the channels are reported before.
        while told.change().await != latest("a") {}
        let clients = gateway.get("/api/clients").await.json();
        let client = &clients["clients"][0];
        assert_eq!((&clients["total"], &client["transport"]), (&json!(1), &json!("mcp")));
        assert_eq!((&client["channels"], &client["lag"]), (&json!(["a"]), &json!(0)));
        assert!(
            client["address"].as_str().is_some_and(|address| address.starts_with("127.0.0.1:")),
            "{client}"
        );
        let metrics = gateway.get("/metrics").await.text();
        assert!(metrics.contains("fanfare_subscribers{transport=\"mcp\"} 1"), "{metrics}");
        if era == Era::Legacy {
            agent.result("resources/unsubscribe", json!({ "uri": latest("a") })).await;
            gateway.clients(0).await;
        }
    }
}

#[tokio::test]
async fn the_channels_are_told_of_once_a_second_at_most() {
    for era in Era::ALL {
        let gateway = Gateway::start().await;
        for channel in ["a", "end"] {
            gateway.push(channel, "x").await;
        }
        let end = latest("end");
        let (agent, mut told) = watching(&gateway, era, &[CHANNELS, &end]).await;
        gateway.push("a", "x").await;
        assert_eq!(told.change().await, CHANNELS);
        // A change within the second is reported at its end, whatever else is reported meanwhile.
        gateway.push("end", "x").await;
        let mut both = [told.change().await, told.change().await];
        both.sort_unstable();
        assert_eq!(both, [CHANNELS, &end]);
        let begun = Instant::now();
        for _ in 0..100 {
            gateway.push("a", "x").await;
        }
        gateway.push("end", "x").await;
        let mut updates = 0;
        loop {
            let change = told.change().await;
            if change == end {
                break;
            }
            assert_eq!(change, CHANNELS);
            updates += 1;
        }
        assert!(updates <= 2 + begun.elapsed().as_secs(), "{updates} updates in {:?}", begun.elapsed());
        agent.end().await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_a_cursor_and_loses_nothing() {
    const RESOURCES: usize = 60;
    let gateway = Gateway::start().await;
    let agent = Agent::begin(&gateway, Era::Modern).await;
    // Long addresses, so that the buffers in between fill soon.
    let channel = |number: usize| format!("{number:03}{}", format!(".{}", "x".repeat(60)).repeat(4));
    let uri = |number: usize| {
        let encoded: String = channel(number).bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("fanfare://channels/{encoded}/latest")
    };
    let uris: Vec<_> = (0..RESOURCES).map(uri).chain([latest("end")]).collect();
    let raw = Raw::connect_narrow(gateway.address).await;
    let (mut told, honoured) =
        agent.listen_over(raw, json!(1), json!({ "resourceSubscriptions": uris })).await;
    assert_eq!(honoured["resourceSubscriptions"].as_array().map(Vec::len), Some(uris.len()));
    let batch: Vec<_> =
        (0..RESOURCES).map(|number| json!({ "channel": channel(number), "message": "x" })).collect();
    let mut events = 0;
    let lag = || gateway.hub.clients(&Principal::local())[0].lag(gateway.hub.last().seq);
    // More than the ring and a page of the store hold.
    while lag() < 10_000 {
        events += gateway.push_batch(batch.clone()).await.len();
        assert!(events < 100_000, "somebody buffers for a client that does not read");
    }
    gateway.push("end", "x").await;
    let mut updates = vec![0; uris.len()];
    loop {
        let change = told.change().await;
        let index = uris.iter().position(|uri| *uri == change).expect("an address that was asked for");
        updates[index] += 1;
        // The last resource can be reported before others of the same check.
        if updates[RESOURCES] == 1 && updates.iter().all(|count| *count > 0) {
            break;
        }
    }
    assert!(updates.iter().sum::<usize>() + 5_000 < events, "updates were not put together");
    // It continues as if nothing had happened.
    gateway.push("end", "x").await;
    while told.change().await != uris[RESOURCES] {}
    drop(told);
    gateway.clients(0).await;
}

#[tokio::test]
async fn the_end_of_the_gateway_ends_a_subscription_with_a_result() {
    let gateway = Gateway::start().await;
    let modern = Agent::begin(&gateway, Era::Modern).await;
    let legacy = Agent::begin(&gateway, Era::Legacy).await;
    let (mut told, _) = modern.listen(json!("s"), json!({ "resourceSubscriptions": [latest("a")] })).await;
    let (mut session, _) = legacy.listen(json!(0), json!({})).await;
    gateway.begin_stop();
    let torn_down = told.hear().await.expect("a farewell");
    assert_eq!(torn_down["params"]["requestId"], "s", "{torn_down}");
    let end = told.hear().await.expect("a result");
    assert_eq!((&end["id"], &end["result"]["resultType"]), (&json!("s"), &json!("complete")), "{end}");
    assert_eq!(end["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "s");
    assert_eq!(told.hear().await, None);
    assert_eq!(soon("the end of a session", session.hear()).await, None);
}
