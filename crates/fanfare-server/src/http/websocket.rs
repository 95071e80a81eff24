//! `GET /ws`: one JSON protocol for subscribing and pushing; `docs/api.md` describes it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use fanfare_api::query;
use fanfare_core::line_ends;
use fanfare_core::new_event::PushBody;
use fanfare_core::refusal::Refusal;
use fanfare_core::socket_request::{self, Op, Subscribe};
use fanfare_core::{Caller, Code, Door, Peer, Principal, Via};
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::http::Gateway;
use crate::http::query::Params;
use crate::net::frames::{self, DISMISSED, FAREWELL_MAX, Farewell};
use crate::net::guard;
use crate::net::heartbeat::Beats;
use crate::net::joined;
use crate::net::limits::KEPT_LEN_MAX;
use crate::net::metered::{Meter, Metered};
use crate::net::silence::{Silence, Unanswered};
use crate::net::takeover::{Outlet, RawConnection, Takeover};
use crate::problem::Problem;
use fanfare_hub::client::{Client, NewClient, Transport};
use fanfare_hub::item::{Item, Wire};
use fanfare_hub::subscribe;
use fanfare_hub::subscription::Subscription;
use fanfare_runtime::shutdown::Shutdown;

/// The name of the subprotocol, for clients that request one.
const SUBPROTOCOL: &str = "fanfare.v1";
/// Maximum bytes that are copied to write several items at once.
const JOINED_LEN_MAX: usize = 64 * 1024;

/// Subscribes and pushes over a WebSocket; `docs/api.md` has the protocol.
#[utoipa::path(
    get,
    path = "/ws",
    operation_id = "connectWebSocket",
    tag = "listen",
    params(query::Keepalive),
    responses(
        (status = 101, description = "The WebSocket (RFC 6455)"),
    ),
)]
pub async fn connect(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Principal>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Problem> {
    let mut params = Params::of(request.uri());
    let keepalive = params.keepalive()?.unwrap_or(gateway.beats.interval());
    params.finish(&gateway.foreign)?;
    let response =
        frames::shake_hands(request.method(), request.headers(), request.extensions(), SUBPROTOCOL)
            .ok_or_else(|| {
                Problem::new(
                    Code::InvalidQuery,
                    "this is not a WebSocket handshake",
                    "connect with a WebSocket client: `ws://…/ws`",
                )
            })?;
    let via = guard::via(Door::WebSocket, peer, request.headers());
    let socket = Socket { gateway, principal, via, keepalive };
    Ok(Takeover::mark(response, Outlet::Protocol(Box::new(|switched| Box::pin(socket.run(switched))))))
}

/// A WebSocket that is about to start.
#[derive(Debug)]
pub struct Socket {
    gateway: Gateway,
    principal: Principal,
    via: Via,
    /// The interval of pings.
    keepalive: Duration,
}

/// The close frame of a gateway that is stopping.
const STOPPING: Farewell = (CloseCode::Away, "the gateway is stopping");

struct Conversation<S> {
    socket: Socket,
    wire: WebSocketStream<S>,
    /// Counts what the client has sent of a message.
    meter: Meter,
    subscription: Option<Subscription>,
    items: Vec<Item>,
    silence: Silence,
}

impl Socket {
    fn caller(&self) -> Caller {
        Caller::new(&self.principal, self.via.address)
    }

    /// Exchanges messages until one side closes.
    async fn run(self, RawConnection { tunnel, read, mut stop, sent }: RawConnection) {
        let (mut beats, silence) = (self.gateway.beats.every(self.keepalive), Silence::new(self.keepalive));
        let held = self.gateway.budget.hold(&self.caller());
        let stream = Metered::new(tunnel, read.len(), held, sent);
        let meter = stream.meter();
        let wire = frames::messages(stream, read).await;
        let mut conversation =
            Conversation { socket: self, wire, meter, subscription: None, items: Vec::new(), silence };
        if let Some(farewell) = conversation.run(&mut beats, &mut stop).await {
            frames::close(&mut conversation.wire, farewell).await;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    /// Runs until the socket ends; returns the close frame to send, if any.
    async fn run(&mut self, beats: &mut Beats, stop: &mut Shutdown) -> Option<Farewell> {
        loop {
            let client = self.subscription.as_ref().map(|subscription| Arc::clone(subscription.client()));
            let step = tokio::select! {
                message = self.wire.next() => match message? {
                    Ok(message) => unless_dismissed(client.as_deref(), self.heard(message)).await,
                    Err(error) => Err(frames::farewell(&error)),
                },
                ready = next_items(&mut self.subscription, &mut self.items) => match ready {
                    Ok(true) => unless_dismissed(client.as_deref(), self.send_items()).await,
                    Ok(false) => Err(Some(ending(client.as_deref()))),
                    Err(error) => {
                        tracing::error!(%error, "the log could not be read for a WebSocket");
                        Err(Some((CloseCode::Error, "the log could not be read")))
                    }
                },
                () = beats.next() => self.beat().await,
                // A durable reader gets its notice from the subscription, after the events before it.
                () = stop.asked(), if self.subscription.is_none() => Err(Some(STOPPING)),
            };
            if let Err(farewell) = step {
                return farewell;
            }
        }
    }

    async fn beat(&mut self) -> Result<(), Option<Farewell>> {
        self.silence.ping().map_err(|Unanswered| Some((CloseCode::Policy, "pings were not answered")))?;
        self.say(Message::Ping(Vec::new().into())).await
    }

    async fn heard(&mut self, message: Message) -> Result<(), Option<Farewell>> {
        self.silence.end();
        self.meter.finish(message.len());
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(Some((CloseCode::Unsupported, "send JSON in text frames"))),
            Message::Close(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
        };
        let source = self.socket.via.source(&self.socket.principal);
        let mut in_flight = self.socket.gateway.budget.hold(&self.socket.caller());
        let request = socket_request::parse(&text, &source);
        let (id, is_publish) = match &request {
            Ok(request) => (request.id.clone(), matches!(request.op, Op::Publish(_))),
            Err(refused) => (refused.id.clone(), refused.is_publish),
        };
        let answer = match (in_flight.add(text.len()), request) {
            (Ok(()), Ok(request)) => self.answer(request.op).await,
            (Ok(()), Err(refused)) => Err(refused.why.into()),
            (Err(over), _) => Err(over.into()),
        };
        let answer = answer.unwrap_or_else(|problem| {
            if is_publish {
                self.socket.gateway.hub.count_refused_push(problem.0.code);
            }
            json!({"op": "error", "error": problem.body()})
        });
        let answer = String::from_utf8(line_ends::written(&with_id(answer, id))).expect("JSON is text");
        self.say(Message::text(answer)).await
    }

    async fn answer(&mut self, op: Op) -> Result<Value, Problem> {
        let hub = &self.socket.gateway.hub;
        match op {
            Op::Ack(position) => {
                let reader =
                    self.subscription.as_ref().and_then(|subscription| subscription.client().reader.clone());
                let reader = reader.ok_or_else(|| {
                    Problem::new(
                        Code::InvalidReader,
                        "this socket is not subscribed as a durable reader",
                        "subscribe with `\"reader\": \"NAME\"` first",
                    )
                })?;
                let row = hub.acknowledge(&self.socket.principal, &reader, position).await?;
                Ok(json!({"op": "acked", "position": row.acknowledged}))
            }
            Op::Ping => Ok(json!({"op": "pong"})),
            Op::Publish(pushed) => {
                let is_list = matches!(pushed, PushBody::Batch(_));
                let published =
                    hub.publish(&self.socket.principal, &self.socket.via, pushed.into_events()).await;
                let published = published.map_err(|error| match is_list {
                    true => Refusal::from(error).in_list("/events"),
                    false => Refusal::from(error).in_event("/event"),
                })?;
                let ids: Vec<_> = published.appended.iter().map(|appended| appended.event.position).collect();
                Ok(json!({"op": "published", "ids": ids, "stream_clients": published.stream_clients}))
            }
            Op::Subscribe(subscribe) => self.subscribe(subscribe).await,
            Op::Unsubscribe => {
                let position =
                    self.subscription.take().map_or(hub.last(), |subscription| subscription.position());
                Ok(json!({"op": "unsubscribed", "position": position}))
            }
        }
    }

    async fn subscribe(&mut self, subscribe: Subscribe) -> Result<Value, Problem> {
        let Subscribe { filter, start, reader, conflate, shed } = subscribe;
        let Via { address, agent, .. } = self.socket.via.clone();
        let client = NewClient { transport: Transport::WebSocket, address, agent, reader, session: None };
        let hub = &self.socket.gateway.hub;
        let request = subscribe::Request { filter, start, conflate, shed, client };
        let subscription = hub.subscribe(&self.socket.principal, request).await?;
        let overlooked = subscription.overlooked();
        self.subscription = Some(subscription);
        Ok(match overlooked.is_empty() {
            true => json!({"op": "subscribed", "position": hub.last()}),
            false => json!({"op": "subscribed", "position": hub.last(), "overlooked": overlooked}),
        })
    }

    /// Sends the bytes of the subscription, which all subscribers of its feed share, past the framing layer, whose
    /// buffer is empty after a flush. Returns between two events, where other frames may follow.
    async fn send_items(&mut self) -> Result<(), Option<Farewell>> {
        within(self.socket.gateway.config.stall_timeout, self.wire.flush()).await?;
        loop {
            self.write_some().await?;
            let Some(subscription) = self.subscription.as_mut().filter(|cursor| cursor.is_within_event())
            else {
                return Ok(());
            };
            match subscription.ready(&mut self.items).await {
                Ok(true) => {}
                // The rest of the event is gone, and in the middle of a frame there can be no close frame.
                Ok(false) => return Err(None),
                Err(error) => {
                    tracing::error!(%error, "the log could not be read for a WebSocket");
                    return Err(None);
                }
            }
        }
    }

    /// Writes what the socket accepts of the items now, or waits until it has accepted a little.
    async fn write_some(&mut self) -> Result<(), Option<Farewell>> {
        const WIRE: Wire = Wire::WebSocket;
        let Some(subscription) = &mut self.subscription else { return Ok(()) };
        let Some((bytes, count)) = joined::join(subscription, &self.items, WIRE, JOINED_LEN_MAX) else {
            return Ok(());
        };
        let (taken, mut kept) = match self.wire.get_mut().write(&bytes).now_or_never() {
            Some(Ok(len)) if len > 0 || bytes.is_empty() => (len, Vec::new()),
            Some(_) => return Err(None),
            // A client that does not read keeps this much in memory, and its place in the log.
            None => {
                let kept = bytes[..bytes.len().min(KEPT_LEN_MAX)].to_vec();
                (kept.len(), kept)
            }
        };
        let counts = &self.socket.gateway.counts;
        counts.writes.inc();
        counts.sent_bytes.inc_by(taken as u64);
        let rest_of_notice = subscription.sent(&self.items[..count], WIRE, taken);
        kept.extend_from_slice(&rest_of_notice.unwrap_or_default());
        drop(bytes);
        self.items.clear();
        if !kept.is_empty() {
            subscription.let_go();
        }
        self.write_out(&kept).await
    }

    /// Writes all of `bytes` as fast as the socket accepts them: only progress counts.
    async fn write_out(&mut self, bytes: &[u8]) -> Result<(), Option<Farewell>> {
        /// Time without progress after which a socket is shown as stalled.
        const NOTICED: Duration = Duration::from_secs(1);
        let limit = self.socket.gateway.config.stall_timeout;
        let mut rest = bytes;
        while !rest.is_empty() {
            let write = self.wire.get_mut().write(rest);
            tokio::pin!(write);
            let taken = match tokio::time::timeout(NOTICED.min(limit), write.as_mut()).await {
                Ok(taken) => taken.map_err(|_| None)?,
                Err(_) => {
                    if let Some(subscription) = &mut self.subscription {
                        subscription.set_stalled(true);
                        // Those that read, if slowly, should have the room.
                        subscription.forget_page();
                    }
                    let taken = within(limit, async { Ok(write.await?) }).await?;
                    let subscription = self.subscription.as_ref();
                    subscription.inspect(|subscription| subscription.set_stalled(false));
                    taken
                }
            };
            if taken == 0 {
                return Err(None);
            }
            rest = &rest[taken..];
        }
        Ok(())
    }

    async fn say(&mut self, message: Message) -> Result<(), Option<Farewell>> {
        within(self.socket.gateway.config.stall_timeout, self.wire.send(message)).await
    }
}

/// Waits for items of a subscription; forever if there is none.
async fn next_items(
    subscription: &mut Option<Subscription>,
    items: &mut Vec<Item>,
) -> Result<bool, fanfare_hub::values::Error> {
    match subscription {
        Some(subscription) => subscription.ready(items).await,
        None => std::future::pending().await,
    }
}

/// Returns the close frame of a socket whose subscription has ended.
fn ending(client: Option<&Client>) -> Farewell {
    match client.is_some_and(Client::is_dismissed) {
        true => DISMISSED,
        false => STOPPING,
    }
}

/// Does `step`. A client that an operator disconnects meanwhile has [`FAREWELL_MAX`] left for it: one that reads nothing
/// gets no close frame.
async fn unless_dismissed(
    client: Option<&Client>,
    step: impl Future<Output = Result<(), Option<Farewell>>>,
) -> Result<(), Option<Farewell>> {
    let Some(client) = client else { return step.await };
    let dismissed = async {
        client.dismissed().await;
        tokio::time::sleep(FAREWELL_MAX).await;
    };
    tokio::select! {
        biased;
        done = step => done,
        () = dismissed => Err(None),
    }
}

/// Limits the time of a write; a socket that accepts nothing for longer gets no close frame.
async fn within<T>(
    limit: Duration,
    write: impl Future<Output = Result<T, Error>>,
) -> Result<T, Option<Farewell>> {
    match tokio::time::timeout(limit, write).await {
        Ok(Ok(taken)) => Ok(taken),
        Ok(Err(_)) | Err(_) => Err(None),
    }
}

fn with_id(mut answer: Value, id: Option<Value>) -> Value {
    if let (Some(id), Value::Object(members)) = (id, &mut answer) {
        members.insert("id".to_owned(), id);
    }
    answer
}
