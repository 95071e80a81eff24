//! The requests of the generator, as bytes.

use std::net::SocketAddr;

pub(crate) fn get(host: SocketAddr, path: &str, accept: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n{headers}\r\n").into_bytes()
}

pub(crate) fn post_json(host: SocketAddr, path: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len}\r\n\r\n{body}"
    )
    .into_bytes()
}
