//! Foreign query parameters, which proxies, browsers and senders add, and other spellings of ours.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::logged::Logged;
use crate::support::raw::Raw;
use crate::support::reader::{Listen, Transport};
use crate::support::soon;

#[tokio::test]
async fn a_foreign_parameter_ends_no_stream_and_loses_no_event() {
    let gateway = Gateway::start().await;
    let foreign = "_=1764540000000&bodySHA256=5f&user_id=admin&user_key=admin&utm_source=x&t=1";
    let json = json!({"message": "json"});
    assert_eq!(gateway.post_json(&format!("/api/push?{foreign}"), &json).await.status, 200);
    assert_eq!(gateway.post(&format!("/api/push/a?{foreign}"), "text/plain", "text").await.status, 200);
    assert_eq!(gateway.post(&format!("/ingest/generic?{foreign}"), "text/plain", "twilio").await.status, 200);
    // A sender does not know the parameters of other routes: many put an API key into `key`.
    assert_eq!(gateway.post("/ingest/generic?key=k&text=t", "text/plain", "keyed").await.status, 200);
    for path in
        ["/api/events", "/api/channels", "/api/clients", "/api/readers", "/api/webhooks", "/api/attempts"]
    {
        assert_eq!(gateway.get(&format!("{path}?{foreign}")).await.status, 200, "{path}");
    }
    let head = Raw::connect(gateway.address).await.get(&format!("/stream?{foreign}"), "").await;
    assert_eq!(head.status, 200);
    let handshake = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let head = Raw::connect(gateway.address).await.get(&format!("/ws?{foreign}"), handshake).await;
    assert_eq!(head.status, 101);
    assert_eq!(gateway.hub.last().seq, 4);
}

#[tokio::test]
async fn a_misspelt_parameter_is_refused_with_the_right_one() {
    let gateway = Gateway::start().await;
    for (path, at, fix) in [
        ("/stream?chanel=a", "?chanel", "write `channel`; "),
        ("/stream?minPriority=high", "?minPriority", "write `min_priority`; "),
        ("/stream?lastEvntId=x", "?lastEvntId", "write `last_event_id`; "),
        ("/stream?_=1&Sicne=1h", "?Sicne", "write `since`; "),
        ("/api/events?ordr=oldest", "?ordr", "write `order`; "),
        // Other routes read these: to ignore one here would drop what the caller asked for.
        ("/stream?after=x", "?after", "use `channel`, "),
        ("/ws?channel=a", "?channel", "leave it out"),
    ] {
        let problem = gateway.get(path).await.problem(400, "invalid_query");
        assert_eq!(problem["at"], at, "{path}");
        assert!(problem["fix"].as_str().expect("a fix").starts_with(fix), "{path}: {problem}");
    }
    for path in [
        "/ingest/generic?chanel=a",
        "/ingest/generic?prioritiy=high",
        "/api/push/a?tpye=x",
        "/api/push?wiat=1s",
    ] {
        gateway.post(path, "text/plain", "x").await.problem(400, "invalid_query");
    }
    assert_eq!(gateway.hub.last().seq, 0);
}

#[tokio::test]
async fn the_last_event_id_is_taken_in_the_spelling_of_each_client() {
    let gateway = Gateway::start().await;
    for message in ["one", "two", "three"] {
        gateway.push("a", message).await;
    }
    let (one, two) = (gateway.position(1), gateway.position(2));
    for (query, wanted) in [
        (format!("last_event_id={two}"), "three"),
        // event-source-polyfill and reconnecting-eventsource.
        (format!("lastEventId={two}"), "three"),
        // Clients of Mercure.
        (format!("lastEventID={two}"), "three"),
        (format!("Last-Event-ID={two}"), "three"),
        (format!("evs_last_event_id={two}"), "three"),
        // A client appends to the URL that its user wrote, again at each reconnect.
        (format!("last_event_id={one}&lastEventId={two}"), "three"),
        (format!("lastEventId={one}&lastEventId={two}"), "three"),
        (format!("last_event_id={two}&lastEventId="), "three"),
        (format!("lastEventId={one}"), "two"),
    ] {
        for transport in [Transport::Sse1, Transport::Sse2] {
            let mut reader =
                gateway.open(transport, Listen { query: query.clone(), ..Listen::to("a") }).await;
            assert_eq!(reader.message().await, wanted, "{query} over {transport:?}");
        }
    }
    // The header is newer than each of them.
    let mut raw = Raw::connect(gateway.address).await;
    let headers = format!("last-event-id: {two}\r\n");
    assert_eq!(raw.get(&format!("/stream?lastEventId={one}&format=json"), &headers).await.status, 200);
    let mut body = String::new();
    while !body.contains("data: ") {
        body.push_str(&String::from_utf8(raw.chunk().await.expect("more")).expect("text"));
    }
    assert!(body.contains(r#""message":"three""#), "{body}");
}

#[tokio::test]
async fn a_foreign_parameter_is_logged_once_and_without_its_value() {
    let mut gateway = Logged::start(&[]).await;
    let get = async |query: &str| {
        let url = format!("{}/api/channels?{query}", gateway.url);
        let answer = soon("an answer", gateway.http.get(url).send()).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{query}");
    };
    for query in ["_=secret", "_=secret", "_=secret&token=secret", "end=1"] {
        get(query).await;
    }
    let mut logged = Vec::new();
    while logged.last().is_none_or(|name| name != "end") {
        let line: Value = gateway.line().await;
        assert!(!line.to_string().contains("secret"), "{line}");
        if let Some(name) = line["parameter"].as_str().or_else(|| line["fields"]["parameter"].as_str()) {
            logged.push(name.to_owned());
        }
    }
    assert_eq!(logged, ["_", "token", "end"]);
}
