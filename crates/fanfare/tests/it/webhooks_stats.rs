//! The statistics of a webhook: what became of its attempts, and how long they took.

use serde_json::{Value, json};

use crate::cli::Shell;
use crate::support::gateway::Gateway;
use crate::support::receiver::Receiver;
use crate::webhooks_api::register;

fn sum(stats: &Value, name: &str) -> u64 {
    let buckets = stats["buckets"].as_array().expect("buckets");
    buckets.iter().map(|bucket| bucket[name].as_u64().expect("a number")).sum()
}

#[tokio::test]
async fn attempts_are_counted_by_the_minute_and_by_the_hour() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let (path, _) = register(&gateway, json!({"webhook_url": receiver.url(), "retry": []})).await;
    let stats = format!("{path}/stats");
    let quiet = gateway.get(&stats).await.json();
    assert_eq!((sum(&quiet, "delivered"), sum(&quiet, "failed")), (0, 0));
    assert!(["p50_us", "p95_us", "last_attempt_at"].iter().all(|name| quiet.get(name).is_none()), "{quiet}");

    gateway.push("default", "taken").await;
    receiver.answer(500);
    for _ in 0..3 {
        gateway.push("default", "refused").await;
    }
    let test = gateway.post_json(&format!("{path}/test"), &json!({})).await.json();
    for (bucket, count) in [("1m", 60), ("1h", 24)] {
        let shown = gateway.get(&format!("{stats}?bucket={bucket}")).await.json();
        assert_eq!(
            (&shown["bucket"], &shown["day"]),
            (&json!(bucket), &json!({"delivered": 1, "failed": 3}))
        );
        assert_eq!(shown["buckets"].as_array().expect("buckets").len(), count);
        assert_eq!(
            (sum(&shown, "delivered"), sum(&shown, "failed")),
            (1, 3),
            "a test does not count: {shown}"
        );
        assert!(shown["p50_us"].as_u64() <= shown["p95_us"].as_u64() && shown["p50_us"].is_u64(), "{shown}");
        assert_eq!(shown["last_attempt_at"], test["started_at"], "a test is an attempt");
    }
    let refused = gateway.get(&format!("{stats}?bucket=5m")).await.problem(400, "invalid_query");
    assert_eq!(refused["at"], "?bucket");
    gateway.get("/api/webhooks/wh_aaaaaaaaaaaaaaaa/stats").await.problem(404, "not_found");

    // A webhook itself stays small, however many attempts there were.
    let webhook = gateway.get(&path).await.json();
    assert!(webhook.get("recent").is_none() && webhook.get("ended").is_none(), "{webhook}");
    let server = gateway.url("");
    let said = Shell::new().run(&["webhooks", "show", &receiver.url(), "--server", &server]).await;
    assert!(said.code == 0 && said.out.contains("1 delivered, 3 failed"), "{said:?}");
    let json =
        Shell::new().run(&["webhooks", "show", &receiver.url(), "--server", &server, "-o", "json"]).await;
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["stats"]["day"], json!({"delivered": 1, "failed": 3}));
}
