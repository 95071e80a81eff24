//! The round trip of one event: pushed over HTTP and received from every outlet.

use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use crate::cli::demo::own::Own;
use crate::cli::push::idempotency_key;
use fanfare_api::push::NewEvent;
use fanfare_client::websocket::Socket;
use fanfare_client::{Api, Error, Item, Listening, Notice, Wish};
use fanfare_core::EventType;

/// How long the round trip may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The result for one way of the event.
#[derive(Debug)]
pub(crate) struct Trip {
    /// The way: `push`, `sse`, `websocket` or `webhook`.
    pub(crate) way: &'static str,
    /// The time since the push, or what failed.
    pub(crate) result: Result<Duration, String>,
}

/// Pushes a sample event and waits for it at every outlet, including the demo's own webhook if there is one.
pub(crate) async fn round_trip(api: &Api, own: Option<&mut Own>) -> Vec<Trip> {
    match tokio::time::timeout(PATIENCE, pushed_and_heard(api, own)).await {
        Ok(Ok(trips)) => trips,
        Ok(Err(error)) => vec![Trip { way: "push", result: Err(error.to_string()) }],
        Err(_) => {
            let problem = format!("not finished within {} s", PATIENCE.as_secs());
            vec![Trip { way: "push", result: Err(problem) }]
        }
    }
}

async fn pushed_and_heard(api: &Api, own: Option<&mut Own>) -> Result<Vec<Trip>, Error> {
    let mut listening = Listening::new(api.clone(), Wish::default());
    while !matches!(listening.next().await?, Item::Notice(Notice::Connected { .. })) {}
    let mut socket = Socket::listen(api.server(), &[]).await?;
    let channel = "demo".parse().expect("a channel");
    let data = RawValue::from_string(r#"{"sample":true}"#.to_owned()).expect("JSON");
    let event = NewEvent {
        message: "round trip of one event".to_owned(),
        channel: Some(channel),
        event_type: Some(EventType::Success),
        data: Some(data),
        idempotency_key: Some(idempotency_key()),
        ..NewEvent::default()
    };
    let started = Instant::now();
    let push = async {
        let answer = api.push(&event).await;
        (answer, started.elapsed())
    };
    let webhook = async {
        match own {
            Some(own) => Some(own.event(started).await),
            None => None,
        }
    };
    let ((answer, accepted), sse, websocket, webhook) =
        tokio::join!(push, sse(&mut listening, started), websocket(&mut socket, started), webhook);
    let id = answer?.value.id.to_string();
    let checked = |heard: Result<(String, Duration), String>| {
        let (heard, elapsed) = heard?;
        if heard == id { Ok(elapsed) } else { Err(format!("received {heard} instead of {id}")) }
    };
    let mut trips = vec![
        Trip { way: "push", result: Ok(accepted) },
        Trip { way: "sse", result: checked(sse) },
        Trip { way: "websocket", result: checked(websocket) },
    ];
    trips.extend(webhook.map(|webhook| Trip { way: "webhook", result: checked(webhook) }));
    Ok(trips)
}

async fn sse(listening: &mut Listening, started: Instant) -> Result<(String, Duration), String> {
    loop {
        match listening.next().await {
            Ok(Item::Event(event)) => return Ok((event.value.id.to_string(), started.elapsed())),
            Ok(Item::Notice(Notice::Disconnected { problem, .. })) => return Err(problem),
            Ok(Item::Notice(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

async fn websocket(socket: &mut Socket, started: Instant) -> Result<(String, Duration), String> {
    match socket.next().await {
        Ok(Some(event)) => Ok((event.value.id.to_string(), started.elapsed())),
        Ok(None) => Err("the gateway closed the connection".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
