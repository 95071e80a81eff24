//! Tables at a terminal: a row is a line, however long the names are.

use serde_json::json;

use crate::cli::Gateway;
use crate::cli_install_said::at_a_terminal_of;
use crate::support::receiver::{Receiver, Script};
use crate::support::until;

const COLUMNS: u16 = 80;
/// A channel of 64 characters.
const CHANNEL: &str = "builds.a-team-with-a-long-name.a-service-with-a-long-name.master";

#[tokio::test]
async fn every_list_fits_a_terminal_and_is_whole_elsewhere() {
    let gateway = Gateway::start().await;
    let url = format!("http://127.0.0.1:9/{}", "a-long-path/".repeat(8));
    gateway.json(&["webhooks", "add", &url, "-c", CHANNEL, "--retry", "1h"]).await;
    let source = "a-source-with-a-rather-long-name-of-48-characters";
    gateway.json(&["sources", "add", source, "--kind", "generic", "--verify", "none"]).await;
    gateway.push(&["-c", CHANNEL, "-t", "deploy.started.somewhere", &"a long message ".repeat(10)]).await;
    let name = "a-reader-with-a-name-as-long-as-names-may-be-in-the-shell";
    let listen = ["listen", "--reader", name, CHANNEL, "--since", "earliest", "--limit", "1"];
    let listened = gateway.run(&listen).await;
    assert_eq!(listened.code, 0, "{listened:?}");
    until("a delivery waits", async || {
        let listed = gateway.json(&["webhooks", "ls"]).await;
        (listed["items"][0]["waiting"] == 1).then_some(())
    })
    .await;
    for words in [
        &["webhooks", "ls"][..],
        &["webhooks", "attempts", "127.0.0.1:9"],
        &["deliveries", "ls"],
        &["readers", "ls"],
        &["channels", "ls"],
        &["sources", "ls"],
        &["clients", "ls"],
        &["history", "-o", "table"],
    ] {
        let shown = at_a_terminal_of(COLUMNS, &gateway.shell, words, "").await;
        let plain = anstream::adapter::strip_str(&shown).to_string();
        let is_cut = words.last() != Some(&"table");
        let widest = plain.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(!is_cut || widest <= usize::from(COLUMNS), "{words:?}: {widest} columns\n{plain}");
        assert!(widest > 20, "{words:?}: {plain}");
    }
    let piped = gateway.run(&["readers", "ls"]).await.out;
    assert!(piped.contains(name) && piped.contains(CHANNEL), "{piped}");
}

#[tokio::test]
async fn a_webhook_that_is_held_says_until_when_and_how_to_end_it() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::playing(Vec::new(), Script::with(503, "Retry-After: 600\r\n")).await;
    let added = gateway.json(&["webhooks", "add", &receiver.url(), "--name", "pager"]).await;
    assert_eq!(added["name"], json!("pager"));
    gateway.push(&["hi"]).await;
    until("held", async || {
        let shown = gateway.json(&["webhooks", "show", "pager"]).await;
        shown["held_until"].is_string().then_some(())
    })
    .await;
    let listed = gateway.run(&["webhooks", "ls"]).await.out;
    assert!(listed.contains("held until "), "{listed}");
    let shown = gateway.run(&["webhooks", "show", "pager"]).await.out;
    assert!(shown.contains("held until ") && shown.contains("fanfare webhooks resume pager"), "{shown}");
}
