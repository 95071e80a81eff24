//! Lists, page by page: `limit`, `cursor` and `next_cursor` mean the same on each of them.

use serde_json::{Value, json};

use crate::cli;
use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::reader::{Listen, Reader, Transport};
use crate::support::tools::Era;

/// The number of rows in each list: not a multiple of the page.
const ROWS: usize = 5;

/// The routes of the lists, with the member of their rows.
const LISTS: [(&str, &str); 6] = [
    ("/api/channels?", "channels"),
    ("/api/clients?", "clients"),
    ("/api/readers?", "readers"),
    ("/api/webhooks?", "webhooks"),
    ("/api/webhooks?details=true&", "webhooks"),
    ("/api/webhooks?details=true&", "items"),
];

#[tokio::test]
async fn every_list_comes_in_pages_that_together_are_the_list() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let _clients = fill(&gateway).await;
        for (path, rows) in LISTS {
            let whole = gateway.get(path).await.json();
            assert_eq!((rows_of(&whole, rows).len(), &whole["total"]), (ROWS, &json!(ROWS)), "{path}");
            assert!(whole.get("next_cursor").is_none(), "{whole}");
            for limit in [1, 2, 4, ROWS, 1_000] {
                let (mut got, mut from, mut pages) = (Vec::new(), String::new(), 0);
                loop {
                    let page = gateway.get(&format!("{path}limit={limit}{from}")).await.json();
                    assert!(rows_of(&page, rows).len() <= limit && page["total"] == ROWS, "{page}");
                    got.extend(rows_of(&page, rows));
                    pages += 1;
                    let Some(cursor) = page["next_cursor"].as_str() else { break };
                    from = format!("&cursor={cursor}");
                }
                assert_eq!((got, pages), (rows_of(&whole, rows), ROWS.div_ceil(limit)), "{path} by {limit}");
            }
        }
    }
}

#[tokio::test]
async fn wrong_limits_and_cursors_are_refused() {
    let gateway = Gateway::start().await;
    for (path, _) in LISTS {
        for (query, at) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=x", "limit"),
            ("cursor=%20", "cursor"),
            ("cursors=1", "cursors"),
        ] {
            let problem = gateway.get(&format!("{path}{query}")).await.problem(400, "invalid_query");
            assert!(
                problem["at"].as_str().is_some_and(|place| place.contains(at)),
                "{path}{query}: {problem}"
            );
        }
    }
}

#[tokio::test]
async fn a_row_that_is_gone_does_not_break_the_next_page() {
    let gateway = Gateway::start().await;
    for number in 0..3 {
        register(&gateway, number).await;
    }
    let page = gateway.get("/api/webhooks?details=true&limit=1").await.json();
    let first = page["items"][0]["id"].as_str().expect("an id");
    let removed = gateway.request("DELETE", &format!("/api/webhooks/{first}"), |request| request).await;
    assert_eq!(removed.status, 200);
    let cursor = page["next_cursor"].as_str().expect("there is more");
    let rest = gateway.get(&format!("/api/webhooks?cursor={cursor}")).await.json();
    assert_eq!(rest["webhooks"], json!([url(1), url(2)]));
    assert_eq!(rest["total"], 2);
}

#[tokio::test]
async fn an_agent_reads_on_where_a_page_ended() {
    let gateway = Gateway::start().await;
    let _clients = fill(&gateway).await;
    for era in Era::ALL {
        for kind in ["channels", "clients", "webhooks"] {
            let whole = gateway.tool(era, "list_targets", json!({ "kind": kind })).await.structured;
            assert_eq!((rows_of(&whole, kind).len(), whole.get("next_cursor")), (ROWS, None), "{whole}");
            let (mut got, mut arguments) = (Vec::new(), json!({ "kind": kind, "limit": 2 }));
            loop {
                let page = gateway.tool(era, "list_targets", arguments.clone()).await;
                assert_eq!(page.structured[format!("{kind}_total")], ROWS);
                got.extend(rows_of(&page.structured, kind));
                let Some(cursor) = page.structured["next_cursor"].as_str() else { break };
                assert!(page.text.contains(&format!("\"cursor\": \"{cursor}\"")), "{}", page.text);
                arguments["cursor"] = json!(cursor);
            }
            assert_eq!(got, rows_of(&whole, kind), "{kind}");
            let wrong = json!({ "kind": kind, "cursor": ".." });
            let refused = gateway.tool_error(era, "list_targets", wrong).await;
            assert!(refused.contains("`next_cursor`"), "{refused}");
        }
        let all = gateway.tool(era, "list_targets", json!({ "limit": 2 })).await.structured;
        assert!(all.get("next_cursor").is_none(), "three lists have no common cursor: {all}");
        let refused = gateway.tool_error(era, "list_targets", json!({ "cursor": "1" })).await;
        assert!(refused.contains("`kind`"), "{refused}");
    }
}

#[tokio::test]
async fn the_command_line_reads_every_page() {
    const CHANNELS: usize = 1_001;
    let gateway = cli::Gateway::start().await;
    let lines: String =
        (0..CHANNELS).map(|number| format!("{{\"message\":\"x\",\"channel\":\"c{number:04}\"}}\n")).collect();
    assert_eq!(gateway.shell.run_with(&["push", "--ndjson"], &lines).await.code, 0);
    let names: String = (0..CHANNELS).map(|number| format!("c{number:04}\n")).collect();
    assert_eq!(gateway.run(&["channels", "-o", "raw"]).await.out, names);
    let all = gateway.json(&["channels"]).await;
    assert_eq!((rows_of(&all, "channels").len(), &all["total"]), (CHANNELS, &json!(CHANNELS)));
    assert!(all.get("next_cursor").is_none(), "the list is whole: {}", all["total"]);
    gateway.stop().await;
}

fn rows_of(page: &Value, rows: &str) -> Vec<Value> {
    page[rows].as_array().unwrap_or_else(|| panic!("no {rows}: {page}")).clone()
}

fn url(number: usize) -> String {
    format!("http://localhost:9/{number}")
}

async fn register(gateway: &Gateway, number: usize) {
    let body = json!({ "webhook_url": url(number), "channels": ["none"] });
    assert_eq!(gateway.post_json("/api/register", &body).await.status, 200);
}

/// Makes [`ROWS`] channels, clients with a durable reader each, and webhooks.
async fn fill(gateway: &Gateway) -> Vec<Reader> {
    let mut clients = Vec::new();
    for number in 0..ROWS {
        gateway.push(&format!("channel{number}"), "x").await;
    }
    for number in 0..ROWS {
        register(gateway, number).await;
        let listen = Listen { reader: Some(format!("reader{number}")), ..Listen::to("none") };
        clients.push(gateway.open(Transport::Sse1, listen).await);
    }
    clients
}
