//! The gateway, its channels and its clients.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::reader::{Listen, Transport};
use crate::support::{Engine, until};

#[tokio::test]
async fn channels_are_listed_with_what_they_had() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        assert_eq!(gateway.get("/api/channels").await.json(), json!({"channels": [], "total": 0}));
        let _wide = gateway.listen(Transport::Sse1, "builds.*").await;
        for number in 0..12 {
            gateway.push("builds.web", &number.to_string()).await;
        }
        gateway.push("alerts", "x").await;
        let wanted = [("alerts", 1, 13, 0), ("builds.web", 12, 12, 1)];
        let check = async |gateway: &Gateway, clients: bool| {
            let list = until("the channels", async || {
                let list = gateway.get("/api/channels").await.json();
                (list["total"] == 2 && list["channels"][0]["events"] == 1).then_some(list)
            })
            .await;
            for (entry, (channel, events, last, audience)) in
                list["channels"].as_array().expect("channels").iter().zip(wanted)
            {
                assert_eq!((&entry["name"], &entry["events"]), (&channel.into(), &events.into()));
                assert_eq!(entry["last_id"], gateway.position(last));
                assert_eq!(entry["stream_clients"], if clients { audience } else { 0 });
                let event = gateway.get(&format!("/api/events/{}", gateway.position(last))).await.json();
                assert_eq!(entry["last_timestamp"], event["timestamp"]);
            }
            list
        };
        let list = check(&gateway, true).await;
        // 12 in a minute are 0.2 a second; the minute is over only on a machine that stalls.
        assert_eq!(list["channels"][1]["rate"], 0.2);
        drop(_wide);
        gateway.clients(0).await;
        if engine == Engine::Embedded {
            gateway = gateway.restart().await;
            check(&gateway, false).await;
        }
    }
}

#[tokio::test]
async fn clients_are_listed_with_how_far_they_are() {
    let gateway = Gateway::start().await;
    let listen = Listen {
        types: vec!["error".into()],
        min_priority: Some("high".into()),
        reader: Some("me".into()),
        ..Listen::to("a.*")
    };
    let mut socket = gateway.open(Transport::WebSocket, listen).await;
    let mut stream = gateway.listen(Transport::Sse2, ">").await;
    let mut lazy = Raw::connect_narrow(gateway.address).await;
    lazy.get("/stream?channel=b", "").await;
    let id = gateway
        .push_event(json!({"channel": "a.b", "message": "x", "type": "error", "priority": "max"}))
        .await;
    assert_eq!((socket.message().await.as_str(), stream.message().await.as_str()), ("x", "x"));
    let clients: Vec<Value> = until("the position", async || {
        let list = gateway.get("/api/clients").await.json();
        assert_eq!(list["total"], 3);
        let clients = list["clients"].as_array().expect("clients").clone();
        (clients[0]["position"] == id && clients[1]["position"] == id).then_some(clients)
    })
    .await;
    let socket_entry = json!({
        "id": clients[0]["id"], "transport": "websocket", "principal": "local",
        "address": clients[0]["address"], "channels": ["a.*"], "types": ["error"], "min_priority": "high",
        "reader": "me", "connected_at": clients[0]["connected_at"], "position": id, "lag": 0, "state": "live",
    });
    assert_eq!(clients[0], socket_entry);
    assert_eq!((&clients[1]["transport"], &clients[1]["reader"]), (&"sse".into(), &Value::Null));
    assert_eq!(clients[1]["min_priority"], "min");
    assert_eq!(clients[2]["address"], lazy.stream.local_addr().expect("an address").to_string());

    // One that reads nothing lags, and is seen to.
    for _ in 0..80 {
        gateway.push("b", &"x".repeat(100_000)).await;
    }
    // What it lacks and what it has is all there is.
    until("the lag", async || {
        let client = gateway.get("/api/clients").await.json()["clients"][2].clone();
        let lag = client["lag"].as_u64().expect("a number");
        let whole = lag > 0 && client["position"] == gateway.position(81 - lag);
        (client["state"] == "stalled" && whole).then_some(())
    })
    .await;
    drop(lazy);
    gateway.clients(2).await;
}

#[tokio::test]
async fn the_gateway_says_what_it_is() {
    for (engine, name) in [(Engine::Memory, "memory"), (Engine::Embedded, "embedded")] {
        let gateway = Gateway::with(engine, |config| config.retention.count = 5).await;
        let epoch = gateway.hub.epoch().to_string();
        let ready = gateway.get("/ready").await;
        assert_eq!(ready.status, 200);
        let parts = ready.json()["parts"].clone();
        let wanted = json!({"status": "ready", "epoch": epoch, "last": gateway.position(0), "parts": parts});
        assert_eq!(ready.json(), wanted);
        let health = gateway.get("/health").await.json();
        assert_eq!(health["status"], "ok");
        assert!(health["version"].is_string() && health["uptime_seconds"].is_u64());

        let _reader = gateway.listen(Transport::WebSocket, ">").await;
        for number in 0..8 {
            gateway.push("a", &number.to_string()).await;
        }
        until("retention", async || (gateway.hub.extent().first == 4).then_some(())).await;
        let status = gateway.get("/api/status").await.json();
        let wanted = json!({
            "name": "fanfare", "version": env!("CARGO_PKG_VERSION"), "store": name, "epoch": epoch,
            "first": gateway.position(4), "last": gateway.position(8), "damaged_events": 0, "uptime_seconds": status["uptime_seconds"],
            "stream_clients": 1, "total_webhooks": 0, "webhooks": {"paused": 0, "failing": 0, "held": 0, "waiting": 0, "failed": 0}, "listen": gateway.address.to_string(),
            "listeners": [gateway.address.to_string()],
        });
        assert_eq!(status, wanted);
    }
}

/// Parses the part of the text formats that we use, OpenMetrics and the older one; returns the samples.
fn samples(text: &str) -> Vec<(String, f64)> {
    let mut typed = std::collections::HashMap::new();
    let mut samples = Vec::new();
    let body = text.strip_suffix("# EOF\n").unwrap_or(text);
    for line in body.lines() {
        if let Some(description) = line.strip_prefix("# ") {
            let mut words = description.splitn(3, ' ');
            let (keyword, name) = (words.next().expect("a keyword"), words.next().expect("a name"));
            assert!(matches!(keyword, "HELP" | "TYPE" | "UNIT"), "{line}");
            if keyword == "TYPE" {
                assert!(
                    typed.insert(name.to_owned(), words.next().expect("a type").to_owned()).is_none(),
                    "{line}"
                );
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect(line);
        let family = name.split('{').next().expect("a name");
        let known = ["", "_total", "_bucket", "_sum", "_count"]
            .iter()
            .any(|suffix| family.strip_suffix(suffix).is_some_and(|base| typed.contains_key(base)));
        assert!(known && ["fanfare_", "process_"].iter().any(|own| family.starts_with(own)), "{line}");
        samples.push((name.to_owned(), value.parse().expect(line)));
    }
    samples
}

#[tokio::test]
async fn metrics_can_be_parsed_and_move() {
    let gateway = Gateway::start().await;
    let scrape = async || samples(&gateway.get("/metrics").await.text());
    let value = |samples: &[(String, f64)], name: &str| {
        samples.iter().find(|(sample, _)| sample == name).map_or(0.0, |(_, value)| *value)
    };
    let before = scrape().await;
    let mut sse = gateway.listen(Transport::Sse1, ">").await;
    let mut socket = gateway.listen(Transport::WebSocket, ">").await;
    let event = json!({"message": "x", "idempotency_key": "k"});
    gateway.push_batch(vec![event.clone(), event, json!({"message": "y"})]).await;
    gateway.get("/stream?chanel=x").await.problem(400, "invalid_query");
    let _reset = gateway.listen_after(Transport::Sse1, ">", "zzzzzzzz-1").await;
    assert_eq!((sse.messages(2).await.len(), socket.messages(2).await.len()), (2, 2));
    let after = until("the counters", async || {
        let after = scrape().await;
        (value(&after, "fanfare_sent_bytes_total") > value(&before, "fanfare_sent_bytes_total") + 500.0)
            .then_some(after)
    })
    .await;
    for (name, grown) in [
        ("fanfare_events_total", 2.0),
        ("fanfare_append_seconds_count", 1.0),
        ("fanfare_resets_total", 1.0),
        ("fanfare_subscribers{transport=\"sse\"}", 2.0),
        ("fanfare_subscribers{transport=\"websocket\"}", 1.0),
        ("fanfare_http_requests_total{route=\"/stream\",status=\"400\"}", 1.0),
        ("fanfare_http_requests_total{route=\"/api/push\",status=\"200\"}", 1.0),
    ] {
        assert_eq!(value(&after, name) - value(&before, name), grown, "{name} in {after:#?}");
    }
    assert!(
        value(&after, "fanfare_stream_writes_total") >= 4.0 && value(&after, "fanfare_connections") >= 3.0
    );
    // A path is a label only as the route it belongs to.
    gateway.get("/api/events/some-id").await;
    let after = scrape().await;
    assert!(after.iter().all(|(name, _)| !name.contains("some-id")));
    drop((sse, socket, _reset));
    until("the gauges", async || {
        let now = scrape().await;
        (value(&now, "fanfare_subscribers{transport=\"sse\"}") == 0.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn open_metrics_are_for_those_who_ask() {
    let gateway = Gateway::start().await;
    let ask = async |accept: &'static str| {
        gateway.request("GET", "/metrics", |request| request.header("accept", accept)).await
    };
    // A route has a sample once it was asked.
    ask("*/*").await;
    let (older, open) = (ask("*/*").await, ask("text/plain;q=0.3, application/openmetrics-text;q=0.7").await);
    assert!(older.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert!(open.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    assert_eq!((older.header("vary"), open.header("vary")), ("accept", "accept"));
    let names = |text: &str| samples(text).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(&older.text()), names(&open.text()), "the formats differ in their comments only");
    assert!(open.text().ends_with("# EOF\n") && !older.text().contains("# EOF"));
    assert!(open.text().contains("# TYPE fanfare_http_requests counter\n"));
    assert!(older.text().contains("# TYPE fanfare_http_requests_total counter\n"));
    assert!(older.text().contains("# TYPE fanfare_append_seconds histogram\n"));
}
