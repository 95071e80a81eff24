//! What earlier versions stored of webhooks is shown in the words of this one.

use std::path::Path;
use std::time::Duration;

use fanfare_store::Retention;
use serde_json::Value;

use crate::support::Engine;
use crate::support::gateway::Gateway;

/// Files as earlier versions wrote them, each with a webhook that failed and the number of its failed attempts.
const FILES: [(&str, &str, usize, &str, Option<u16>); 3] = [
    (
        include_str!("../../../fanfare-store-embedded/tests/it/upgrade/version_2.sql"),
        "wh_wiblkoghmcz6dimy",
        4,
        "connection_refused",
        None,
    ),
    (
        include_str!("../../../fanfare-store-embedded/tests/it/upgrade/version_3.sql"),
        "wh_5glybyelrmgc4tm6",
        6,
        "http_5xx",
        Some(500),
    ),
    (
        include_str!("../../../fanfare-store-embedded/tests/it/upgrade/version_4.sql"),
        "wh_yjiz6ai6bctczcuq",
        5,
        "http_5xx",
        Some(500),
    ),
];

fn write(path: &Path, text: &str) {
    let conn = rusqlite::Connection::open(path).expect("a database");
    conn.execute_batch(text).expect("written");
    // Nothing more is sent while the test looks.
    let paused = r#"json_set(state, '$.paused', 'by_hand', '$.paused_since', 1795988876000000)"#;
    conn.execute_batch(&format!("UPDATE webhook_states SET state = {paused}")).expect("paused");
    conn.close().expect("closed");
}

#[tokio::test]
async fn attempts_and_deliveries_of_earlier_versions_have_the_members_of_this_one() {
    let ages = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    for (text, id, count, outcome, status_code) in FILES {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log.db");
        write(&path, text);
        let gateway = Gateway::with(Engine::Embedded, |config| {
            config.store = fanfare::engines::StoreSpec::Embedded(path);
            config.retention =
                Retention { age: ages, attempts: ages, failed_deliveries: ages, ..config.retention };
        })
        .await;
        let rows = |answer: Value, name: &str| answer[name].as_array().expect("a list").clone();
        let base = format!("/api/webhooks/{id}");
        let webhook = gateway.get(&base).await.json();
        assert_eq!(
            (&webhook["state"], &webhook["last_failure_outcome"]),
            (&"paused".into(), &outcome.into())
        );
        let attempts = rows(gateway.get(&format!("{base}/attempts")).await.json(), "attempts");
        assert_eq!(attempts.len(), count, "{id}");
        for attempt in &attempts {
            let whole =
                gateway.get(&format!("/api/attempts/{}", attempt["id"].as_str().expect("an id"))).await;
            for shown in [attempt.clone(), whole.json()] {
                assert_eq!(shown["outcome"], outcome, "{shown}");
                assert_eq!(shown.get("status_code").and_then(Value::as_u64), status_code.map(u64::from));
                assert!(shown.get("category").is_none() && shown.get("status").is_none(), "{shown}");
            }
        }
        let deliveries = rows(gateway.get(&format!("{base}/deliveries")).await.json(), "deliveries");
        assert!(!deliveries.is_empty());
        assert!(deliveries.iter().all(|delivery| delivery["outcome"] == outcome), "{deliveries:?}");
        gateway.stop().await;
    }
}
