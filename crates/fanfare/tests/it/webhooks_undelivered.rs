//! `GET /api/deliveries` and `GET /api/attempts`: what is not delivered, and what was tried, over all webhooks.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::receiver::Receiver;
use crate::support::{Engine, until};
use crate::webhooks_api::register;

/// A delivery as its webhook and its event.
type Row = (String, String);

fn rows(page: &Value) -> Vec<Row> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let deliveries = page["deliveries"].as_array().expect("a list");
    deliveries.iter().map(|row| (text(&row["webhook_id"]), text(&row["event_id"]))).collect()
}

async fn page(gateway: &Gateway, query: &str) -> Value {
    let answer = gateway.get(&format!("/api/deliveries?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn deliveries_of_all_webhooks_come_in_pages_that_together_are_the_list() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        assert_eq!(page(&gateway, "").await, json!({"deliveries": []}));
        let receiver = Receiver::start().await;
        receiver.answer(500);
        let mut ids = Vec::new();
        for (path, channel, retry) in [
            ("/a", ">", json!([])),
            ("/b", "nothing", json!([])),
            ("/c", "odd", json!(["1h"])),
            ("/d", ">", json!([])),
        ] {
            let body = json!({"webhook_url": receiver.url_of(path), "channels": [channel], "retry": retry});
            let (path, _) = register(&gateway, body).await;
            ids.push(path.rsplit('/').next().expect("an id").to_owned());
        }
        for number in 0..5 {
            gateway.push(if number % 2 == 0 { "even" } else { "odd" }, "refused").await;
        }
        let at = |seq: u64| gateway.position(seq);
        let of = |id: usize, seqs: &[u64]| -> Vec<Row> {
            seqs.iter().map(|seq| (ids[id].clone(), at(*seq))).collect()
        };
        let all = [of(0, &[1, 2, 3, 4, 5]), of(2, &[2, 4]), of(3, &[1, 2, 3, 4, 5])].concat();
        until("all have failed", async || (rows(&page(&gateway, "").await) == all).then_some(())).await;
        for limit in 1..=13 {
            let (mut got, mut from, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let page = page(&gateway, &format!("limit={limit}{from}")).await;
                assert!(rows(&page).len() <= limit, "{page}");
                got.extend(rows(&page));
                pages += 1;
                let Some(cursor) = page["next_cursor"].as_str() else { break };
                from = format!("&cursor={cursor}");
            }
            assert_eq!((got, pages), (all.clone(), all.len().div_ceil(limit)), "by {limit}");
        }

        assert_eq!(rows(&page(&gateway, &format!("webhook_id={}", ids[3])).await), of(3, &[1, 2, 3, 4, 5]));
        assert_eq!(rows(&page(&gateway, "state=waiting").await), of(2, &[2, 4]));
        let failed = [of(0, &[1, 2, 3, 4, 5]), of(3, &[1, 2, 3, 4, 5])].concat();
        assert_eq!(rows(&page(&gateway, "state=failed").await), failed);
        let of_four = [of(0, &[4]), of(2, &[4]), of(3, &[4])].concat();
        assert_eq!(rows(&page(&gateway, &format!("event_id={}", at(4))).await), of_four);
        let first = page(&gateway, &format!("event_id={}&limit=2", at(4))).await;
        let cursor = first["next_cursor"].as_str().expect("there is more");
        let rest = page(&gateway, &format!("event_id={}&limit=2&cursor={cursor}", at(4))).await;
        assert_eq!((rows(&first), rows(&rest)), (of_four[..2].to_vec(), of_four[2..].to_vec()));

        // A page continues where it was, also if the webhook of its last row is gone.
        let half = page(&gateway, "limit=6").await;
        let cursor = half["next_cursor"].as_str().expect("there is more");
        gateway.request("DELETE", &format!("/api/webhooks/{}", ids[2]), |request| request).await;
        assert_eq!(rows(&page(&gateway, &format!("cursor={cursor}")).await), of(3, &[1, 2, 3, 4, 5]));
    }
}

#[tokio::test]
async fn what_names_no_webhook_or_place_is_refused() {
    let gateway = Gateway::start().await;
    gateway.get("/api/deliveries?webhook_id=wh_aaaaaaaaaaaaaaaa").await.problem(404, "not_found");
    for (query, at) in
        [("webhook_id=wh_x", "?webhook_id"), ("cursor=k3f9x2ab-1", "?cursor"), ("state=pending", "?state")]
    {
        let problem = gateway.get(&format!("/api/deliveries?{query}")).await.problem(400, "invalid_query");
        assert_eq!(problem["at"], at, "{problem}");
    }
    let receiver = Receiver::start().await;
    register(&gateway, json!({"webhook_url": receiver.url()})).await;
    let problem = gateway.get("/api/deliveries?event_id=zzzzzzzz-1").await.problem(400, "invalid_position");
    assert_eq!(problem["at"], "?event_id", "{problem}");
}

#[tokio::test]
async fn attempts_of_all_webhooks_come_in_pages_that_together_are_the_lists_of_each() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        assert_eq!(gateway.get("/api/attempts").await.json(), json!({"attempts": []}));
        let receiver = Receiver::start().await;
        let mut paths = Vec::new();
        // More than one call looks at.
        for number in 0..23 {
            let body = json!({"webhook_url": receiver.url_of(&format!("/{number}")), "channels": ["none"]});
            paths.push(register(&gateway, body).await.0);
        }
        for (index, status) in [(1, 500), (1, 200), (1, 500), (22, 500), (22, 200), (5, 500)] {
            receiver.answer(status);
            gateway.post_json(&format!("{}/test", paths[index]), &json!({})).await;
        }
        // In memory first, then only what the store has kept.
        for _ in 0..2 {
            let mut all = Vec::new();
            for path in &paths {
                let page = gateway.get(&format!("{path}/attempts")).await.json();
                all.extend(page["attempts"].as_array().expect("attempts").clone());
            }
            assert!(all.len() >= 6 || engine == Engine::Embedded, "{all:?}");
            for limit in 1..=7 {
                let (mut got, mut from) = (Vec::new(), String::new());
                loop {
                    let page = gateway.get(&format!("/api/attempts?limit={limit}{from}")).await.json();
                    let attempts = page["attempts"].as_array().expect("attempts");
                    assert!(attempts.len() <= limit, "{page}");
                    got.extend(attempts.clone());
                    let Some(cursor) = page["next_cursor"].as_str() else { break };
                    from = format!("&cursor={cursor}");
                }
                assert_eq!(got, all, "by {limit}");
            }
            let id = paths[22].rsplit('/').next().expect("an id");
            let failed = gateway.get(&format!("/api/attempts?webhook_id={id}&delivered=false")).await.json();
            assert_eq!(failed["attempts"].as_array().map(Vec::len), Some(1), "{failed}");
            assert_eq!(
                (&failed["attempts"][0]["webhook_id"], &failed["attempts"][0]["outcome"]),
                (&json!(id), &json!("http_5xx"))
            );
            if engine == Engine::Memory {
                break;
            }
            gateway = gateway.restart().await;
        }
        gateway.get("/api/attempts?webhook_id=wh_aaaaaaaaaaaaaaaa").await.problem(404, "not_found");
        gateway.get("/api/attempts?cursor=at_x").await.problem(400, "invalid_query");
    }
}
