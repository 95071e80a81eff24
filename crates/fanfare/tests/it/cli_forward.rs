//! `fanfare listen --forward-to` posts events as webhooks would.

use serde_json::json;

use crate::cli::{Gateway, Shell};
use crate::support::receiver::{Receiver, Script};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn forwarded_events_are_what_a_webhook_gets() {
    let mut shell = Shell::new();
    shell.set("HOOK", SECRET);
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "memory").await;
    let webhook = Receiver::start().await;
    gateway.json(&["webhooks", "add", &webhook.url(), "--ordered"]).await;
    for words in
        [&["plain"][..], &["-c", "builds.web", "-t", "error", "-p", "max", "with \"all\" ✓", "n:=1.000"]]
    {
        gateway.push(&[&["--wait"], words].concat()).await;
    }
    let forwarded = Receiver::start().await;
    let url = forwarded.url();
    let words = [
        "listen",
        "--since",
        "earliest",
        "--forward-to",
        &url,
        "--secret",
        "env:HOOK",
        "-n",
        "2",
        "-o",
        "ndjson",
    ];
    let said = gateway.run(&words).await;
    assert_eq!(said.code, 0, "{said:?}");
    let (one, two) = (webhook.gets(2).await, forwarded.gets(2).await);
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(String::from_utf8_lossy(&one.body), String::from_utf8_lossy(&two.body));
        for header in ["webhook-id", "content-type", "fanfare-via"] {
            assert_eq!(one.header(header), two.header(header), "{header}");
        }
        two.assert_signed(SECRET);
    }
    let outcomes: Vec<serde_json::Value> = said
        .out
        .lines()
        .map(|line| crate::cli::json(line)["forwarded"].clone())
        .filter(|outcome| !outcome.is_null())
        .collect();
    assert_eq!(outcomes.len(), 2, "{said:?}");
    assert_eq!((&outcomes[0]["delivered"], &outcomes[0]["status_code"]), (&json!(true), &json!(200)));
    gateway.stop().await;
}

#[tokio::test]
async fn failed_posts_are_retried_in_order_then_counted_and_skipped() {
    let gateway = Gateway::start().await;
    for text in ["one", "two", "three"] {
        gateway.push(&[text]).await;
    }
    let first = vec![Script::status(500), Script::status(200), Script::status(410), Script::status(200)];
    let receiver = Receiver::playing(first, Script::status(200)).await;
    let url = receiver.url();
    let words =
        ["listen", "--since", "earliest", "--forward-to", &url, "--forward-retry", "20ms,20ms", "-n", "3"];
    let said = gateway.run(&words).await;
    assert_eq!(said.code, 1, "{said:?}");
    // 410 means that a retry is useless.
    assert_eq!(receiver.messages(), ["one", "one", "two", "three"]);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].contains("one  → 200 after 2 attempts in "), "{said:?}");
    assert!(lines[1].ends_with("two  ✗ 410"), "{said:?}");
    assert!(said.err.contains("2 delivered, 1 not delivered"), "{said:?}");
    let words =
        ["listen", "--since", "earliest", "--forward-to", "http://127.0.0.1:9/", "--forward-retry", "none"];
    let said = gateway.run(&[&words[..], &["--once", "-o", "raw"]].concat()).await;
    assert_eq!((said.code, said.out.as_str()), (1, "connection refused\n"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_durable_reader_stops_at_a_failed_event_and_gets_it_on_the_next_run() {
    let gateway = Gateway::start().await;
    for text in ["one", "two", "three"] {
        gateway.push(&[text]).await;
    }
    let receiver = Receiver::playing(vec![Script::status(200)], Script::status(500)).await;
    let url = receiver.url();
    let words = [
        "listen",
        "--since",
        "earliest",
        "--reader",
        "laptop",
        "--forward-to",
        &url,
        "--forward-retry",
        "none",
    ];
    let said = gateway.run(&words).await;
    assert!(said.code == 1 && said.err.contains("was not delivered: 500"), "{said:?}");
    receiver.play(Script::status(200));
    let said = gateway.run(&[&words[..], &["-n", "2"]].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(receiver.messages(), ["one", "two", "two", "three"]);
    gateway.stop().await;
}
