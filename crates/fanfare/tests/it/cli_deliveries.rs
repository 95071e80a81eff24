//! `fanfare deliveries`: failed deliveries, and how they are resent.

use serde_json::json;

use crate::cli::{Gateway, Shell};
use crate::support::receiver::{Receiver, Script};

#[tokio::test]
async fn dead_deliveries_are_listed_shown_and_resent() {
    let gateway = Gateway::start().await;
    let down =
        Receiver::playing(Vec::new(), Script::Answer(500, String::new(), "the disk is full".to_owned()))
            .await;
    let fine = Receiver::start().await;
    for (receiver, retry) in [(&down, "none"), (&fine, "none")] {
        gateway.json(&["webhooks", "add", &receiver.url(), "--retry", retry]).await;
    }
    let one = gateway.push(&["--wait", "one"]).await;
    let two = gateway.push(&["--wait", "two"]).await;
    assert_eq!(gateway.run(&["deliveries", "ls", "-o", "raw"]).await.out, format!("{one}\n{two}\n"));
    let listed = gateway.json(&["deliveries", "ls", "--failed", "--event", &two]).await;
    let rows = listed["deliveries"].as_array().expect("a list");
    assert_eq!(rows.len(), 1, "{listed}");
    assert_eq!((&rows[0]["event_id"], &rows[0]["webhook_url"]), (&json!(two), &json!(down.url())));
    assert_eq!((&rows[0]["state"], &rows[0]["outcome"]), (&json!("failed"), &json!("http_5xx")));
    assert_eq!(gateway.json(&["deliveries", "ls", "--state", "waiting"]).await["deliveries"], json!([]));
    assert_eq!(gateway.json(&["deliveries", "ls", "--webhook", &fine.url()]).await["deliveries"], json!([]));

    let shown = gateway.run(&["deliveries", "show", &one]).await.out;
    for part in ["✓ delivered", "✗ failed", "webhook-id", &one, "the disk is full", "✗ 500"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let shown = gateway.json(&["deliveries", "show", &one, "--webhook", &down.url()]).await;
    let attempt = &shown["attempts"][0];
    assert_eq!(attempt["answer"]["body"], "the disk is full");
    assert_eq!(attempt["request"]["headers"]["webhook-id"], json!(one));
    let id = attempt["id"].as_str().expect("an id");
    assert_eq!(gateway.run(&["deliveries", "show", id, "-o", "raw"]).await.out, "the disk is full\n");

    // The receiver is still down, and then it is back.
    let again = gateway.run(&["deliveries", "resend", &one]).await;
    assert!(again.code == 1 && again.out.starts_with("✗ not delivered: 500"), "{again:?}");
    down.play(Script::status(200));
    let again = gateway.run(&["deliveries", "resend", &one]).await;
    assert!(again.code == 0 && again.out.starts_with("✓ delivered: 200"), "{again:?}");
    let again = gateway.run(&["deliveries", "resend", &one]).await;
    assert!(again.code == 5 && again.err.contains("no webhook failed to get"), "{again:?}");
    let dry = gateway.json(&["deliveries", "resend", "--failed", "--dry-run"]).await;
    assert_eq!(dry["webhooks"][0]["count"], 1, "{dry}");
    let dry = gateway.run(&["deliveries", "resend", "--failed", "--dry-run"]).await;
    assert!(dry.out.starts_with("– would resend 1 event to http://"), "{dry:?}");
    let all = gateway.json(&["deliveries", "resend", "--failed"]).await;
    assert_eq!(all["webhooks"][0]["count"], 1, "{all}");
    let got = down.gets(5).await;
    assert_eq!((got[4].message().as_str(), got[4].id()), ("two", two.as_str()));
    gateway.stop().await;
}

#[tokio::test]
async fn an_event_is_resent_with_another_body() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    gateway.json(&["webhooks", "add", &receiver.url()]).await;
    let id = gateway.push(&["--wait", "as it was"]).await;
    gateway.shell.write("fixed.json", "{\"message\": \"mended\"}\n");
    let words = ["deliveries", "resend", &id, "--webhook", &receiver.url(), "--body", "fixed.json"];
    let said = gateway.run(&words).await;
    assert_eq!(said.code, 0, "{said:?}");
    let got = receiver.gets(2).await;
    assert_eq!(got[1].message(), "mended");
    assert_ne!(got[1].id(), id, "for the receiver it is something else");
    gateway.shell.write("broken.json", "{");
    let words = ["deliveries", "resend", &id, "--webhook", &receiver.url(), "--body", "broken.json"];
    let said = gateway.run(&words).await;
    assert!(said.code == 2 && said.err.contains("the body is not valid JSON"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn waiting_deliveries_are_sent_now_and_dead_ones_discarded() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::playing(vec![Script::status(500)], Script::status(200)).await;
    gateway.json(&["webhooks", "add", &receiver.url(), "--retry", "1h"]).await;
    let waiting = gateway.push(&["--wait", "waits"]).await;
    let listed = gateway.json(&["deliveries", "ls", "--state", "waiting"]).await;
    assert_eq!(listed["deliveries"][0]["event_id"], json!(waiting));
    let sooner = gateway.json(&["deliveries", "resend", "--waiting"]).await;
    assert_eq!(sooner["webhooks"][0]["count"], 1, "{sooner}");
    assert_eq!(receiver.gets(2).await[1].id(), waiting);

    let nobody = "http://127.0.0.1:9/";
    gateway.json(&["webhooks", "add", nobody, "--retry", "none", "-c", "lost"]).await;
    let ids = [
        gateway.push(&["--wait", "-c", "lost", "a"]).await,
        gateway.push(&["--wait", "-c", "lost", "b"]).await,
    ];
    let said = gateway.run(&["deliveries", "discard", &ids[0]]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "✓ discarded: 1 event\n"));
    assert_eq!(gateway.run(&["deliveries", "ls", "-o", "raw"]).await.out, format!("{}\n", ids[1]));
    let said = gateway.run(&["deliveries", "discard", &ids[0]]).await;
    assert!(said.code == 5 && said.err.contains("has no waiting or failed delivery"), "{said:?}");
    let all = gateway.json(&["deliveries", "discard", "--failed", "--webhook", nobody]).await;
    assert_eq!(all["discarded"][0]["event_id"], json!(ids[1]));
    let said = gateway.run(&["deliveries", "ls"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, "✓ no waiting or failed deliveries\n"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_missing_event_or_webhook_is_named() {
    let gateway = Gateway::start().await;
    for (words, code, part) in [
        (&["deliveries", "resend"][..], 2, "required"),
        (&["deliveries", "discard"], 2, "required"),
        (&["deliveries", "show", "nothing"], 2, "`nothing` is not a position"),
        (&["deliveries", "show", "aaaaaaaa-1"], 5, "fix"),
        (&["deliveries", "resend", "aaaaaaaa-1", "--body", "x"], 2, "--webhook"),
        (&["deliveries", "ls", "--webhook", "nobody"], 5, "no webhook has the name, id or URL"),
    ] {
        let said = gateway.run(words).await;
        assert!(said.code == code && said.err.contains(part), "{words:?}: {said:?}");
    }
    let nobody = Shell::new().run(&["deliveries", "ls", "--server", "http://127.0.0.1:9"]).await;
    assert_eq!(nobody.code, 4, "{nobody:?}");
    gateway.stop().await;
}
