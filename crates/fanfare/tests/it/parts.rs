//! No end goes unseen: every part of a gateway is ended, and the expected consequence follows.

use std::time::Duration;

use fanfare_runtime::parts::{Ends, Health};
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::reader::{Frame, Listen, Reader, Transport};
use crate::support::tools::Era;
use crate::support::{Engine, until};

/// The consequence that the table names for a part.
#[derive(Debug, PartialEq, Eq)]
enum Means {
    /// The process ends.
    TheEnd,
    /// It restarts, and is missed until then.
    APause,
    /// It restarts, and nothing is missed.
    Nothing,
}

/// Returns every part of the gateway, with the meaning of its end.
fn table(gateway: &Gateway) -> Vec<(String, Means)> {
    let rows = gateway.board.rows();
    let means = |ends| match ends {
        Ends::Process => Means::TheEnd,
        Ends::Restart { .. } => Means::APause,
        Ends::Harmless { .. } => Means::Nothing,
    };
    rows.into_iter().map(|row| (row.name, means(row.ends))).collect()
}

fn reactors(gateway: &Gateway) -> usize {
    gateway.board.rows().iter().filter(|row| row.name.starts_with("reactor-")).count()
}

/// Returns the health of a part as `/ready` and `/metrics` show it, which must agree.
async fn fares(gateway: &Gateway, name: &str) -> Option<(u16, Value)> {
    let measured = gateway.get("/metrics").await.text();
    let ready = gateway.get("/ready").await;
    let after = gateway.get("/metrics").await.text();
    let sample = |text: &str| {
        let line = format!("fanfare_part_up{{part=\"{name}\"}} ");
        text.lines().find_map(|text| text.strip_prefix(&line)).map(str::to_owned).expect("a sample")
    };
    // It may have changed between two checks.
    let is_up = Some(sample(&measured)).filter(|before| *before == sample(&after))? == "1";
    let (status, ready) = (ready.status, ready.json());
    let part = ready["parts"].as_array().and_then(|parts| parts.iter().find(|part| part["name"] == name));
    let part = part.expect("the part").clone();
    assert_eq!(part["state"], if is_up { "up" } else { "down" });
    assert_eq!(ready["status"], if status == 200 { "ready" } else { "degraded" });
    Some((status, part))
}

/// Ends a part, and waits until it is back. Returns the result of [`fares`] while it was down.
async fn end_and_wait(gateway: &Gateway, name: &str) -> Option<(u16, Value)> {
    let restarts = |gateway: &Gateway| {
        let row = gateway.board.rows().into_iter().find(|row| row.name == name).expect("a row");
        (row.health == Health::Up).then_some(row.restarts)
    };
    let before = restarts(gateway).expect("a part that runs");
    let mut while_down = None;
    assert!(gateway.board.end(name));
    until("the part", async || {
        if let Some(said) = fares(gateway, name).await.filter(|(_, part)| part["state"] == "down") {
            while_down = Some(said);
        }
        (restarts(gateway) == Some(before + 1)).then_some(())
    })
    .await;
    while_down
}

/// Ends a part that restarts; checks what others can see of that.
async fn comes_back(gateway: &Gateway, name: &str, means: Means) {
    let status_while_down = if means == Means::APause { 503 } else { 200 };
    let mut seen = None;
    // It is down for a second: if the machine stalls that long, the outage is not visible.
    for _ in 0..3 {
        seen = seen.or(end_and_wait(gateway, name).await);
        let errors = gateway.take_errors();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(errors[0].contains(&format!("`{name}` was ended")), "{errors:#?}");
        if seen.is_some() {
            break;
        }
    }
    assert_eq!(seen.expect("a look while it was down").0, status_while_down, "`{name}` is down");
    let (status, part) = until("the part", async || fares(gateway, name).await).await;
    assert_eq!((status, &part["state"]), (200, &json!("up")));
    assert!(part["restarts"].as_u64() > Some(0));
}

/// Subscribes, and checks that pushed events arrive.
async fn serves(gateway: &Gateway, streams: usize) {
    for transport in Transport::ALL {
        let mut readers = Vec::new();
        for _ in 0..streams {
            readers.push(gateway.listen(transport, "here").await);
        }
        gateway.push("here", "hello").await;
        for reader in &mut readers {
            assert_eq!(reader.message().await, "hello", "over {transport:?}");
        }
    }
    gateway.clients(0).await;
}

#[tokio::test]
async fn the_table_has_every_part_with_what_its_end_means() {
    let gateway = Gateway::start().await;
    let reactors = reactors(&gateway);
    assert!(reactors > 0);
    let mut wanted = vec![
        ("store".to_owned(), Means::TheEnd),
        ("follower".to_owned(), Means::TheEnd),
        ("sweeper".to_owned(), Means::APause),
        ("idle callers".to_owned(), Means::Nothing),
        ("readers in use".to_owned(), Means::APause),
        ("forgetting".to_owned(), Means::Nothing),
        ("recorder".to_owned(), Means::TheEnd),
        ("dispatcher".to_owned(), Means::TheEnd),
        ("librarian".to_owned(), Means::APause),
        ("heartbeat".to_owned(), Means::APause),
    ];
    wanted.extend((0..reactors).map(|number| (format!("reactor-{number}"), Means::APause)));
    wanted.push(("sessions".to_owned(), Means::TheEnd));
    wanted.push((format!("accept {}", gateway.address), Means::APause));
    wanted.push(("listeners".to_owned(), Means::APause));
    assert_eq!(table(&gateway), wanted);
    let ready = gateway.get("/ready").await.json();
    let parts: Vec<Value> =
        wanted.iter().map(|(name, _)| json!({"name": name, "state": "up", "restarts": 0})).collect();
    assert_eq!(ready["parts"], Value::Array(parts));
}

#[tokio::test]
async fn whatever_ends_comes_back_or_ends_the_process() {
    let names: Vec<String> = {
        let gateway = Gateway::start().await;
        table(&gateway).into_iter().map(|(name, _)| name).collect()
    };
    for number in 0..names.len() {
        let mut gateway = Gateway::start().await;
        let (name, means) = table(&gateway).swap_remove(number);
        if means != Means::TheEnd {
            comes_back(&gateway, &name, means).await;
            serves(&gateway, 2 * reactors(&gateway)).await;
            continue;
        }
        let mut reader = gateway.listen(Transport::Sse1, ">").await;
        assert!(gateway.board.end(&name));
        let failure = gateway.failed().await;
        assert_eq!(failure.to_string(), format!("`{name}` was ended"));
        assert!(matches!(reader.next().await, Frame::Closing(_)), "readers are told to come back");
        assert_eq!(gateway.hub.client_count(), 0);
        let errors = gateway.take_errors();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(errors[0].contains(&format!("`{name}` was ended; the process ends")), "{errors:#?}");
    }
}

#[tokio::test]
async fn the_streams_of_a_reactor_end_with_it_and_no_new_one_hangs() {
    let gateway = Gateway::start().await;
    let count = reactors(&gateway);
    // They are assigned in turn.
    let mut readers = Vec::new();
    for _ in 0..2 * count {
        readers.push(gateway.listen(Transport::Sse1, "a").await);
    }
    gateway.push("a", "before").await;
    for reader in &mut readers {
        assert_eq!(reader.message().await, "before");
    }
    assert!(gateway.board.end("reactor-0"));
    for number in [0, count] {
        assert_eq!(readers[number].next().await, Frame::End);
    }
    gateway.clients(2 * (count - 1)).await;
    // A client comes back at once, whether the reactor does or not.
    let position = gateway.last();
    gateway.push("a", "meanwhile").await;
    let again =
        Reader::open(gateway.address, Transport::Sse1, Listen { after: Some(position), ..Listen::to("a") });
    let mut again = again.await;
    for (number, reader) in readers.iter_mut().enumerate().filter(|(number, _)| number % count != 0) {
        assert_eq!(reader.message().await, "meanwhile", "{number}");
    }
    assert_eq!(again.message().await, "meanwhile");
    until("the reactor", async || {
        gateway.board.rows().iter().all(|row| row.health == Health::Up).then_some(())
    })
    .await;
    drop((again, readers));
    gateway.clients(0).await;
    serves(&gateway, 2 * count).await;
    assert_eq!(gateway.take_errors().len(), 1);
}

#[tokio::test]
async fn whoever_asks_while_a_part_is_down_is_answered_when_it_is_back() {
    let gateway = Gateway::with(Engine::Memory, |config| config.retention.count = 5).await;
    for number in 0..4 {
        gateway.push("a", &number.to_string()).await;
    }
    for name in ["librarian", "sweeper", "listeners", &format!("accept {}", gateway.address)] {
        assert!(gateway.board.end(name));
        until("the end", async || {
            let rows = gateway.board.rows();
            rows.iter().any(|row| row.name == name && row.health == Health::Down).then_some(())
        })
        .await;
    }
    // Accepted once the listener accepts again, and read once the librarian reads again.
    let mut reader = Reader::open(gateway.address, Transport::Sse1, Listen::earliest("a")).await;
    assert_eq!(reader.messages(4).await, ["0", "1", "2", "3"]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = port.expect("a port").port();
    let told = gateway.tool(Era::Modern, "push_stream", json!({"message": "x", "port": port})).await;
    assert_eq!(told.member("url"), format!("http://127.0.0.1:{port}"));
    let name = format!("accept 127.0.0.1:{port}");
    assert!(gateway.board.rows().iter().any(|row| row.name == name), "what is opened is in the table, too");
    for number in 0..8 {
        gateway.push("a", &number.to_string()).await;
    }
    until("retention", async || (gateway.hub.extent().first == 9).then_some(())).await;
    assert_eq!(gateway.take_errors().len(), 4);
}

#[tokio::test]
async fn a_heart_beats_on_after_it_has_stopped() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.http.keepalive = Duration::from_millis(200);
    })
    .await;
    let mut raw = Raw::connect(gateway.address).await;
    assert!(gateway.board.end("heartbeat"));
    raw.get("/ws", "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n").await;
    // A ping, and the end for not answering it: both come with a beat.
    let said = raw.rest().await;
    assert_eq!(said[..2], [0x89, 0]);
    assert_eq!(gateway.take_errors().len(), 1);
}
