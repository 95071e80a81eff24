//! The headers that repeat a request's body: nothing panics, and accepted headers match the body, word for word.

#![no_main]

use fanfare_mcp::headers::{METHOD, NAME, VERSION, annotated, check, check_name, check_params};
use fanfare_mcp::{Incoming, Message, json_rpc};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|input: (&[u8], &[u8], &[u8], &str, &str)| {
    let (version, method, name, body_method, body_name) = input;
    let mut headers = HeaderMap::new();
    for (header, bytes) in [(VERSION, version), (METHOD, method), (NAME, name), ("mcp-param-region", name)] {
        let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
        headers.insert(header, value);
    }
    if check(&headers, "2026-07-28", body_method).is_ok() {
        assert_eq!(version.trim_ascii(), b"2026-07-28");
        assert_eq!(method.trim_ascii(), body_method.as_bytes());
    }
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": body_name, "arguments": { "region": body_name } },
    });
    let Ok(Incoming::One(Message::Request(request))) = json_rpc::parse(body.to_string().as_bytes()) else {
        panic!("this is a request")
    };
    let named = check_name(&headers, "tools/call", &request.params).is_ok();
    let wanted =
        annotated(&json!({ "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } }));
    let arguments = json!({ "region": body_name }).to_string();
    // Both headers have the same bytes, and both members the same text.
    assert_eq!(named, check_params(&headers, &wanted, &arguments).is_ok());
});
