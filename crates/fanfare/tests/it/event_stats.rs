//! Events over time, and the search of everything that was written.

use serde_json::{Value, json};

use crate::cli::Shell;
use crate::support::Engine;
use crate::support::gateway::Gateway;

async fn stats(gateway: &Gateway, query: &str) -> Value {
    let stats = gateway.get(&format!("/api/stats/events?{query}")).await.json();
    let sum = |name: &str| -> u64 {
        let buckets = stats["buckets"].as_array().expect("buckets");
        buckets.iter().map(|bucket| bucket[name].as_u64().expect("a number")).sum()
    };
    for name in ["events", "warnings", "errors"] {
        assert_eq!(stats["total"][name], sum(name), "{stats}");
    }
    stats
}

async fn total(gateway: &Gateway, query: &str) -> Value {
    stats(gateway, query).await["total"].clone()
}

fn counts(events: u64, warnings: u64, errors: u64) -> Value {
    json!({"events": events, "warnings": warnings, "errors": errors})
}

#[tokio::test]
async fn events_are_counted_over_time_as_the_history_selects_them() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let none = stats(&gateway, "").await;
        assert_eq!((&none["total"], &none["complete"]), (&counts(0, 0, 0), &json!(true)), "{none}");

        let event = |channel: &str, event_type: &str, message: &str| json!({"channel": channel, "type": event_type, "message": message});
        gateway
            .push_batch(vec![
                event("a.b", "info", "web built"),
                event("a.b", "error", "web failed"),
                event("a.c", "warning", "api slow"),
                event("b", "deployed", "api live"),
            ])
            .await;
        for (query, wanted) in [
            ("", counts(4, 1, 1)),
            ("since=1h", counts(4, 1, 1)),
            ("until=1h", counts(0, 0, 0)),
            ("channel=a.*", counts(3, 1, 1)),
            ("type=error&type=deployed", counts(2, 0, 1)),
            ("text=WEB", counts(2, 0, 1)),
            ("search=a.C", counts(1, 1, 0)),
        ] {
            assert_eq!(total(&gateway, query).await, wanted, "{query} on {engine:?}");
        }

        // A bucket starts at a whole multiple of its width, and the last one has the present.
        let hour = stats(&gateway, "since=1h&bucket=1m").await;
        let buckets = hour["buckets"].as_array().expect("buckets");
        assert!((61..=62).contains(&buckets.len()), "{}", buckets.len());
        assert!(
            buckets.iter().all(|one| one["started_at"].as_str().expect("a time").contains(":00.")),
            "{hour}"
        );
        let newest: u64 =
            buckets[buckets.len() - 2..].iter().map(|one| one["events"].as_u64().expect("a number")).sum();
        assert_eq!((newest, &hour["bucket"]), (4, &json!("1m")));
        assert_eq!(stats(&gateway, "since=24h").await["bucket"], "15m");

        let id = gateway.push("a.b", "purged soon").await;
        assert_eq!(total(&gateway, "").await["events"], 5);
        gateway.request("DELETE", &format!("/api/events/{id}"), |request| request).await;
        assert_eq!(total(&gateway, "").await["events"], 4);

        for (query, at) in
            [("since=7d&bucket=1s", "?bucket"), ("bucket=1ms", "?bucket"), ("since=soon", "?since")]
        {
            let problem = gateway.get(&format!("/api/stats/events?{query}")).await.json();
            assert_eq!((&problem["status"], &problem["at"]), (&json!(400), &json!(at)), "{problem}");
        }
    }
}

#[tokio::test]
async fn a_large_log_is_counted_in_part_and_the_answer_says_from_when() {
    let gateway = Gateway::start().await;
    // 64 pages of 1 MiB are counted: one event too many for each.
    let large = "x".repeat(250_000);
    for _ in 0..45 {
        gateway.push_batch((0..6).map(|_| json!({"message": large})).collect()).await;
    }
    let stats = stats(&gateway, "").await;
    let events = stats["total"]["events"].as_u64().expect("a number");
    assert!((250..270).contains(&events), "{events}");
    assert_eq!(stats["complete"], false);
    let at = async |order: &str| {
        let page = gateway.get(&format!("/api/events?limit=1&order={order}")).await.json();
        page["events"][0]["timestamp"].as_str().expect("a time").to_owned()
    };
    let since = stats["counted_since"].as_str().expect("a time");
    assert!(*at("oldest").await < *since && *since < *at("newest").await, "{since}");
}

#[tokio::test]
async fn a_search_finds_what_was_written_in_message_data_channel_and_key() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        for event in [
            json!({"channel": "deploy.api", "message": "one"}),
            json!({"channel": "ci", "message": "two: DEPLOYED"}),
            json!({"channel": "ci", "message": "three", "data": {"job": {"name": "Deploy web"}}}),
            json!({"channel": "ci", "message": "four", "key": "deploy-7"}),
            json!({"channel": "ci", "message": "five", "data": ["other"]}),
        ] {
            gateway.push_event(event).await;
        }
        let found = async |query: &str| {
            let page = gateway.get(&format!("/api/events?order=oldest&{query}")).await.json();
            let messages = page["events"].as_array().expect("events").iter();
            messages.map(|event| event["message"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("search=deploy").await, ["one", "two: DEPLOYED", "three", "four"], "{engine:?}");
        assert_eq!(found("text=deploy").await, ["two: DEPLOYED"], "a filter looks at the message alone");
        assert_eq!(found("search=deploy&channel=ci&text=o").await, ["two: DEPLOYED", "four"]);
        assert_eq!(found("search=").await.len(), 5);
        let lines = |request: reqwest::RequestBuilder| request.header("accept", "application/x-ndjson");
        let export = gateway.request("GET", "/api/events?search=web", lines).await;
        assert_eq!(export.text().lines().count(), 1, "{}", export.text());
        let long = gateway
            .get(&format!("/api/events?search={}", "x".repeat(257)))
            .await
            .problem(400, "invalid_query");
        assert_eq!(long["at"], "?search");
        gateway.get("/stream?search=deploy").await.problem(400, "invalid_query");
        let server = gateway.url("");
        let said = Shell::new().run(&["history", "--search", "DEPLOY web", "--server", &server]).await;
        assert!(said.code == 0 && said.out.contains("three") && !said.out.contains("four"), "{said:?}");
    }
}
