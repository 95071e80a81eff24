//! Idempotency keys that come with another push, and the header that names a whole request.

use serde_json::json;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::socket::Socket;
use crate::support::tools::Era;

#[tokio::test]
async fn the_key_of_another_event_is_refused() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let one = json!({"message": "x", "channel": "a", "idempotency_key": "k1"});
        let id = gateway.push_event(one.clone()).await;
        let other = json!({"message": "somebody else's", "channel": "a", "idempotency_key": "k1"});
        let refused = gateway.post_json("/api/push", &other).await;
        assert_eq!(refused.problem(422, "idempotency_conflict")["at"], "/idempotency_key");
        assert!(!refused.text().contains("\"x\"") && !refused.text().contains(&id), "{}", refused.text());
        let batch = json!([{"message": "y"}, other]);
        let refused = gateway.post_json("/api/push", &batch).await;
        assert_eq!(refused.problem(422, "idempotency_conflict")["at"], "/1/idempotency_key");
        // The same event in other words, by another door.
        let same = gateway.post("/api/push/a?idempotency_key=k1", "text/plain", "x").await.json();
        assert_eq!((&same["id"], &same["repeated"]), (&json!(id), &json!(true)));
        let told = gateway.tool(Era::Modern, "push_webhook", one).await;
        assert_eq!((&told.structured["id"], &told.structured["repeated"]), (&json!(id), &json!(true)));
        let told = gateway.tool_error(Era::Modern, "push_stream", other.clone()).await;
        assert!(told.contains("was used for another event"), "{told}");
        let mut socket = Socket::open(gateway.address).await;
        for (published, at) in [
            (json!({ "op": "publish", "event": other }), "/event/idempotency_key"),
            (json!({ "op": "publish", "events": [{ "message": "y" }, other] }), "/events/1/idempotency_key"),
            (json!({ "op": "publish", "events": [other] }), "/events/0/idempotency_key"),
        ] {
            let said = socket.ask(published).await;
            assert_eq!(
                (&said["error"]["code"], &said["error"]["at"]),
                (&json!("idempotency_conflict"), &json!(at))
            );
        }
        assert_eq!(gateway.hub.last().seq, 1, "nothing of it was written");

        // The keys of what other programs deliver cannot be taken.
        let taken = json!({"message": "x", "idempotency_key": "ingest:standard-webhooks:msg_1"});
        gateway.post_json("/api/push", &taken).await.problem(422, "invalid_idempotency_key");
    }
}

#[tokio::test]
async fn the_header_names_the_whole_request() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let push = async |path: &str, key: &str, media_type: &str, body: &str| {
            let (key, media_type, body) = (key.to_owned(), media_type.to_owned(), body.to_owned());
            let build = |request: reqwest::RequestBuilder| {
                request.header("idempotency-key", key).header("content-type", media_type).body(body)
            };
            gateway.request("POST", path, build).await
        };
        let json = "application/json";
        let first = push("/api/push", "k1", json, r#"{"message":"x"}"#).await.json();
        // Bare, as a string, and as a member: one key.
        let quoted = push("/api/push", "\"k1\"", json, r#"{"message":"x"}"#).await.json();
        assert_eq!((&quoted["id"], &quoted["repeated"]), (&first["id"], &json!(true)));
        let member = json!({"message": "x", "idempotency_key": "k1"});
        assert_eq!(gateway.post_json("/api/push", &member).await.json()["id"], first["id"]);
        push("/api/push", "k1", json, r#"{"message":"y"}"#).await.problem(422, "idempotency_conflict");
        let text = push("/api/push/default", "k1", "text/plain", "x").await.json();
        assert_eq!((&text["id"], &text["repeated"]), (&first["id"], &json!(true)));

        let lines = "{\"message\":\"a\"}\n{\"message\":\"b\",\"idempotency_key\":\"own\"}\n";
        let batch = push("/api/push", "k2", "application/x-ndjson", lines).await.json();
        assert_eq!(push("/api/push", "k2", "application/x-ndjson", lines).await.json()["ids"], batch["ids"]);
        let fewer = push("/api/push", "k2", json, r#"[{"message":"a"}]"#).await;
        assert_eq!(fewer.problem(422, "idempotency_conflict")["at"], "/0/idempotency_key");
        assert_eq!(gateway.hub.last().seq, 3);
        for wrong in ["", "\"\"", "ingest:x:y"] {
            let refused = push("/api/push", wrong, json, r#"{"message":"x"}"#).await;
            assert_eq!(refused.problem(400, "invalid_idempotency_key")["at"], "Idempotency-Key:", "{wrong}");
        }
    }
}
