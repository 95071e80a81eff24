//! A WebSocket client.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::soon;

#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) wire: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// A message of the gateway.
#[derive(Debug)]
pub(crate) enum Said {
    /// Goodbye: the code and the reason.
    Close(u16, String),
    /// The connection ended without a close frame.
    End,
    Json(Value),
    Ping,
}

impl Socket {
    pub(crate) async fn open(address: SocketAddr) -> Socket {
        let request = format!("ws://{address}/ws").into_client_request().expect("a request");
        let (wire, _) =
            soon("a handshake", tokio_tungstenite::connect_async(request)).await.expect("a handshake");
        Socket { wire }
    }

    pub(crate) async fn send(&mut self, message: Message) {
        soon("a write", self.wire.send(message)).await.expect("a write");
    }

    pub(crate) async fn say(&mut self, request: &Value) {
        self.send(Message::text(request.to_string())).await;
    }

    /// Returns the next message, including pings.
    pub(crate) async fn hear(&mut self) -> Said {
        match soon("a WebSocket message", self.wire.next()).await {
            Some(Ok(Message::Text(text))) => Said::Json(serde_json::from_str(&text).expect("JSON")),
            Some(Ok(Message::Ping(_))) => Said::Ping,
            Some(Ok(Message::Close(Some(frame)))) => Said::Close(frame.code.into(), frame.reason.to_string()),
            Some(Ok(other)) => panic!("unexpected: {other:?}"),
            Some(Err(_)) | None => Said::End,
        }
    }

    /// Returns the next JSON.
    pub(crate) async fn json(&mut self) -> Value {
        loop {
            match self.hear().await {
                Said::Json(value) => return value,
                Said::Ping => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    /// Sends a request and returns the answer, which must be the next message.
    pub(crate) async fn ask(&mut self, request: Value) -> Value {
        self.say(&request).await;
        self.json().await
    }

    /// Returns the close frame, skipping messages before it.
    pub(crate) async fn goodbye(&mut self) -> (u16, String) {
        loop {
            match self.hear().await {
                Said::Close(code, reason) => return (code, reason),
                Said::Json(_) | Said::Ping => {}
                Said::End => panic!("the socket ended without a goodbye"),
            }
        }
    }
}
