//! Listeners that stay: each gets every event of the log on one connection.

use std::{
    sync::atomic::Ordering,
    thread::{Scope, ScopedJoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{
    Soak,
    listener::Listener,
    visits::{hear_socket, hear_stream},
};
use crate::{
    client::{Stream, connect},
    pause::pause,
    wire::websocket::WebSocket,
};

const PATIENCE: Duration = Duration::from_millis(50);
/// Pause of the slow one after each read: it gets 64 KiB at a time.
const SLOW: Duration = Duration::from_millis(5);
/// Maximum time to read the rest once the log no longer grows.
const REST_DEADLINE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
enum Who {
    Text,
    Json,
    Slow,
    WebSocket,
}

pub(super) fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    soak: &'scope Soak,
) -> Vec<ScopedJoinHandle<'scope, ()>> {
    let stay = |who: Who| {
        scope.spawn(move || {
            if let Err(error) = stay(soak, who) {
                soak.load.complain(format!("a listener that stays ({who:?}): {error:#}"));
            }
        })
    };
    [Who::Text, Who::Json, Who::Slow, Who::WebSocket].map(stay).into()
}

fn stay(soak: &Soak, who: Who) -> Result<()> {
    let mut listener = Listener::default();
    let mut rest: Option<Instant> = None;
    let mut is_done = |listener: &Listener| {
        let end = soak.end.load(Ordering::Relaxed);
        if end == 0 {
            // Others may have failed.
            return Ok(soak.load.check().is_err());
        }
        let since = *rest.get_or_insert_with(Instant::now);
        ensure!(
            since.elapsed() < REST_DEADLINE,
            "it has {} of {end}, {REST_DEADLINE:?} after the last push",
            listener.last_seq
        );
        Ok(listener.last_seq >= end)
    };
    if matches!(who, Who::WebSocket) {
        let mut socket = WebSocket::open(connect(soak.server())?, soak.server(), "/ws")?;
        socket.patience(PATIENCE)?;
        socket.send(r#"{"op":"subscribe"}"#)?;
        while !is_done(&listener)? {
            ensure!(hear_socket(&mut socket, &mut listener)?, "the socket has ended");
        }
    } else {
        let query = if matches!(who, Who::Json) { "?format=json" } else { "" };
        let mut stream = Stream::open(soak.server(), &format!("/stream{query}"), "")?;
        stream.patience(PATIENCE)?;
        while !is_done(&listener)? {
            ensure!(hear_stream(&mut stream, &mut listener)?, "the stream has ended");
            if matches!(who, Who::Slow) {
                pause(SLOW);
            }
        }
    }
    soak.events.fetch_add(listener.events, Ordering::Relaxed);
    Ok(())
}
