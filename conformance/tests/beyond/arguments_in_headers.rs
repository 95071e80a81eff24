//! `Mcp-Param-…`: headers that repeat arguments of a tool (2026-07-28, "Custom Headers from Tool Parameters").

use serde_json::{Value, json};

use crate::server::{Server, request};

/// Headers, arguments, and whether they match.
type Row<'a> = (&'a [(&'a str, &'a str)], Value, bool);

#[tokio::test]
async fn headers_that_repeat_arguments_say_the_same() {
    let server = Server::start();
    let rows: &[Row<'_>] = &[
        (&[], json!({}), true),
        (&[], json!({ "query": "not repeated" }), true),
        (&[], json!({ "region": null }), true),
        (&[("mcp-param-region", "eu")], json!({ "region": "eu" }), true),
        (&[("Mcp-Param-Region", "  eu ")], json!({ "region": "eu" }), true),
        (&[("mcp-param-region", "=?base64?w7xiZXI=?=")], json!({ "region": "über" }), true),
        (&[("mcp-param-region", "=?base64?ZXU=?=")], json!({ "region": "eu" }), true),
        (&[("mcp-param-region", "=?base64?IGV1IA==?=")], json!({ "region": " eu " }), true),
        (&[("mcp-param-unknown", "anything")], json!({}), true),
        (&[], json!({ "region": "eu" }), false),
        (&[("mcp-param-region", "EU")], json!({ "region": "eu" }), false),
        (&[("mcp-param-region", "eu")], json!({}), false),
        (&[("mcp-param-region", "eu")], json!({ "region": null }), false),
        (&[("mcp-param-region", "eu"), ("mcp-param-region", "eu")], json!({ "region": "eu" }), false),
        (&[("mcp-param-region", "=?base64?ZXU?=")], json!({ "region": "eu" }), false),
        (&[("mcp-param-region", "=?base64?/w==?=")], json!({ "region": "\u{ff}" }), false),
        (&[("mcp-param-priority", "42")], json!({ "priority": 42 }), true),
        (&[("mcp-param-priority", "42.0")], json!({ "priority": 42 }), true),
        (&[("mcp-param-priority", "-7")], json!({ "priority": -7 }), true),
        (&[("mcp-param-priority", "43")], json!({ "priority": 42 }), false),
        (&[("mcp-param-priority", "many")], json!({ "priority": 42 }), false),
        (&[("mcp-param-dry", "true")], json!({ "dry": true }), true),
        (&[("mcp-param-dry", "True")], json!({ "dry": true }), false),
        (&[("mcp-param-dry", "false")], json!({ "dry": true }), false),
        (&[("mcp-param-zone", "a")], json!({ "place": { "zone": "a" } }), true),
        (&[("mcp-param-zone", "b")], json!({ "place": { "zone": "a" } }), false),
        (&[], json!({ "place": { "zone": "a" } }), false),
    ];
    for (headers, arguments, fine) in rows {
        let params = json!({ "name": "test_parameter_headers", "arguments": arguments });
        let answer = server.modern(headers, json!({}), "tools/call", params.clone()).await;
        if *fine {
            assert_eq!(
                answer.last()["result"]["resultType"],
                "complete",
                "{headers:?} {arguments} {answer:?}"
            );
        } else {
            assert_eq!(answer.refused(), (400, -32020), "{headers:?} {arguments}");
        }
        // Legacy clients know nothing of it.
        let legacy = server.send(headers, &request(7, "tools/call", params)).await;
        assert_eq!(legacy.status, 200, "{headers:?} {arguments}");
        assert!(legacy.last()["result"]["content"].is_array(), "{headers:?} {arguments} {legacy:?}");
    }
}
