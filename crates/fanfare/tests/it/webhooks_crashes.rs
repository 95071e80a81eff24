//! `kill -9` while webhooks are sent: acknowledged events arrive, and only those whose delivery was not saved yet
//! arrive twice.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fanfare_store::{Retention, Store};
use fanfare_store_embedded::Embedded;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::gateway::reqwest_client;
use crate::support::process::Process;
use crate::support::receiver::{Got, Receiver, Script};
use crate::support::{soon, until};

const ROUNDS: usize = 6;
const PUSHERS: usize = 4;
/// Maximum time before a delivery is saved: 50 ms, plus the delay of a busy machine.
const WINDOW: Duration = Duration::from_secs(2);

/// The acknowledged events: the message of each id.
type Acked = Arc<Mutex<HashMap<String, String>>>;

/// Pushes until the process is gone.
async fn push_for_ever(url: String, label: String, acked: Acked, count: Arc<AtomicUsize>) {
    let http = reqwest_client(false);
    for number in 0.. {
        let message = format!("{label}-{number}");
        let request = http.post(format!("{url}/api/push?wait=0s")).json(&json!({ "message": message }));
        let Ok(answer) = request.send().await else { return };
        let Ok(answer) = answer.json::<Value>().await else { return };
        let id = answer["id"].as_str().expect("an id").to_owned();
        acked.lock().expect("an unbroken lock").insert(id, message);
        count.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) fn seq(id: &str) -> u64 {
    id.rsplit_once('-').expect("a position").1.parse().expect("a seq")
}

/// Returns the events of a request, which can be a batch.
pub(crate) fn events(got: &Got) -> Vec<(String, String)> {
    let body = got.json();
    let one = |event: &Value| {
        let text = |name: &str| event[name].as_str().expect("text").to_owned();
        (text("id"), text("message"))
    };
    body.as_array().map_or_else(|| vec![one(&body)], |all| all.iter().map(one).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_arrives_whenever_the_gateway_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let (well, ordered) = (Receiver::start().await, Receiver::start().await);
    let (failing, batched) = (Receiver::playing(vec![], Script::status(500)).await, Receiver::start().await);
    // It has not accepted the first three, though it accepted others after them: they have to come again.
    let hanging = Receiver::playing(vec![Script::Hang; 3], Script::status(200)).await;
    let mut secrets = Vec::new();
    let acked = Acked::default();
    // After each kill: when it was, and how far the first webhook's cursor was written.
    let mut kills: Vec<(Instant, u64)> = Vec::new();
    for round in 0..ROUNDS {
        let process = Process::start(&path).await;
        if round == 0 {
            let often = vec!["100ms"; 32];
            for (receiver, options) in [
                (&well, json!({})),
                (&ordered, json!({ "ordered": true })),
                (&failing, json!({ "retry": often })),
                (&batched, json!({ "batch": { "max_events": 10, "max_wait": "20ms" } })),
                (&hanging, json!({})),
            ] {
                secrets.push(process.register(receiver, options).await);
            }
        }
        let count = Arc::new(AtomicUsize::new(0));
        let mut pushing = JoinSet::new();
        for pusher in 0..PUSHERS {
            let label = format!("{round}-{pusher}");
            pushing.spawn(push_for_ever(process.url.clone(), label, Arc::clone(&acked), Arc::clone(&count)));
        }
        let target = rand::random_range(1..400);
        until("pushes", async || (count.load(Ordering::SeqCst) >= target).then_some(())).await;
        let killed = Instant::now();
        process.kill().await;
        soon("the pushers", pushing.join_all()).await;
        let store = Store::new(Embedded::open(&path, Retention::default()).expect("it opens after a kill"));
        let rows = store.ledger.webhooks().await.expect("webhooks");
        assert_eq!(rows.len(), 5, "what was registered is registered");
        let cursor = rows.iter().find(|row| *row.url == well.url()).expect("the first").cursor.seq;
        store.engine.close().await;
        kills.push((killed, cursor));
    }

    failing.play(Script::status(200));
    let process = Process::start(&path).await;
    let acked = acked.lock().expect("an unbroken lock").clone();
    for (receiver, secret) in [&well, &ordered, &failing, &batched, &hanging].into_iter().zip(&secrets) {
        let missing = until("everything", async || {
            let untaken = if receiver.address == hanging.address { 3 } else { 0 };
            let got = receiver.got();
            let seen: HashSet<String> = got.iter().skip(untaken).flat_map(events).map(|(id, _)| id).collect();
            let missing = acked.keys().filter(|id| !seen.contains(*id)).count();
            (missing == 0).then_some(missing)
        })
        .await;
        assert_eq!(missing, 0);
        let mut bodies: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut sent_as: HashMap<String, String> = HashMap::new();
        for got in receiver.got() {
            got.assert_signed(secret);
            let first = bodies.entry(got.id().to_owned()).or_insert_with(|| got.body.clone());
            assert_eq!(*first, got.body, "the same id has the same body");
            for (id, message) in events(&got) {
                let sent_as = sent_as.entry(id.clone()).or_insert_with(|| got.id().to_owned());
                assert_eq!(sent_as, got.id(), "an event is always sent under one id");
                assert!(acked.get(&id).is_none_or(|acked| *acked == message), "{id}");
            }
        }
    }
    process.kill().await;

    // Saved deliveries are not sent again, and only those of the last moment before a kill are not saved.
    let mut first: HashMap<String, Instant> = HashMap::new();
    let mut repeated = 0;
    for got in well.got() {
        let Some(before) = first.get(got.id()) else {
            first.insert(got.id().to_owned(), got.at);
            continue;
        };
        repeated += 1;
        let (killed, cursor) =
            kills.iter().rfind(|(killed, _)| *killed < got.at).expect("nothing is sent twice without a kill");
        assert!(seq(got.id()) > *cursor, "{} was written down", got.id());
        assert!(*before + WINDOW > *killed, "{} arrived long before the kill", got.id());
    }
    assert!(repeated <= first.len(), "{repeated} of {}", first.len());

    let mut last = 0;
    let mut seen = HashSet::new();
    for got in ordered.got().iter().filter(|got| seen.insert(got.id().to_owned())) {
        assert!(seq(got.id()) > last, "in order");
        last = seq(got.id());
    }
}

#[tokio::test]
async fn a_batch_whose_end_was_not_written_down_is_made_again_as_it_was() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let receiver = Receiver::playing(vec![], Script::Hang).await;
    let process = Process::start(&path).await;
    process.register(&receiver, json!({ "batch": { "max_events": 10, "max_wait": "20ms" } })).await;
    for (number, count) in [3, 1, 5].into_iter().enumerate() {
        push_numbers(&process, count).await;
        receiver.gets(number + 1).await;
    }
    process.kill().await;

    let before: BTreeMap<String, Vec<u8>> = by_id(&receiver.got());
    assert_eq!(before.len(), 3);
    receiver.play(Script::status(200));
    let process = Process::start(&path).await;
    push_numbers(&process, 2).await;
    let all = until("all of it", async || {
        let got = receiver.got();
        (got.iter().skip(3).flat_map(events).count() >= 11).then_some(got)
    })
    .await;
    let after = by_id(&all[3..]);
    for (id, body) in &before {
        assert_eq!(after.get(id), Some(body), "{id}");
    }
    assert_eq!(after.len(), all.len() - 3, "nothing comes twice");
    process.kill().await;
}

fn by_id(got: &[Got]) -> BTreeMap<String, Vec<u8>> {
    got.iter().map(|got| (got.id().to_owned(), got.body.clone())).collect()
}

async fn push_numbers(process: &Process, count: usize) {
    let numbers: Vec<Value> = (0..count).map(|number| json!({ "message": number.to_string() })).collect();
    process.post("/api/push?wait=0s", &numbers.into()).await.expect("an answer");
}

#[tokio::test]
async fn what_failed_before_a_kill_is_not_sent_from_the_log_as_well() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    // The cursor is before the one that hangs; those after it fail, and have rows.
    let receiver =
        Receiver::playing(vec![Script::Hang, Script::status(500), Script::status(413)], Script::Hang).await;
    let process = Process::start(&path).await;
    process.register(&receiver, json!({ "retry": ["1h"] })).await;
    for number in 1..=3 {
        push_numbers(&process, 1).await;
        receiver.gets(number).await;
    }
    let webhooks = format!("{}/api/webhooks?details=true", process.url);
    until("the rows", async || {
        let answer = reqwest_client(false).get(&webhooks).send().await.ok()?.json::<Value>().await.ok()?;
        let webhook = &answer["items"][0];
        (webhook["waiting"] == 1 && webhook["failed"] == 1).then_some(())
    })
    .await;
    process.kill().await;

    receiver.play(Script::status(200));
    let process = Process::start(&path).await;
    push_numbers(&process, 1).await;
    // Of two concurrent ones either can be first.
    let again: HashSet<u64> = receiver.gets(5).await[3..].iter().map(|got| seq(got.id())).collect();
    assert_eq!(again, HashSet::from([1, 4]));
    process.kill().await;
}
