//! Names of channels: those without events make room for others, and the error at the limit is true.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::reader::{Listen, Transport};
use crate::support::receiver::Receiver;
use crate::support::{Engine, until};

fn batch(names: impl IntoIterator<Item = String>) -> Value {
    names.into_iter().map(|name| json!({"channel": name, "message": "x"})).collect()
}

async fn names(gateway: &Gateway) -> Vec<String> {
    let listed = gateway.get("/api/channels?limit=1000").await.json();
    let channels = listed["channels"].as_array().expect("channels");
    channels.iter().map(|channel| channel["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_without_events_that_nobody_asks_for_is_forgotten() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, |config| config.retention.count = 10).await;
        let receiver = Receiver::start().await;
        gateway.register(&receiver, json!({ "channels": ["kept.hook", "other.>"] })).await;
        let _live = gateway.listen(Transport::Sse1, "kept.live").await;
        let set = gateway
            .request("PUT", "/api/readers/laptop", |request| {
                request.body(json!({ "channels": ["kept.reader", "runs.*"] }).to_string())
            })
            .await;
        assert_eq!(set.status, 201, "{}", set.text());
        for run in 0..30 {
            let mut of_run: Vec<_> = (0..10).map(|step| format!("runs.{}", run * 10 + step)).collect();
            if run == 0 {
                of_run.extend(["kept.hook", "kept.live", "kept.reader", "other.x"].map(str::to_owned));
            }
            let answer = gateway.post_json("/api/push?wait=0s", &batch(of_run)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let mut expected = vec!["kept.hook".to_owned(), "kept.live".to_owned(), "kept.reader".to_owned()];
        expected.extend((290..300).map(|run| format!("runs.{run}")));
        until("the others are forgotten", async || (names(&gateway).await == expected).then_some(())).await;
        let known = gateway.store.log.channels().await.expect("channels").len();
        assert_eq!(known, expected.len(), "the store knows no others either");
        // A name that comes again is a channel like any other.
        gateway.push("runs.7", "again").await;
        let mut reader = gateway.open(Transport::WebSocket, Listen::earliest("runs.7")).await;
        assert_eq!(reader.message().await, "again");
        assert!(names(&gateway).await.contains(&"runs.7".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_push_cannot_take_all_names_and_the_refusal_says_what_frees_one() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let refused =
            gateway.post_json("/api/push", &batch((0..10_000).map(|name| format!("n{name}")))).await;
        let problem = refused.problem(429, "too_many_channels");
        assert_eq!(
            (&problem["limit"], problem.get("retry_after")),
            (&json!("new_channels"), None),
            "{problem}"
        );
        assert!(refused.headers.get("retry-after").is_none(), "waiting does not help");
        assert_eq!(names(&gateway).await.len(), 0);
        let delivered = gateway.post_json("/ingest/generic", &json!({"hello": "world"})).await;
        assert_eq!(delivered.status, 200, "{}", delivered.text());

        for thousand in 0..9 {
            let names = (0..1_000).map(|name| format!("n{}", thousand * 1_000 + name));
            let answer = gateway.post_json("/api/push", &batch(names)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let rest =
            gateway.post_json("/api/push", &batch((9_000..9_999).map(|name| format!("n{name}")))).await;
        assert_eq!(rest.status, 200, "{}", rest.text());
        let refused = gateway.post_json("/api/push", &json!({"channel": "one-more", "message": "x"})).await;
        let problem = refused.problem(429, "too_many_channels");
        assert_eq!((&problem["limit"], problem.get("retry_after")), (&json!("channels"), None), "{problem}");
        assert!(refused.headers.get("retry-after").is_none());
        assert!(problem["fix"].as_str().expect("a fix").contains("DELETE /api/channels/"), "{problem}");

        // What it says is true.
        let freed = gateway.request("DELETE", "/api/channels/n7", |request| request).await;
        assert_eq!(freed.status, 200, "{}", freed.text());
        gateway.push("one-more", "x").await;
    }
}
