//! Several `fanfare mcp` are one hub: when the one that hosts it exits, another takes over, and no client notices.

use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cli::Shell;
use crate::support::stdio::{Agent, modern, push};
use crate::support::until;

const ANYWHERE: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// Returns the process that has the log, and its address.
async fn owner(shell: &Shell) -> (u32, String) {
    let path = PathBuf::from(shell.home()).join(".local/share/fanfare/log.db");
    until("a gateway", async || {
        let owner = fanfare_store_embedded::owner(&path)?;
        Some((owner.pid, owner.url?))
    })
    .await
}

/// Returns the messages on a channel, oldest first, as read over HTTP.
async fn stored(url: &str, channel: &str) -> Vec<String> {
    let url = format!("{url}/api/events?channel={channel}&limit=1000&order=oldest");
    let client = crate::support::gateway::reqwest_client(false);
    let answer = client.get(&url).send().await.expect("an answer").text().await.expect("a body");
    let answer: Value = crate::cli::json(&answer);
    let events = answer["events"].as_array().unwrap_or_else(|| panic!("{url}: {answer}"));
    events.iter().map(|event| event["message"].as_str().expect("text").to_owned()).collect()
}

/// Returns whether no thread of a process runs.
fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("a process");
    let states = threads.map(|thread| {
        let path = thread.expect("an entry").path().join("stat");
        std::fs::read_to_string(path).expect("a state")
    });
    // The state follows the name, which is in brackets.
    states.into_iter().all(|state| state.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
}

#[tokio::test]
async fn three_processes_are_one_hub_and_two_hosts_may_be_killed() {
    let shell = Shell::new();
    let mut agents = Vec::new();
    for _ in 0..3 {
        let mut agent = Agent::start(&shell, &ANYWHERE);
        agent.initialize().await;
        agents.push(agent);
    }
    let (first_host, first_url) = owner(&shell).await;
    assert_eq!(first_host, agents[0].pid());
    let mut wanted = Vec::new();
    for round in 0..3 {
        for (number, agent) in agents.iter_mut().enumerate() {
            let message = format!("round {round}, agent {number}");
            agent.push("team", &message).await;
            wanted.push(message);
        }
        let (pid, url) = owner(&shell).await;
        assert_eq!(stored(&url, "team").await, wanted);
        let host = agents.iter().position(|agent| agent.pid() == pid).expect("one of ours hosts");
        assert_eq!(url, first_url, "the address moved");
        if round < 2 {
            let host = agents.remove(host);
            host.signal(Signal::KILL);
            host.end().await;
        }
    }
    let last = agents.pop().expect("one is left");
    assert_eq!(last.end().await.code, 0);
}

#[tokio::test]
async fn calls_under_way_are_done_again_when_that_is_harmless_and_told_when_not() {
    let shell = Shell::new();
    let mut host = Agent::start(&shell, &ANYWHERE);
    host.push("a", "from the host").await;
    let mut agent = Agent::start(&shell, &ANYWHERE);
    agent.initialize().await;
    agent.push("a", "before").await;
    // It reads nothing more, and any later message is lost with it.
    host.signal(Signal::STOP);
    let pid = host.pid();
    until("every thread of the host", async || is_stopped(pid).then_some(())).await;
    let list = agent.send("tools/list", json!({})).await;
    let lost = agent.send("tools/call", push("a", "lost")).await;
    let lost_modern = agent.send("tools/call", modern(push("a", "lost"))).await;
    let mut keyed = push("a", "with a key");
    keyed["arguments"]["idempotency_key"] = "k".into();
    let keyed = agent.send("tools/call", keyed).await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": "b1", "method": "ping" },
        { "jsonrpc": "2.0", "id": "b2", "method": "tools/call", "params": push("a", "lost in a batch") },
    ]);
    agent.say(&batch.to_string()).await;
    let ping = agent.send("ping", json!({})).await;
    // The process answers this itself, so by then it has passed on everything before.
    agent.say("no json").await;
    assert_eq!(agent.answer().await["error"]["code"], -32700);
    host.signal(Signal::KILL);
    host.end().await;
    let mut answers = std::collections::HashMap::new();
    for _ in 0..7 {
        let answer = agent.answer().await;
        answers.insert(answer["id"].to_string(), answer);
    }
    let answer = |id: u64| &answers[&id.to_string()];
    assert!(answer(list)["result"]["tools"].is_array());
    assert_eq!(answer(ping)["result"], json!({}));
    assert!(answer(keyed)["result"]["structuredContent"]["id"].is_string(), "{}", answer(keyed));
    for lost in [answer(lost), answer(lost_modern), &answers["\"b2\""]] {
        assert_eq!(lost["result"]["isError"], true, "{lost}");
        let text = lost["result"]["content"][0]["text"].as_str().expect("text");
        assert!(text.contains("read_history"), "{text}");
    }
    assert_eq!(answer(lost)["result"]["resultType"], Value::Null);
    assert_eq!(answer(lost_modern)["result"]["resultType"], "complete");
    assert!(answers["\"b1\""]["error"]["message"].as_str().is_some_and(|text| text.contains("again")));
    let (pid, url) = owner(&shell).await;
    assert_eq!(pid, agent.pid());
    assert_eq!(stored(&url, "a").await, ["from the host", "before", "with a key"]);
    assert_eq!(agent.end().await.code, 0);
}

#[tokio::test]
async fn a_session_goes_on_with_what_it_watches_when_its_host_is_killed() {
    goes_on(|host| host.signal(Signal::KILL)).await;
}

#[tokio::test]
async fn a_session_goes_on_with_what_it_watches_when_its_host_ends() {
    goes_on(Agent::close).await;
}

async fn goes_on(leave: impl FnOnce(&mut Agent)) {
    let shell = Shell::new();
    let mut host = Agent::start(&shell, &ANYWHERE);
    host.push("a", "b").await;
    let mut agent = Agent::start(&shell, &ANYWHERE);
    assert_eq!(agent.initialize().await["result"]["protocolVersion"], "2025-11-25");
    let level = agent.ask("logging/setLevel", json!({ "level": "error" })).await;
    assert_eq!(level["result"], json!({}));
    let uri = "fanfare://channels/a/latest";
    let subscribed = agent.ask("resources/subscribe", json!({ "uri": uri })).await;
    assert_eq!(subscribed["result"], json!({}), "{subscribed}");
    let wanted = json!({ "notifications": { "toolsListChanged": true, "resourceSubscriptions": [uri] } });
    let listen = agent.send("subscriptions/listen", modern(wanted)).await;
    let acknowledged = agent.hear().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged", "{acknowledged}");
    leave(&mut host);
    host.end().await;
    // The watched resource may have changed meanwhile, so a change is reported; nothing else is repeated.
    let mut told = Vec::new();
    for _ in 0..2 {
        let said = agent.hear().await;
        assert_eq!(said["method"], "notifications/resources/updated", "{said}");
        assert_eq!(said["params"]["uri"], uri);
        told.push(said["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"].clone());
    }
    assert_eq!(told, [Value::Null, listen.into()]);
    let answer = agent.ask("ping", json!({})).await;
    assert_eq!(answer["result"], json!({}));
    // The new gateway knows the subscription: its id is in use.
    let again = json!({ "jsonrpc": "2.0", "id": listen, "method": "ping" });
    agent.say(&again.to_string()).await;
    assert_eq!(agent.answer().await["error"]["code"], -32600);
    let said = agent.end().await;
    assert_eq!((said.code, said.out.lines().count()), (0, 1), "{said:?}");
    assert_eq!(crate::cli::json(&said.out)["id"], listen, "the end of the subscription is told: {said:?}");
}

/// Number of pushes of a process while its host exits.
const PUSHES: usize = 300;

#[tokio::test]
async fn a_host_that_ends_in_order_loses_and_repeats_nothing() {
    let shell = Shell::new();
    let mut agents: Vec<Agent> = Vec::new();
    for _ in 0..3 {
        let mut agent = Agent::start(&shell, &ANYWHERE);
        agent.initialize().await;
        agents.push(agent);
    }
    let mut wanted = std::collections::BTreeSet::new();
    while agents.len() > 1 {
        let (pid, _) = owner(&shell).await;
        let at = agents.iter().position(|agent| agent.pid() == pid).expect("one of ours hosts");
        let mut host = agents.remove(at);
        let agent = agents.last_mut().expect("one is left");
        let round = wanted.len();
        for number in 0..PUSHES {
            let message = format!("{round}-{number}");
            agent.send("tools/call", push("team", &message)).await;
            wanted.insert(message);
            if number == PUSHES / 2 {
                host.close();
            }
        }
        for _ in 0..PUSHES {
            let answer = agent.answer().await;
            assert!(answer["result"]["structuredContent"]["id"].is_string(), "{answer}");
        }
        assert_eq!(host.end().await.code, 0);
    }
    let (_, url) = owner(&shell).await;
    let mut found = stored(&url, "team").await;
    found.sort();
    assert_eq!(found, Vec::from_iter(wanted));
    for agent in agents {
        assert_eq!(agent.end().await.code, 0);
    }
}
