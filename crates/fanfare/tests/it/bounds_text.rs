//! Each event is searched once for each different text that subscribers look for; the number of texts is
//! limited.

use serde_json::{Value, json};

use crate::bounds_unread::from_address;
use crate::support::event_source::EventSource;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::receiver::Receiver;

/// Different texts that one caller may look for, and all callers.
const TEXTS: (usize, usize) = (64, 128);

async fn searches(gateway: &Gateway) -> u64 {
    gateway.metric("fanfare_text_searches_total").await.expect("the metric") as u64
}

/// A stream that looks for text.
struct Search {
    raw: Raw,
    parser: EventSource,
}

impl Search {
    async fn open(gateway: &Gateway, query: &str) -> Search {
        let mut raw = Raw::connect(gateway.address).await;
        let head = raw.get(&format!("/stream?{query}"), "").await;
        assert_eq!(head.status, 200, "{query}");
        Search { raw, parser: EventSource::default() }
    }

    async fn next(&mut self) -> String {
        loop {
            let chunk = self.raw.chunk().await.expect("an event");
            if let Some(event) = self.parser.feed(&chunk).into_iter().find(|event| !event.data.is_empty()) {
                return event.data;
            }
        }
    }
}

#[tokio::test]
async fn each_event_is_searched_once_for_each_text_however_many_look_for_it() {
    let gateway = Gateway::start().await;
    // Forty filters, all different, with two texts.
    let mut streams = Vec::new();
    for number in 0..20 {
        for text in ["Needle", "thread"] {
            let channel = if number % 2 == 0 { "a" } else { "*" };
            let query = format!("channel={channel}&text={text}&type=info&type=t{number}");
            streams.push(Search::open(&gateway, &query).await);
        }
    }
    let mut events = vec![json!({ "channel": "a", "message": "hay".repeat(10_000) }); 48];
    events.push(json!({ "channel": "a", "message": "one nEEDLE" }));
    events.push(json!({ "channel": "a", "message": "and a THREAD" }));
    gateway.push_batch(events).await;
    for (number, stream) in streams.iter_mut().enumerate() {
        let said = stream.next().await;
        assert!(said.contains(["one nEEDLE", "and a THREAD"][number % 2]), "{said}");
    }
    assert_eq!(searches(&gateway).await, 2 * 50, "searches of 50 events for two texts");
    // A push of one event also counts its subscribers.
    let answer =
        gateway.post_json("/api/push", &json!({ "channel": "a", "message": "needles" })).await.json();
    assert_eq!(answer["stream_clients"], 20, "{answer}");
    for stream in streams.iter_mut().step_by(2) {
        assert!(stream.next().await.contains("needles"));
    }
    assert_eq!(searches(&gateway).await, 2 * 50 + 2 * 2);
    drop(streams);
    gateway.clients(0).await;
    gateway.push("a", "needle").await;
    assert_eq!(searches(&gateway).await, 2 * 50 + 2 * 2, "nobody looks for it any longer");
}

#[tokio::test]
async fn there_are_only_so_many_texts_and_one_caller_cannot_take_them_all() {
    let gateway = Gateway::start().await;
    let mut streams = Vec::new();
    for number in 0..TEXTS.0 {
        streams.push(Search::open(&gateway, &format!("text=t{number}")).await);
    }
    let problem = gateway.get("/stream?text=more").await.problem(429, "rate_limited");
    assert_eq!(problem["limit"], "texts");
    gateway.get("/stream?text=more&reader=late").await.problem(429, "rate_limited");
    assert_eq!(gateway.get("/api/readers").await.json()["total"], 0, "a refused request leaves no reader");
    // The same text costs nothing more.
    streams.push(Search::open(&gateway, "text=T0").await);
    let mut others = Vec::new();
    for (address, opened) in [([127, 0, 0, 2], TEXTS.1 - TEXTS.0), ([127, 0, 0, 3], 0)] {
        for number in 0..=opened {
            let mut raw = from_address(&gateway, address).await;
            let head = raw.get(&format!("/stream?text=u{number}{}", address[3]), "").await;
            assert_eq!(head.status, if number < opened { 200 } else { 429 }, "{address:?} {number}");
            others.push(raw);
        }
    }
    drop(streams);
    gateway.clients(TEXTS.1 - TEXTS.0).await;
    streams = vec![Search::open(&gateway, "text=more").await];
    gateway.push("a", "and more").await;
    assert!(streams[0].next().await.contains("and more"));
}

#[tokio::test]
async fn webhooks_with_more_texts_than_are_searched_for_get_their_events_all_the_same() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    for number in 0..140 {
        let url = format!("{}/{number}", receiver.url());
        gateway.register_url(&url, json!({ "text": format!("<{number}>") })).await;
    }
    let text: String = (0..140).map(|number| format!("<{number}>")).collect();
    gateway.push_only("a", &text).await;
    let got = receiver.gets(140).await;
    assert_eq!(got.len(), 140);
    assert_eq!(searches(&gateway).await, 128, "the others read the store");
}

#[tokio::test]
async fn a_list_of_readers_searches_the_log_for_few_of_them() {
    let gateway = Gateway::start().await;
    for number in 0..30 {
        let mut raw = Raw::connect(gateway.address).await;
        let path = format!("/stream?reader=r{number}&text=t{number}");
        assert_eq!(raw.get(&path, "").await.status, 200);
    }
    gateway.clients(0).await;
    gateway.push("a", "t").await;
    let page = gateway.get("/api/readers?limit=100").await.json();
    let readers = page["readers"].as_array().expect("readers");
    let exact = readers.iter().filter(|reader| reader["lag_is_exact"] == true).count();
    let rest: Vec<&Value> = readers.iter().filter(|reader| reader["lag_is_exact"] == false).collect();
    assert_eq!((readers.len(), exact), (30, 10), "pages were read for the readers whose lag is exact");
    assert!(rest.iter().all(|reader| reader["lag"] == 1));
}
