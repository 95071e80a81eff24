//! Echoes WebSocket messages through the code of `GET /ws`, for conformance suites: `websocket_echo --listen
//! 127.0.0.1:0`. It accepts a handshake from every client, on any path.

use std::error::Error;

use fanfare_server::net::frames;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A handshake is a few hundred bytes.
const HEAD_LEN_MAX: usize = 16 * 1024;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address = match arguments.as_slice() {
        [] => "127.0.0.1:0",
        [flag, address] if flag == "--listen" => address,
        _ => return Err("usage: websocket_echo [--listen ADDRESS]".into()),
    };
    let listener = TcpListener::bind(address).await?;
    anstream::eprintln!("listening on http://{}", listener.local_addr()?);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                connections.spawn(serve(stream));
            }
            // A client that disconnects is not an error here; the set only must not grow.
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let rest = shake_hands(&mut stream).await?;
    let mut wire = frames::messages(stream, rest).await;
    let farewell = loop {
        match wire.next().await? {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => wire.send(message).await.ok()?,
            Ok(_) => {}
            Err(error) => break frames::farewell(&error)?,
        }
    };
    frames::close(&mut wire, farewell).await;
    Some(())
}

/// Answers the handshake; returns the bytes after it.
async fn shake_hands(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let end = loop {
        if let Some(end) = head.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD) {
            break end;
        }
        if head.len() > HEAD_LEN_MAX || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    };
    let rest = head.split_off(end + END_OF_HEAD.len());
    let head = String::from_utf8(head).ok()?;
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    })?;
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    Some(rest)
}
