//! Sending in parts: a client that takes a few bytes at a time gets what one gets that takes all at once, whether its
//! events are in memory or have to be read again.

use std::time::Duration;

use fanfare_core::wire::sse::Format;
use fanfare_core::{Door, NewEvent, Principal, Start, Via};
use fanfare_hub::client::{NewClient, Transport};
use fanfare_hub::item::{Item, Wire};
use fanfare_hub::subscribe::Request;
use fanfare_hub::subscription::{Peek, Subscription};
use fanfare_hub::{Config, Hub};
use fanfare_runtime::budget::Budget;
use fanfare_runtime::shutdown::Trigger;
use fanfare_runtime::telemetry::Metrics;
use fanfare_store::memory::Memory;
use fanfare_store::{Retention, Store};
use fanfare_store_suite::harness::event;
use tokio::task::JoinSet;

const VIA: Via = Via { door: Door::Http, address: None, agent: None };
const WIRES: [Wire; 2] = [Wire::Sse(Format { json: true, named: false, chunked: true }), Wire::WebSocket];

/// A hub whose follower runs until this is dropped.
struct Running {
    hub: Hub,
    _stop: Trigger,
    _follower: JoinSet<()>,
}

impl Running {
    async fn start(retention: Retention) -> Running {
        let store = Store::new(Memory::new(retention));
        let (hub, follower) =
            Hub::new(store, Config::default(), &Budget::default(), &Metrics::new()).await.expect("a hub");
        let (trigger, stop) = Trigger::new();
        let mut running = JoinSet::new();
        running.spawn(async move { follower.run(stop).await.expect("it ends in order") });
        Running { hub, _stop: trigger, _follower: running }
    }

    /// Pushes, and waits until live subscribers can see it.
    async fn push(&self, events: Vec<NewEvent>) {
        self.hub.publish(&Principal::local(), &VIA, events).await.expect("published");
        drop(self.listen(Start::Live, false).await);
    }

    async fn listen(&self, start: Start, conflate: bool) -> Subscription {
        let client =
            NewClient { transport: Transport::Sse, address: None, agent: None, reader: None, session: None };
        let request = Request { filter: None, start, conflate, shed: false, client };
        self.hub.subscribe(&Principal::local(), request).await.expect("a subscription")
    }
}

/// Sends at most `len` bytes, and returns them; `None` if nothing follows now.
async fn send(subscription: &mut Subscription, wire: Wire, len: usize) -> Option<Vec<u8>> {
    let mut items = Vec::new();
    loop {
        match subscription.peek(&mut items) {
            Peek::Behind => subscription.read_back().await.expect("a page"),
            Peek::Items => break,
            Peek::Ended | Peek::Idle => return None,
            Peek::Torn => panic!("the rest is gone"),
        }
    }
    let unsent: Vec<u8> = items.iter().flat_map(|item| subscription.unsent(item, wire).to_vec()).collect();
    let mut sent = unsent[..unsent.len().min(len)].to_vec();
    let rest = subscription.sent(&items, wire, sent.len());
    // An outlet keeps the rest of a notice.
    sent.extend(rest.unwrap_or_default());
    Some(sent)
}

async fn send_all(subscription: &mut Subscription, wire: Wire, len: usize, forgets: bool) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(sent) = send(subscription, wire, len).await {
        all.extend(sent);
        if forgets {
            subscription.forget_page();
        }
    }
    assert!(!subscription.is_within_event());
    all
}

#[tokio::test]
async fn bytes_are_the_same_in_parts_of_any_length() {
    let running = Running::start(Retention::default()).await;
    let live = async || running.listen(Start::Live, false).await;
    let mut from_ring = Vec::new();
    for _ in 0..2 {
        from_ring.push(live().await);
    }
    let texts = ["a", "", "bb\nbb", "cccccccccc"].map(|text| event(&format!("x{text}")));
    running.push(texts.to_vec()).await;
    running.push(vec![event("alone")]).await;
    assert_eq!(running.hub.last().seq, 5);
    for wire in WIRES {
        let mut whole = running.listen(Start::Earliest, false).await;
        let expected = send_all(&mut whole, wire, usize::MAX, false).await;
        for len in [1, 2, 3, 7, 64, 151, 1_000] {
            for forgets in [false, true] {
                let mut subscription = running.listen(Start::Earliest, false).await;
                let sent = send_all(&mut subscription, wire, len, forgets).await;
                assert!(sent == expected, "{wire:?} in parts of {len} bytes, page forgotten: {forgets}");
            }
        }
    }
    // Those who were there before the push get the events alone, without the end of a replay.
    let [mut first, mut second] = <[Subscription; 2]>::try_from(from_ring).expect("two");
    let whole = send_all(&mut first, WIRES[0], usize::MAX, false).await;
    assert!(!whole.is_empty() && send_all(&mut second, WIRES[0], 5, false).await == whole);
}

#[tokio::test]
async fn an_event_that_was_sent_in_part_is_finished_although_a_later_one_replaces_it() {
    for is_behind in [false, true] {
        let running = Running::start(Retention::default()).await;
        let keyed = |text: &str| NewEvent { key: Some("k".parse().expect("a key")), ..event(text) };
        let mut subscription = running.listen(Start::Live, true).await;
        running.push(vec![keyed("old")]).await;
        let mut sent = send(&mut subscription, WIRES[0], 20).await.expect("a part");
        assert!(subscription.is_within_event());
        running.push(vec![keyed("middle"), keyed("new")]).await;
        if is_behind {
            // More than the ring holds.
            for _ in 0..5 {
                running.push((0..1_000).map(|_| event("noise")).collect()).await;
            }
        }
        sent.extend(send_all(&mut subscription, WIRES[0], 1_000_000, true).await);
        let text = String::from_utf8(sent).expect("text");
        let has = |word: &str| text.contains(&format!("\"message\":\"{word}\""));
        assert!(has("old") && has("new") && !has("middle"), "behind: {is_behind}: {}", &text[..400]);
    }
}

#[tokio::test]
async fn an_event_that_is_gone_before_it_was_sent_whole_ends_the_stream() {
    let retention = Retention { count: 10, ..Retention::default() };
    let running = Running::start(retention).await;
    let mut subscription = running.listen(Start::Live, false).await;
    running.push(vec![event("first")]).await;
    send(&mut subscription, WIRES[0], 20).await.expect("a part");
    for _ in 0..5 {
        running.push((0..1_000).map(|_| event("more")).collect()).await;
    }
    let mut items: Vec<Item> = Vec::new();
    let torn = async {
        loop {
            match subscription.peek(&mut items) {
                Peek::Behind => subscription.read_back().await.expect("a page"),
                Peek::Torn => return,
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), torn).await.expect("the rest is gone");
    assert_eq!(subscription.position().seq, running.hub.extent().first - 1, "the gap is known");
}
