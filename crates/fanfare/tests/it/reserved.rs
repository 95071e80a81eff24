//! The gateway's own names are refused at every door, and can be read at each.

use serde_json::json;

use crate::cli::Shell;
use crate::support::gateway::Gateway;
use crate::support::socket::Socket;
use crate::support::tools::Era;

const CHANNEL: &str = "fanfare.audit";

#[tokio::test]
async fn nobody_pushes_a_name_of_the_gateway() {
    let gateway = Gateway::start().await;
    let named = |name: &str| json!({"message": "x", name: CHANNEL});
    for (name, code) in [("channel", "invalid_channel"), ("type", "invalid_type")] {
        let event = named(name);
        let problem = gateway.post_json("/api/push", &event).await.problem(422, code);
        assert_eq!(problem["at"], format!("/{name}"));
        let batch = json!([{"message": "x"}, event]);
        let problem = gateway.post_json("/api/push", &batch).await.problem(422, code);
        assert_eq!(problem["at"], format!("/1/{name}"));
        let words = problem["detail"].as_str().expect("words");
        assert!(words.contains("belongs to the gateway"), "{words}");

        let path = format!("/ingest/generic?{name}={CHANNEL}");
        let problem = gateway.post(&path, "text/plain", "x").await.problem(400, code);
        assert_eq!(problem["at"], format!("?{name}"));

        let mut socket = Socket::open(gateway.address).await;
        let said = socket.ask(json!({"op": "publish", "event": event})).await;
        assert_eq!(
            (&said["error"]["code"], &said["error"]["at"]),
            (&json!(code), &json!(format!("/event/{name}")))
        );

        for tool in ["push_stream", "push_webhook"] {
            let said = gateway.tool_error(Era::Modern, tool, event.clone()).await;
            assert!(said.contains(words) && said.contains(name), "{said}");
        }

        let server = format!("http://{}", gateway.address);
        let said = Shell::new().run(&["push", "--server", &server, &format!("--{name}"), CHANNEL, "x"]).await;
        assert!(said.code == 5 && said.err.contains(words), "{said:?}");
    }
    gateway.post(&format!("/api/push/{CHANNEL}"), "text/plain", "x").await.problem(400, "invalid_channel");
    gateway.post("/api/push/a?type=fanfare.test", "text/plain", "x").await.problem(400, "invalid_type");
    assert_eq!(gateway.hub.last().seq, 0, "something was written");

    // Reserved names can be selected by everyone who may read.
    let page = gateway.get(&format!("/api/events?channel={CHANNEL}&type=fanfare.test")).await.json();
    assert_eq!(page["events"], json!([]));
}
