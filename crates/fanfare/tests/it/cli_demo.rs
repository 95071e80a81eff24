//! `fanfare demo` checks itself, says who received an event, and shows a retry.

use rustix::process::Signal;

use crate::cli::{Shell, json};

#[tokio::test]
async fn the_demo_checks_itself_once() {
    let said = Shell::new().run(&["demo", "--once", "-o", "json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let report = json(&said.out);
    let ways: Vec<&str> = report["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|check| check["check"].as_str())
        .collect();
    assert_eq!((report["ok"].as_bool(), ways), (Some(true), vec!["push", "sse", "websocket", "webhook"]));
}

#[tokio::test]
async fn the_demo_says_who_got_an_event() {
    let mut shell = Shell::new();
    let mut demo = shell.start(&["demo", "--listen", "127.0.0.1:0", "--no-samples", "-o", "json"]);
    let url = demo.json().await["url"].as_str().expect("an address").to_owned();
    shell.set("FANFARE_URL", &url);
    assert_eq!(demo.json().await["ok"], true);
    let mut listener = shell.start(&["listen", "builds", "-o", "json"]);
    assert_eq!(listener.json().await["notice"], "connected");
    shell.run(&["push", "-c", "builds", "to one"]).await;
    shell.run(&["push", "-c", "other", "to nobody"]).await;
    let (mut events, mut webhook) = (Vec::new(), Vec::new());
    while events.len() < 2 || webhook.len() < 2 {
        let line = demo.json().await;
        match line["webhook"].is_object() {
            true => {
                webhook.push((line["webhook"]["attempt"].clone(), line["webhook"]["status_code"].clone()));
            }
            false => events.push(line),
        }
    }
    let (one, nobody) = (&events[0], &events[1]);
    // The demo's own webhook fails once on purpose, and the same delivery is retried.
    assert_eq!(webhook, [(json("1"), json("500")), (json("2"), json("200"))]);
    assert_eq!((&one["live"]["webhook"], &nobody["live"]["webhook"]), (&json("0"), &json("0")));
    assert_eq!((&one["event"]["message"], &one["live"]["sse"]), (&json("\"to one\""), &json("1")));
    assert_eq!((&nobody["event"]["message"], &nobody["live"]["sse"]), (&json("\"to nobody\""), &json("0")));
    demo.signal(Signal::TERM);
    assert_eq!(demo.end().await.code, 0);
}
