//! MCP over a WebSocket: `GET /mcp` with an upgrade, one message per text frame. Hosts that support it connect this
//! way, and so does a `fanfare mcp` that has found a gateway.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use fanfare_core::{Peer, Principal};
use fanfare_mcp::json_rpc::{self, Message as RpcMessage};
use fanfare_mcp::{Error, Incoming};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, header};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WireError, Message, Utf8Bytes};

use crate::mcp::client::Client;
use crate::mcp::limits::MESSAGE_LEN_MAX;
use crate::mcp::outbox::Outbox;
use crate::mcp::session::Session;
use crate::mcp::transports::door::Door;
use crate::mcp::transports::duplex::{Calls, Waits};
use crate::mcp::transports::header_list::names;
use crate::mcp::transports::refusal::Refusal;
use crate::net::extended_connect::Multiplexed;
use crate::net::frames::{self, DISMISSED, FAREWELL_MAX, Farewell};
use crate::net::heartbeat::Beats;
use crate::net::metered::{Meter, Metered};
use crate::net::silence::{Silence, Unanswered};
use crate::net::takeover::{Outlet, RawConnection, Takeover};
use crate::net::tunnel::Tunnel;
use fanfare_hub::session::Wire as HubWire;
use fanfare_runtime::budget::Account;
use fanfare_runtime::shutdown::Shutdown;

/// The name of the subprotocol, for clients that request one.
const SUBPROTOCOL: &str = "mcp";
/// The close reason of a stopping gateway once every message it accepted from this client is answered: the rest was not
/// started, and can be sent to another gateway.
pub const ANSWERED: &str = "the gateway is stopping; every accepted message is answered";
/// Maximum answer: a page of history, written with escapes.
const WRITE_BUFFER_LEN_MAX: usize = 32 * 1024 * 1024;
/// Size of a write, if that much waits.
const BATCH_LEN_MAX: usize = 256 * 1024;
/// Maximum time that a client may stop reading.
const STALL_MAX: Duration = Duration::from_secs(60);
/// Maximum time for calls that are running when the gateway stops; less than the default limit of the stop.
const FINISH_MAX: Duration = Duration::from_secs(5);

type Wire = WebSocketStream<Metered<Tunnel>>;

/// Returns whether a client asks for a WebSocket.
pub fn is_asked(headers: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Multiplexed>().is_some()
        || headers.get(header::UPGRADE).is_some_and(|upgrade| names(upgrade, "websocket"))
}

/// Answers a handshake.
pub async fn get(
    State(door): State<Door>,
    Extension(principal): Extension<Principal>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let (client, beats) = (door.client(principal, peer, &parts)?, door.beats(&parts)?);
    accept(door, client, beats, &parts)
}

fn accept(door: Door, client: Client, beats: Beats, parts: &Parts) -> Result<Response, Refusal> {
    let response = frames::shake_hands(&Method::GET, &parts.headers, &parts.extensions, SUBPROTOCOL)
        .ok_or_else(|| {
            Error::invalid_request("this is not a WebSocket handshake; connect with a WebSocket client")
        })?;
    let outbox = Outbox::new(door.account(&client));
    let session = Session::moving_on(format!("{:032x}", rand::random::<u128>()), client, outbox);
    let whose = Arc::downgrade(&session);
    let ending = move || {
        if let Some(session) = whose.upgrade() {
            session.dismiss();
        }
    };
    door.attend(&session, HubWire::WebSocket, Some(Box::new(ending)))?;
    let converse = |switched| converse(door, session, beats, switched).boxed();
    Ok(Takeover::mark(response, Outlet::Protocol(Box::new(converse))))
}

/// Exchanges messages until one side closes.
async fn converse(
    door: Door,
    session: Arc<Session>,
    beats: Beats,
    RawConnection { tunnel, read, mut stop, sent }: RawConnection,
) {
    let account = door.account(&session.client);
    let stream = Metered::new(tunnel, read.len(), door.budget.hold(&session.client.caller()), sent);
    let meter = stream.meter();
    let wire = frames::messages_within(stream, read, MESSAGE_LEN_MAX, WRITE_BUFFER_LEN_MAX).await;
    let (mut sink, mut heard) = wire.split();
    let mut ended = session.ended();
    let silence = Silence::new(beats.interval());
    let mut calls = Calls::new(door.server.clone(), Arc::clone(&session));
    let farewell = {
        let writing = write_out(&session.outbox, &mut sink, beats, &silence);
        tokio::pin!(writing);
        let heard = tokio::select! {
            heard = hear(&account, &mut calls, &mut heard, &meter, &silence, &mut stop) => heard,
            farewell = &mut writing => InputEnd::End(farewell),
            () = ended.asked() => InputEnd::Dismissed,
        };
        match heard {
            InputEnd::End(farewell) => {
                session.end();
                farewell.or(session.is_dismissed().then_some(DISMISSED))
            }
            InputEnd::Dismissed => {
                // A client that reads nothing gets no close frame.
                tokio::time::timeout(FAREWELL_MAX, writing).await.ok().map(|_| DISMISSED)
            }
            InputEnd::Stop => {
                let finishing = async {
                    calls.forget_waiting();
                    let is_finished = calls.finish(FINISH_MAX, Waits::Cancel).await;
                    session.end();
                    is_finished
                };
                // The writer ends when everything is sent, or when it fails.
                let (is_finished, written) = tokio::join!(finishing, writing);
                written.or(Some(match is_finished {
                    true => (CloseCode::Away, ANSWERED),
                    false => (CloseCode::Error, "the gateway is stopping; not all calls were finished"),
                }))
            }
        }
    };
    if let (Some(farewell), Ok(mut wire)) = (farewell, sink.reunite(heard)) {
        frames::close(&mut wire, farewell).await;
    }
}

/// The reason that reading ended.
enum InputEnd {
    /// The connection ends, with a close frame if there is one.
    End(Option<Farewell>),
    /// An operator ended the session.
    Dismissed,
    /// The gateway is stopping.
    Stop,
}

/// Reads messages until there are no more.
async fn hear(
    account: &Account,
    calls: &mut Calls,
    heard: &mut SplitStream<Wire>,
    meter: &Meter,
    silence: &Silence,
    stop: &mut Shutdown,
) -> InputEnd {
    loop {
        let message = tokio::select! {
            // The stop comes first: a message that is read after it would be started in vain.
            biased;
            () = stop.asked() => return InputEnd::Stop,
            message = heard.next(), if calls.has_room() => match message {
                Some(message) => message,
                None => return InputEnd::End(None),
            },
            () = calls.progress() => continue,
        };
        silence.end();
        if let Ok(message) = &message {
            meter.finish(message.len());
        }
        match message {
            Ok(Message::Text(text)) => {
                let mut in_flight = account.hold();
                match in_flight.add(text.len()) {
                    Ok(()) => calls.take(text.as_bytes(), Some(in_flight)),
                    Err(_) => calls.refuse(too_much(text.as_bytes())),
                }
            }
            Ok(Message::Binary(_)) => {
                return InputEnd::End(Some((CloseCode::Unsupported, "send JSON in text frames")));
            }
            Ok(Message::Close(_) | Message::Frame(_) | Message::Ping(_) | Message::Pong(_)) => {}
            Err(WireError::Capacity(CapacityError::MessageTooLong { .. })) => {
                return InputEnd::End(Some((CloseCode::Size, "the message is larger than 4 MiB")));
            }
            Err(error) => return InputEnd::End(frames::farewell(&error)),
        }
    }
}

fn too_much(bytes: &[u8]) -> json_rpc::BadMessage {
    let id = match json_rpc::parse(bytes) {
        Ok(Incoming::One(RpcMessage::Request(request))) => Some(request.id),
        _ => None,
    };
    json_rpc::BadMessage { id, error: Error::busy("too many bytes are in flight right now") }
}

/// Writes all waiting messages of the outbox at once, and pings when a ping is due. Returns the close frame to send if
/// that fails; `None` if the outbox has ended or no one reads.
async fn write_out(
    outbox: &Outbox,
    sink: &mut SplitSink<Wire, Message>,
    mut beats: Beats,
    silence: &Silence,
) -> Option<Farewell> {
    let attachment = outbox.attach();
    let mut seq = 0;
    loop {
        let first = tokio::select! {
            first = outbox.next(attachment, seq) => first?,
            () = beats.next() => {
                if silence.ping() == Err(Unanswered) {
                    return Some((CloseCode::Policy, "pings were not answered"));
                }
                within(sink.send(Message::Ping(Vec::new().into()))).await?;
                continue;
            }
        };
        let (mut taken, mut len) = (Some(first), 0);
        while let Some(message) = taken {
            seq = message.seq;
            len += message.message.len();
            let text = Utf8Bytes::try_from(message.message).expect("what we write is JSON");
            within(sink.feed(Message::Text(text))).await?;
            taken = match len < BATCH_LEN_MAX {
                true => outbox.try_next(attachment, seq),
                false => None,
            };
        }
        within(sink.flush()).await?;
    }
}

/// Waits for a write, within [`STALL_MAX`]: a socket that accepts nothing for longer gets no close frame.
async fn within(write: impl Future<Output = Result<(), WireError>>) -> Option<()> {
    tokio::time::timeout(STALL_MAX, write).await.ok()?.ok()
}
