//! `fanfare channels` and `fanfare events`.

use serde_json::Value;

use crate::cli::Gateway;

#[tokio::test]
async fn a_channel_is_purged_and_an_event_is_redacted() {
    let gateway = Gateway::start().await;
    for (channel, message) in [("leak", "hush"), ("fine", "one"), ("fine", "hush"), ("fine", "three")] {
        gateway.push(&["-c", channel, message]).await;
    }
    let listed = gateway.run(&["channels", "-o", "raw"]).await;
    assert_eq!(listed.out, "fine\nleak\n", "{listed:?}");

    let purged = gateway.run(&["channels", "rm", "leak", "-o", "json"]).await;
    let purged: Value = serde_json::from_str(&purged.out).unwrap_or_else(|_| panic!("{purged:?}"));
    assert_eq!(
        (&purged["channels"][0]["name"], &purged["channels"][0]["events"]),
        (&"leak".into(), &1.into())
    );
    assert_eq!(gateway.run(&["channels", "ls", "-o", "raw"]).await.out, "fine\n");
    let unknown = gateway.run(&["channels", "rm", "leak"]).await;
    assert!(unknown.code == 5 && unknown.err.contains("there is no channel `leak`"), "{unknown:?}");

    let found = gateway.run(&["history", "--text", "hush", "-o", "ndjson"]).await;
    let found: Value = serde_json::from_str(&found.out).unwrap_or_else(|_| panic!("{found:?}"));
    let id = found["id"].as_str().expect("an id").to_owned();
    let redacted = gateway.run(&["events", "redact", &id]).await;
    assert_eq!(redacted.out, format!("✓ erased: {id} (1 event)\n"), "{redacted:?}");
    let again = gateway.run(&["events", "redact", &id, "-o", "raw"]).await;
    assert_eq!((again.code, again.out), (0, format!("{id}\n")), "{:?}", again.err);

    let left = gateway.run(&["history", "-o", "raw"]).await;
    assert_eq!(left.out, "one\nthree\n", "{left:?}");
    assert!(left.err.contains("2 events left out: purged or redacted"), "{left:?}");
    let heard = ["listen", "--since", "earliest", "-n", "2", "-o", "raw"];
    let heard = gateway.run(&heard).await;
    assert_eq!(heard.out, "one\nthree\n", "{heard:?}");
    assert!(heard.err.contains("up to 1 event between") && heard.err.contains("were purged"), "{heard:?}");
    gateway.stop().await;
}
