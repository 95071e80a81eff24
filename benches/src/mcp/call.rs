//! A modern `tools/call` as bytes, in which only the id changes.

use std::net::SocketAddr;

use crate::wire::message;

/// Ids have ten digits, so that each fits in the place of the previous one.
pub(super) const FIRST_ID: u64 = 1_000_000_000;
pub(super) const CHANNEL: &str = "bench.mcp";
const VERSION: &str = "2026-07-28";
const TOOL: &str = "push_stream";

#[derive(Clone, Debug)]
pub(super) struct Call {
    bytes: Vec<u8>,
    id_at: usize,
}

impl Call {
    /// Creates a request on a keep-alive connection, with a message of `size` bytes.
    pub(super) fn http(server: SocketAddr, size: usize) -> Self {
        let body = body(size);
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {VERSION}\r\n\
             Mcp-Method: tools/call\r\nMcp-Name: {TOOL}\r\nContent-Length: {}\r\n\r\n",
            body.len(),
        );
        Self { id_at: head.len() + ID_AT, bytes: (head + &body).into_bytes() }
    }

    /// A line on a server's stdin.
    pub(super) fn line(size: usize) -> Self {
        Self { id_at: ID_AT, bytes: (body(size) + "\n").into_bytes() }
    }

    pub(super) fn with_id(&mut self, id: u64) -> &[u8] {
        let digits = id.to_string();
        self.bytes[self.id_at..self.id_at + digits.len()].copy_from_slice(digits.as_bytes());
        &self.bytes
    }
}

const BEFORE_ID: &str = r#"{"jsonrpc":"2.0","id":"#;
const ID_AT: usize = BEFORE_ID.len();

fn body(size: usize) -> String {
    let message = message::numbered(0, size);
    let meta = format!(
        r#"{{"io.modelcontextprotocol/protocolVersion":"{VERSION}","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{{"name":"fanfare-bench","version":"{}"}}}}"#,
        env!("CARGO_PKG_VERSION"),
    );
    let arguments = format!(r#"{{"channel":"{CHANNEL}","message":"{message}","type":"info"}}"#);
    format!(
        r#"{BEFORE_ID}{FIRST_ID},"method":"tools/call","params":{{"_meta":{meta},"name":"{TOOL}","arguments":{arguments}}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Call, FIRST_ID};
    use crate::wire::head::{Head, Length};

    #[test]
    fn a_call_is_json_with_the_id_that_it_was_given() {
        let mut line = Call::line(100);
        for id in [FIRST_ID, FIRST_ID + 12_345] {
            let bytes = line.with_id(id).to_vec();
            let call: Value = serde_json::from_slice(&bytes).expect("JSON");
            assert_eq!(call["id"], id);
            assert_eq!(call["params"]["arguments"]["message"].as_str().map(str::len), Some(100));
            assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
        }
    }

    #[test]
    fn over_http_the_length_is_that_of_the_body() {
        let mut call = Call::http("127.0.0.1:8000".parse().expect("an address"), 100);
        let bytes = call.with_id(FIRST_ID + 1).to_vec();
        let head = Head::parse(&bytes).expect("a head").expect("whole");
        assert_eq!(head.length, Length::Bytes(bytes.len() - head.len));
        let body: Value = serde_json::from_slice(&bytes[head.len..]).expect("JSON");
        assert_eq!(body["id"], FIRST_ID + 1);
    }
}
