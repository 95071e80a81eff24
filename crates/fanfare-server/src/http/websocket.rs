//! `GET /ws`: one JSON protocol for subscribing and pushing; `docs/api.md` describes it.

use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use fanfare_core::new_event::PushBody;
use fanfare_core::refusal::Refusal;
use fanfare_core::socket_request::{self, Op, Subscribe};
use fanfare_core::{Caller, Code, Door, Peer, Principal, Via};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::http::Gateway;
use crate::http::query::Params;
use crate::net::frames::{self, Farewell};
use crate::net::guard;
use crate::net::heartbeat::Beats;
use crate::net::joined;
use crate::net::metered::{Meter, Metered};
use crate::net::takeover::{Outlet, RawConnection, Takeover};
use crate::problem::Problem;
use fanfare_hub::client::{NewClient, Transport};
use fanfare_hub::item::{Item, Wire};
use fanfare_hub::subscribe;
use fanfare_hub::subscription::Subscription;
use fanfare_runtime::shutdown::Shutdown;

/// The name of the subprotocol, for clients that request one.
const SUBPROTOCOL: &str = "fanfare.v1";

/// Subscribes and pushes over a WebSocket; `docs/api.md` has the protocol.
#[utoipa::path(
    get,
    path = "/ws",
    operation_id = "connectWebSocket",
    tag = "listen",
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
    Params::of(request.uri()).finish()?;
    let response =
        frames::shake_hands(request.method(), request.headers(), SUBPROTOCOL).ok_or_else(|| {
            Problem::new(
                Code::InvalidQuery,
                "this is not a WebSocket handshake",
                "connect with a WebSocket client, over HTTP/1.1: `ws://…/ws`",
            )
        })?;
    let via = guard::via(Door::WebSocket, peer, request.headers());
    let socket = Socket { gateway, principal, via };
    Ok(Takeover::mark(response, Outlet::Protocol(Box::new(|switched| Box::pin(socket.run(switched))))))
}

/// A WebSocket that is about to start.
#[derive(Debug)]
pub struct Socket {
    gateway: Gateway,
    principal: Principal,
    via: Via,
}

struct Conversation<S> {
    socket: Socket,
    wire: WebSocketStream<S>,
    /// Counts what the client has sent of a message.
    meter: Meter,
    subscription: Option<Subscription>,
    items: Vec<Item>,
    /// Whether a beat has passed since the last message from the client.
    silent: bool,
}

impl Socket {
    fn caller(&self) -> Caller {
        Caller::new(&self.principal, self.via.address)
    }

    /// Exchanges messages until one side closes.
    async fn run(self, RawConnection { stream, read, mut beats, mut stop, sent }: RawConnection) {
        let held = self.gateway.budget.hold(&self.caller());
        let stream = Metered::new(stream, read.len(), held, sent);
        let meter = stream.meter();
        let wire = frames::messages(stream, read).await;
        let mut conversation =
            Conversation { socket: self, wire, meter, subscription: None, items: Vec::new(), silent: false };
        if let Some(farewell) = conversation.run(&mut beats, &mut stop).await {
            frames::close(&mut conversation.wire, farewell).await;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    /// Runs until the socket ends; returns the close frame to send, if any.
    async fn run(&mut self, beats: &mut Beats, stop: &mut Shutdown) -> Option<Farewell> {
        const STOPPING: Farewell = (CloseCode::Away, "the gateway is stopping");
        loop {
            let step = tokio::select! {
                message = self.wire.next() => match message? {
                    Ok(message) => self.heard(message).await,
                    Err(error) => Err(frames::farewell(&error)),
                },
                ready = next_items(&mut self.subscription, &mut self.items) => match ready {
                    Ok(true) => self.send_items().await,
                    Ok(false) => Err(Some(STOPPING)),
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
        if std::mem::replace(&mut self.silent, true) {
            return Err(Some((CloseCode::Policy, "pings were not answered")));
        }
        self.say(Message::Ping(Vec::new().into())).await
    }

    async fn heard(&mut self, message: Message) -> Result<(), Option<Farewell>> {
        self.silent = false;
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
        self.say(Message::text(with_id(answer, id).to_string())).await
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
        let Subscribe { filter, start, reader, conflate } = subscribe;
        let client = NewClient { transport: Transport::WebSocket, address: self.socket.via.address, reader };
        let hub = &self.socket.gateway.hub;
        let request = subscribe::Request { filter, start, conflate, client };
        self.subscription = Some(hub.subscribe(&self.socket.principal, request).await?);
        Ok(json!({"op": "subscribed", "position": hub.last()}))
    }

    /// Sends the bytes of the subscription, which all subscribers of its feed share, past the framing layer, whose
    /// buffer is empty after a flush.
    async fn send_items(&mut self) -> Result<(), Option<Farewell>> {
        let mut items = std::mem::take(&mut self.items);
        let mut rest = &items[..];
        while let Some((bytes, count)) = joined::join(rest, Wire::WebSocket) {
            self.write_out(&bytes).await?;
            let counts = &self.socket.gateway.counts;
            counts.writes.inc();
            counts.sent_bytes.inc_by(bytes.len() as u64);
            if let Some(subscription) = &mut self.subscription {
                for item in &rest[..count] {
                    subscription.advance(item, item.len());
                }
            }
            rest = &rest[count..];
        }
        items.clear();
        self.items = items;
        Ok(())
    }

    /// Writes whole frames as fast as the socket accepts them: only progress counts.
    async fn write_out(&mut self, bytes: &[u8]) -> Result<(), Option<Farewell>> {
        /// Time without progress after which a socket is shown as stalled.
        const NOTICED: Duration = Duration::from_secs(1);
        let limit = self.socket.gateway.config.stall_timeout;
        within(limit, self.wire.flush()).await?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let write = self.wire.get_mut().write(rest);
            tokio::pin!(write);
            let taken = match tokio::time::timeout(NOTICED.min(limit), write.as_mut()).await {
                Ok(taken) => taken.map_err(|_| None)?,
                Err(_) => {
                    let subscription = self.subscription.as_ref();
                    subscription.inspect(|subscription| subscription.set_stalled(true));
                    let taken = within(limit, async { Ok(write.await?) }).await?;
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
