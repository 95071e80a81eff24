//! MCP with a gateway, over a WebSocket.

use reqwest::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::api::{KEEPALIVE, Target, http};
use crate::error::{Error, Problem, innermost};

/// Messages in both directions.
pub type Socket = WebSocketStream<Upgraded>;

/// Maximum message: the gateway's largest answer is smaller.
const MESSAGE_LEN_MAX: usize = 64 * 1024 * 1024;

/// Connects, through any intermediaries that speak HTTP; `toolset` narrows the tools that the gateway offers.
pub async fn connect(target: &Target, toolset: Option<&str>) -> Result<Socket, Error> {
    match tokio::time::timeout(target.timeout, shake_hands(target, toolset)).await {
        Ok(connected) => connected,
        Err(_) => Err(Error::TimedOut { url: target.server.clone(), after: target.timeout }),
    }
}

async fn shake_hands(target: &Target, toolset: Option<&str>) -> Result<Socket, Error> {
    let url = &target.server;
    let failed = |error: &reqwest::Error| Error::from_http(error, url, target.timeout);
    let not_fanfare = |problem: String| Error::NotFanfare { url: url.clone(), problem };
    // An upgrade requires HTTP/1.1.
    let client = http(target, &["http/1.1"]).http1_only().build();
    let key = generate_key();
    let mut request = client
        .map_err(|error| not_fanfare(innermost(&error)))?
        .get(format!("{}/mcp", target.base()))
        .query(&[KEEPALIVE])
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key);
    if let Some(toolset) = toolset {
        request = request.query(&[("toolset", toolset)]);
    }
    if let Some(token) = &target.token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.map_err(|error| failed(&error))?;
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let problem = response.json::<Problem>().await;
        return Err(match problem {
            Ok(problem) => Error::Refused(Box::new(problem)),
            Err(_) if status.is_server_error() => {
                Error::Unreachable { url: url.clone(), problem: format!("it answered {status}") }
            }
            Err(_) => not_fanfare(format!("`/mcp` is not a WebSocket: it answered {status}")),
        });
    }
    let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| accept.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(not_fanfare("its WebSocket handshake is wrong".to_owned()));
    }
    let stream = response.upgrade().await.map_err(|error| failed(&error))?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LEN_MAX))
        .max_frame_size(Some(MESSAGE_LEN_MAX));
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await)
}
