//! Purges while webhook attempts are under way.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::receiver::{Got, Receiver, Script};
use crate::support::{Engine, until};

/// The secret that must not come back.
const SECRET: &str = "hush-7c02ae";

/// How an event, the only one of the channel `leak`, is purged.
#[derive(Debug, Clone, Copy)]
enum How {
    Channel,
    Event,
}

impl How {
    const ALL: [How; 2] = [How::Channel, How::Event];

    async fn purge(self, gateway: &Gateway, event: &str) -> u16 {
        let path = match self {
            How::Channel => "/api/channels/leak".to_owned(),
            How::Event => format!("/api/events/{event}"),
        };
        gateway.request("DELETE", &path, |request| request).await.status
    }
}

fn batch_of(got: &Got) -> Vec<Value> {
    got.json().as_array().expect("a batch").iter().map(|one| one["message"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_a_batch_is_not_sent_beside_the_attempt_in_flight() {
    for engine in Engine::ALL {
        for how in How::ALL {
            let who = format!("{how:?} on {engine:?}");
            let gateway = Gateway::on(engine).await;
            let mut first = vec![Script::status(500); 3];
            first.push(Script::HeldWith(500));
            let receiver = Receiver::playing(first, Script::status(200)).await;
            let options = json!({
                "batch": {"max_events": 3, "max_wait": "60s"}, "retry": ["10ms", "1h"], "concurrency": 8,
            });
            let hook = gateway.register(&receiver, options).await;
            // Something else waits, so that the worker has to read what waits.
            for message in ["a", "b", "c"] {
                gateway.push_only("other", message).await;
            }
            let has_tried_twice = async |count| {
                let rows = gateway.rows(&hook).await;
                (rows.iter().filter(|row| row.attempts == 2).count() == count).then_some(rows)
            };
            until("it waits", async || has_tried_twice(3).await).await;
            let leaked = gateway.push_only("leak", SECRET).await;
            for message in ["two", "three"] {
                gateway.push_only("fine", message).await;
            }
            receiver.gets(4).await;
            assert_eq!(how.purge(&gateway, &leaked).await, 200, "{who}");
            // A full batch is sent after what waits and is due.
            for message in ["four", "five", "six"] {
                gateway.push_only("fine", message).await;
            }
            let next = receiver.gets(5).await.remove(4);
            assert_eq!(batch_of(&next), ["four", "five", "six"], "{who}");
            receiver.release();
            let rows = until("the attempt has ended", async || has_tried_twice(5).await).await;
            let left: Vec<_> = rows.iter().map(|row| &*row.event.message).collect();
            assert_eq!(left, ["a", "b", "c", "two", "three"], "{who}");
            assert_eq!(receiver.count(), 5, "{who}");
        }
    }
}
