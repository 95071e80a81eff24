//! A WebSocket subscription: enough to show that events arrive this way too.

use std::net::SocketAddr;

use fanfare_core::Pattern;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::answer::{Answer, Received};
use crate::error::{Error, innermost};

/// A subscribed socket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    server: String,
    address: Option<SocketAddr>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    op: &'a str,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

impl Socket {
    /// Connects to the gateway at `server` without TLS, and subscribes. Returns once later events would arrive.
    pub async fn listen(server: &str, patterns: &[Pattern]) -> Result<Socket, Error> {
        let refused = |error: &dyn std::error::Error| Error::Unreachable {
            url: server.to_owned(),
            problem: innermost(error),
        };
        let url = format!("{}/ws", server.replacen("http", "ws", 1));
        let (stream, _) = connect_async(url).await.map_err(|error| refused(&error))?;
        let address = match stream.get_ref() {
            MaybeTlsStream::Plain(stream) => stream.local_addr().ok(),
            _ => None,
        };
        let mut socket = Socket { stream, server: server.to_owned(), address };
        let request = serde_json::json!({ "op": "subscribe", "channels": patterns });
        socket.stream.send(Message::text(request.to_string())).await.map_err(|error| refused(&error))?;
        while let Some(text) = socket.text().await? {
            match read(&text, server)?.op {
                "subscribed" => return Ok(socket),
                "error" => return Err(not_understood(server, &text)),
                _ => {}
            }
        }
        Err(socket.lost("the gateway closed the connection"))
    }

    /// Returns the local address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Waits for the next event; `None` if the gateway has closed the socket. Cancelling loses nothing.
    pub async fn next(&mut self) -> Result<Option<Received>, Error> {
        while let Some(text) = self.text().await? {
            if let Frame { op: "event", event: Some(event) } = read(&text, &self.server)? {
                let received = Answer::read(event.get());
                return received.map(Some).map_err(|_| not_understood(&self.server, &text));
            }
        }
        Ok(None)
    }

    /// Waits for the next frame of text; the library answers pings.
    async fn text(&mut self) -> Result<Option<String>, Error> {
        while let Some(message) = self.stream.next().await {
            match message {
                Ok(Message::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                Ok(Message::Close(_)) => return Ok(None),
                Ok(Message::Binary(_) | Message::Frame(_) | Message::Ping(_) | Message::Pong(_)) => {}
                Err(error) => return Err(self.lost(&innermost(&error))),
            }
        }
        Ok(None)
    }

    fn lost(&self, problem: &str) -> Error {
        Error::AnswerLost { url: self.server.clone(), problem: problem.to_owned() }
    }
}

fn read<'a>(text: &'a str, server: &str) -> Result<Frame<'a>, Error> {
    serde_json::from_str(text).map_err(|_| not_understood(server, text))
}

fn not_understood(server: &str, text: &str) -> Error {
    const SHOWN_CHARS_MAX: usize = 200;
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    Error::NotFanfare { url: server.to_owned(), problem: format!("the WebSocket said {shown}") }
}
