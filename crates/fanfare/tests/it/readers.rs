//! Durable readers: acknowledged events stay so, and others come again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::reader::{Frame, Listen, Transport};
use crate::support::socket::Socket;
use crate::support::{Engine, until};

fn as_reader(name: &str, pattern: &str) -> Listen {
    Listen { reader: Some(name.to_owned()), ..Listen::to(pattern) }
}

async fn ack(gateway: &Gateway, name: &str, position: &str) -> Value {
    let answer = gateway.post_json(&format!("/api/readers/{name}/ack"), &json!({"position": position})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn reader(gateway: &Gateway, name: &str) -> Value {
    let list = gateway.get("/api/readers").await.json();
    let readers = list["readers"].as_array().expect("readers");
    assert_eq!(list["total"], readers.len());
    readers.iter().find(|reader| reader["name"] == name).expect(name).clone()
}

#[tokio::test]
async fn what_was_not_acknowledged_is_delivered_again() {
    for engine in Engine::ALL {
        for transport in Transport::ALL {
            let mut gateway = Gateway::on(engine).await;
            let mut orders = gateway.open(transport, as_reader("shop-1", "orders.*")).await;
            let mut ids = Vec::new();
            for number in 0..5 {
                ids.push(gateway.push(&format!("orders.{number}"), &number.to_string()).await);
                gateway.push("noise", "n").await;
            }
            assert_eq!(orders.messages(5).await, ["0", "1", "2", "3", "4"]);

            let answer = ack(&gateway, "shop-1", &ids[2]).await;
            assert_eq!((&answer["name"], &answer["position"]), (&json!("shop-1"), &json!(ids[2])));
            // The log is not read for it: two orders and three others come after it.
            assert_eq!((&answer["lag"], &answer["lag_is_exact"]), (&json!(5), &json!(false)));
            // Cumulative: an older one changes nothing.
            assert_eq!(ack(&gateway, "shop-1", &ids[0]).await["position"], ids[2]);
            let row = reader(&gateway, "shop-1").await;
            assert_eq!((&row["position"], &row["connected"]), (&ids[2].clone().into(), &1.into()));
            assert_eq!((&row["lag"], &row["lag_is_exact"]), (&2.into(), &true.into()));
            for member in ["name", "position", "channels", "types", "connected", "updated_at"] {
                assert_eq!(answer[member], row[member], "{member}");
            }
            assert_eq!((&row["channels"], &row["types"]), (&json!(["orders.*"]), &json!([])));
            drop(orders);

            // A position in the request does not count for a durable reader.
            let listen = Listen { since: Some("earliest".into()), ..as_reader("shop-1", "orders.*") };
            let mut orders = gateway.open(transport, listen).await;
            let again = orders.replay().await;
            let again: Vec<_> = again.iter().map(|event| event["message"].as_str().expect("text")).collect();
            assert_eq!(again, ["3", "4"], "{transport:?} on {engine:?}");
            drop(orders);

            if engine == Engine::Embedded {
                gateway = gateway.restart().await;
                let row = reader(&gateway, "shop-1").await;
                assert_eq!((&row["position"], &row["connected"]), (&ids[2].clone().into(), &0.into()));
            }
            ack(&gateway, "shop-1", &ids[4]).await;
            let mut orders = gateway.open(transport, as_reader("shop-1", "orders.*")).await;
            assert!(matches!(orders.next().await, Frame::CaughtUp(_)), "all is acknowledged");
            gateway.push("orders.9", "new").await;
            assert_eq!(orders.message().await, "new");
        }
    }
}

#[tokio::test]
async fn a_new_reader_begins_where_it_asks_to() {
    let gateway = Gateway::start().await;
    gateway.push("a", "old").await;
    let mut late = gateway.open(Transport::Sse1, as_reader("late", "a")).await;
    let listen = Listen { since: Some("earliest".into()), ..as_reader("early", "a") };
    let mut early = gateway.open(Transport::Sse1, listen).await;
    gateway.push("a", "new").await;
    assert_eq!(early.messages(2).await, ["old", "new"]);
    assert_eq!(late.message().await, "new");
    assert_eq!(reader(&gateway, "early").await["lag"], 2);
    assert_eq!(reader(&gateway, "late").await["lag"], 1);
}

#[tokio::test]
async fn a_web_socket_acknowledges_what_it_read() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let mut socket = Socket::open(gateway.address).await;
        let refused = socket.ask(json!({"op": "ack", "id": 1, "position": gateway.position(1)})).await;
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&"invalid_reader".into(), &1.into()));
        socket.ask(json!({"op": "subscribe", "channels": ["a"], "reader": "ws"})).await;
        while socket.json().await["op"] != "caught-up" {}
        let id = gateway.push("a", "x").await;
        assert_eq!(socket.json().await["event"]["id"], id);
        let acked = socket.ask(json!({"op": "ack", "id": "k", "position": id})).await;
        assert_eq!(acked, json!({"op": "acked", "id": "k", "position": id}));
        let ahead = socket.ask(json!({"op": "ack", "position": gateway.position(99)})).await;
        assert_eq!(ahead["error"]["code"], "invalid_position");
        let elsewhere = socket.ask(json!({"op": "ack", "position": "zzzzzzzz-1"})).await;
        assert_eq!(elsewhere["error"]["code"], "invalid_position");
        assert_eq!(reader(&gateway, "ws").await["lag"], 0);
    }
}

#[tokio::test]
async fn receipts_say_who_has_an_event() {
    let gateway = Gateway::start().await;
    for (name, pattern) in [("one", "a.*"), ("two", ">"), ("three", "b.*")] {
        drop(gateway.open(Transport::Sse1, as_reader(name, pattern)).await);
    }
    let id = gateway.push("a.x", "x").await;
    ack(&gateway, "two", &id).await;
    let receipts = gateway.get(&format!("/api/events/{id}/receipts")).await.json();
    assert_eq!(
        receipts,
        json!({
            "event_id": id, "readers_total": 2, "readers_acknowledged": 1,
            "readers": [
                {"reader": "one", "acknowledged": false, "position": gateway.position(0)},
                {"reader": "two", "acknowledged": true, "position": id},
            ],
            "webhooks": [], "webhooks_total": 0, "webhooks_delivered": 0,
        })
    );
    gateway.get(&format!("/api/events/{}/receipts", gateway.position(7))).await.problem(404, "not_found");
    gateway.get("/api/events/x/receipts").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_reader_can_be_forgotten_and_mistakes_are_named() {
    let gateway = Gateway::start().await;
    drop(gateway.open(Transport::Sse1, as_reader("gone", "a")).await);
    let id = gateway.push("a", "x").await;
    let path = "/api/readers/gone/ack";
    for (body, status, code, at) in [
        ("{", 400, "invalid_json", ""),
        ("{}", 422, "invalid_position", "/position"),
        ("{\"position\":\"x\"}", 422, "invalid_position", "/position"),
        ("{\"position\":\"zzzzzzzz-1\"}", 422, "invalid_position", "/position"),
        (&format!("{{\"position\":\"{}\"}}", gateway.position(2)), 422, "invalid_position", "/position"),
    ] {
        let problem = gateway.post(path, "application/json", body.to_owned()).await.problem(status, code);
        assert_eq!(problem["at"].as_str().unwrap_or_default(), at, "{body}");
    }
    let good = json!({"position": id});
    gateway.post_json("/api/readers/nobody/ack", &good).await.problem(404, "not_found");
    gateway.post_json("/api/readers/a%20b/ack", &good).await.problem(404, "not_found");
    let large = format!("{{\"position\":\"{id}\"{}}}", " ".repeat(64 * 1024));
    gateway.post(path, "application/json", large).await.problem(413, "body_too_large");
    assert_eq!(reader(&gateway, "gone").await["position"], gateway.position(0));

    let before = reader(&gateway, "gone").await;
    let answer = gateway.request("DELETE", "/api/readers/gone", |request| request).await;
    assert_eq!((answer.status, &answer.json()["position"]), (200, &before["position"]));
    assert_eq!(answer.json()["name"], "gone");
    let again = gateway.request("DELETE", "/api/readers/gone", |request| request).await;
    again.problem(404, "not_found");
    gateway.post_json(path, &good).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_listing_of_many_readers_counts_only_so_much() {
    const READERS: usize = 103;
    let gateway = Gateway::start().await;
    gateway.push("a", "one").await;
    for number in 0..READERS {
        let path = format!("/stream?reader=r{number:03}&since=earliest&channel=b");
        let head = gateway.request("HEAD", &path, |request| request).await;
        assert_eq!(head.status, 200);
    }
    let listed = gateway.get("/api/readers?limit=1000").await.json();
    let readers = listed["readers"].as_array().expect("readers");
    assert_eq!(readers.len(), READERS);
    for (index, reader) in readers.iter().enumerate() {
        let counted = index < 100;
        // The event does not match: it counts only where nothing was read.
        assert_eq!(reader["lag"], usize::from(!counted), "{reader}");
        assert_eq!(reader["lag_is_exact"], counted, "{reader}");
    }
}

async fn put(gateway: &Gateway, name: &str, settings: Value) -> crate::support::answer::Answer {
    let build = |request: reqwest::RequestBuilder| {
        request.header("content-type", "application/json").body(settings.to_string())
    };
    gateway.request("PUT", &format!("/api/readers/{name}"), build).await
}

#[tokio::test]
async fn listening_changes_neither_the_filter_nor_the_position_of_a_reader() {
    for engine in Engine::ALL {
        for transport in Transport::ALL {
            let gateway = Gateway::on(engine).await;
            drop(gateway.open(transport, as_reader("laptop", "orders.*")).await);
            let before = reader(&gateway, "laptop").await;
            // What a page that is merely visited could send.
            for query in ["channel=nothing&type=x&min_priority=max", "channel=nothing&text=x", ""] {
                let path = format!("/stream?reader=laptop&since=earliest&{query}");
                assert_eq!(gateway.request("HEAD", &path, |request| request).await.status, 200);
            }
            let after = reader(&gateway, "laptop").await;
            for member in ["position", "channels", "types", "min_priority", "text"] {
                assert_eq!(after[member], before[member], "{member}");
            }
            assert!(after["updated_at"].as_str() > before["updated_at"].as_str(), "it was used");

            let mut other = gateway.open(transport, as_reader("laptop", "nothing")).await;
            let Frame::ReaderFilter(said) = other.next().await else { panic!("nothing was said") };
            assert_eq!((&said["channels"], &said["types"]), (&json!(["orders.*"]), &json!([])));
            assert_eq!((&said["min_priority"], said.get("text")), (&json!("min"), None));
            gateway.push("nothing", "no").await;
            gateway.push("orders.1", "yes").await;
            assert_eq!(other.message().await, "yes", "{transport:?}");
            drop(other);
            // Its own filter is no news.
            let mut own = gateway.open(transport, as_reader("laptop", "orders.*")).await;
            assert_eq!(own.message().await, "yes");
            drop(own);
            gateway.clients(0).await;
        }
    }
}

#[tokio::test]
async fn a_reader_is_served_its_own_filter_if_none_is_given() {
    let gateway = Gateway::start().await;
    drop(gateway.open(Transport::Sse1, as_reader("laptop", "orders.*")).await);
    gateway.push("nothing", "no").await;
    gateway.push("orders.1", "yes").await;
    let mut socket = Socket::open(gateway.address).await;
    socket.ask(json!({"op": "subscribe", "reader": "laptop"})).await;
    assert_eq!(socket.json().await["event"]["message"], "yes");
}

#[tokio::test]
async fn a_reader_is_set_to_another_filter_and_position() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let ids = gateway
            .push_batch((0..4).map(|n| json!({"channel": "a.b", "message": n.to_string()})).collect())
            .await;
        let made = put(&gateway, "laptop", json!({ "channels": ["a.*"], "types": ["info"] })).await;
        assert_eq!((made.status, &made.json()["position"]), (201, &json!(ids[3])));
        let set =
            put(&gateway, "laptop", json!({ "channels": ["a.>"], "text": "X", "min_priority": "high" }))
                .await;
        let row = reader(&gateway, "laptop").await;
        assert_eq!((set.status, &set.json()["position"]), (200, &json!(ids[3])));
        assert_eq!((&row["channels"], &row["types"]), (&json!(["a.>"]), &json!([])));
        assert_eq!((&row["text"], &row["min_priority"]), (&json!("x"), &json!("high")));
        put(&gateway, "laptop", json!({ "position": ids[1] })).await;
        let row = reader(&gateway, "laptop").await;
        assert_eq!((&row["channels"], &row["position"]), (&json!([">"]), &json!(ids[1])));
        let mut again = gateway.open(Transport::Sse1, as_reader("laptop", ">")).await;
        assert_eq!(again.messages(2).await, ["2", "3"]);

        for (body, code, at) in [
            (json!({ "channels": ["a..b"] }), "invalid_pattern", "/channels/0"),
            (json!({ "chanels": ["a"] }), "unknown_field", "/chanels"),
            (json!({ "position": "zzzzzzzz-1" }), "invalid_position", "/position"),
            (json!({ "position": gateway.position(99) }), "invalid_position", "/position"),
        ] {
            assert_eq!(put(&gateway, "laptop", body).await.problem(422, code)["at"], at);
        }
        put(&gateway, "a%20b", json!({})).await.problem(404, "not_found");
        assert_eq!(reader(&gateway, "laptop").await["position"], ids[1]);
        drop(again);
        gateway.clients(0).await;
    }
}

#[tokio::test]
async fn a_reader_that_nobody_uses_is_removed_and_one_that_is_connected_stays() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, |config| config.retention.readers = Duration::from_secs(5)).await;
        assert_eq!(put(&gateway, "idle", json!({})).await.status, 201);
        let stream = gateway.open(Transport::Sse1, as_reader("stream", ">")).await;
        let mut socket = Socket::open(gateway.address).await;
        socket.ask(json!({"op": "subscribe", "reader": "socket"})).await;
        let names = async || {
            let listed = gateway.get("/api/readers").await.json();
            let readers = listed["readers"].as_array().expect("a list").clone();
            readers.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
        };
        // Twice as long as a reader may be idle, so that one note does not do for those that are connected.
        for name in ["idle", "idle-again"] {
            put(&gateway, name, json!({})).await;
            let is_gone = async || (!names().await.contains(&name.to_owned())).then_some(());
            until("the idle one to be gone", is_gone).await;
        }
        assert_eq!(names().await, ["socket", "stream"]);
        drop((stream, socket));
        until("the others to be gone", async || names().await.is_empty().then_some(())).await;
    }
}
