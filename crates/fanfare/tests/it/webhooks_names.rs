//! Names whose servers fail, stall, return too much, or return something else each time: the address of a name is
//! checked when it is connected to.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fanfare_delivery::client::resolve::Resolver;
use fanfare_webhook::policy::Mode;
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::webhook::Hook;
use crate::support::{Engine, until};

/// An address that the rules allow; the one of [`REFUSED`] is the same machine, and not allowed.
const ALLOWED: &str = "127.0.0.2";
const REFUSED: &str = "127.0.0.1";

/// The answer to a query for a name.
#[derive(Debug, Clone)]
enum Said {
    Addresses(Vec<IpAddr>),
    /// NXDOMAIN and SERVFAIL are the same to the client: an error.
    Error,
    Nothing,
}

/// The next answers, each once except the last, and the number of queries.
type Answers = (VecDeque<Said>, usize);

/// The names of a test.
#[derive(Debug, Clone, Default)]
struct Names(Arc<Mutex<HashMap<String, Answers>>>);

impl Names {
    fn mean(&self, name: &str, said: impl IntoIterator<Item = Said>) {
        let mut names = self.0.lock().expect("an unbroken lock");
        names.insert(name.to_owned(), (said.into_iter().collect(), 0));
    }

    fn asked(&self, name: &str) -> usize {
        self.0.lock().expect("an unbroken lock")[name].1
    }

    fn resolver(&self) -> Resolver {
        let names = self.clone();
        Resolver::Given(Arc::new(move |name| {
            let mut names = names.0.lock().expect("an unbroken lock");
            let (said, asked) = names.get_mut(name).unwrap_or_else(|| panic!("nobody asks for {name}"));
            *asked += 1;
            let next = if said.len() > 1 { said.pop_front() } else { said.front().cloned() };
            Box::pin(async move {
                match next.expect("an answer") {
                    Said::Addresses(addresses) => Ok(addresses),
                    Said::Error => Err(std::io::Error::other("there is no such name")),
                    Said::Nothing => std::future::pending().await,
                }
            })
        }))
    }

    async fn gateway(&self, mode: Mode) -> Gateway {
        Gateway::with(Engine::Memory, |config| {
            config.webhooks.resolver = self.resolver();
            config.webhooks.policy.mode = mode;
            config.webhooks.policy.allow = vec![ALLOWED.parse().expect("an address")];
        })
        .await
    }
}

fn addresses(ips: &[&str]) -> Said {
    Said::Addresses(ips.iter().map(|ip| ip.parse().expect("an address")).collect())
}

/// Starts a receiver at an allowed address, and one at the same port that must get nothing.
async fn pair(then: Script) -> (Receiver, Receiver) {
    // The port of the first may be in use at the other address.
    for _ in 0..20 {
        let good =
            Receiver::at(SocketAddr::new(ALLOWED.parse().expect("an address"), 0), vec![], then.clone())
                .await;
        let same = SocketAddr::new(REFUSED.parse().expect("an address"), good.address.port());
        let Ok(listener) = std::net::TcpListener::bind(same) else { continue };
        drop(listener);
        return (good, Receiver::at(same, vec![], Script::status(200)).await);
    }
    panic!("no port is free at both addresses")
}

async fn register(gateway: &Gateway, name: &str, receiver: &Receiver, options: Value) -> Hook {
    gateway.register_url(&format!("http://{name}:{}/hook", receiver.address.port()), options).await
}

#[tokio::test]
async fn a_name_that_means_nothing_is_a_failed_attempt() {
    let names = Names::default();
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.webhooks.resolver = names.resolver();
        config.webhooks.attempt_max = Duration::from_millis(600);
    })
    .await;
    let receiver = Receiver::start().await;
    for (said, expected) in
        [(Said::Error, "dns_error"), (addresses(&[]), "dns_error"), (Said::Nothing, "timeout")]
    {
        names.mean("receiver.test", [said]);
        let hook = register(&gateway, "receiver.test", &receiver, json!({ "retry": [] })).await;
        let begun = Instant::now();
        gateway.push("default", "x").await;
        assert_eq!(gateway.outcomes(&hook, 1).await, [expected]);
        assert!(begun.elapsed() < Duration::from_secs(5), "{expected}: {:?}", begun.elapsed());
        let attempt = until("the attempt", async || gateway.failed_attempts(&hook).await.pop()).await;
        assert!(!attempt.detail.contains("no such name"), "an outcome is said, not what came back");
        gateway.remove(&hook).await;
    }
    // A name that comes back is used at once.
    names.mean("receiver.test", [Said::Error, addresses(&["127.0.0.1"])]);
    let hook = register(&gateway, "receiver.test", &receiver, json!({ "retry": ["10ms"] })).await;
    gateway.push("default", "back").await;
    assert_eq!(gateway.outcomes(&hook, 2).await, ["dns_error", "delivered"]);
}

#[tokio::test]
async fn of_many_addresses_a_few_are_tried() {
    let names = Names::default();
    let gateway = names.gateway(Mode::Local).await;
    let receiver = Receiver::start().await;
    let many = |first: &[&str]| {
        let rest = (0..500).map(|number| IpAddr::from([127, 0, 9, (number % 250) as u8 + 1]));
        Said::Addresses(first.iter().map(|ip| ip.parse().expect("an address")).chain(rest).collect())
    };
    // The first of them that answers is used, in their order.
    names.mean("many.test", [many(&["127.0.8.1", "127.0.8.2", REFUSED])]);
    let hook = register(&gateway, "many.test", &receiver, json!({ "retry": [] })).await;
    gateway.push("default", "x").await;
    assert_eq!(gateway.outcomes(&hook, 1).await, ["delivered"]);
    names.mean("none.test", [many(&[])]);
    let hook = register(&gateway, "none.test", &receiver, json!({ "retry": [] })).await;
    let begun = Instant::now();
    gateway.push("default", "x").await;
    assert_eq!(gateway.outcomes(&hook, 1).await, ["connection_refused"]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        let six = Receiver::at("[::1]:0".parse().expect("an address"), vec![], Script::status(200)).await;
        names.mean("six.test", [addresses(&["::1"])]);
        register(&gateway, "six.test", &six, json!({})).await;
        gateway.push("default", "over IPv6").await;
        six.gets_message("over IPv6").await;
    }
}

#[tokio::test]
async fn one_address_that_is_refused_refuses_them_all() {
    let names = Names::default();
    let gateway = names.gateway(Mode::Locked).await;
    let (good, trap) = pair(Script::status(200)).await;
    for (name, ips) in [
        ("private.test", vec![REFUSED]),
        ("mixed.test", vec![ALLOWED, REFUSED]),
        ("mixed-first.test", vec![REFUSED, ALLOWED]),
        ("only-six.test", vec!["::1"]),
        ("inside.test", vec!["::ffff:127.0.0.1"]),
        ("nat64.test", vec!["64:ff9b::7f00:1"]),
        ("metadata.test", vec!["169.254.169.254"]),
        ("behind-many.test", [vec![ALLOWED; 499], vec!["10.0.0.1"]].concat()),
    ] {
        names.mean(name, [addresses(&ips)]);
        let hook = register(&gateway, name, &good, json!({ "retry": [] })).await;
        gateway.push("default", name).await;
        assert_eq!(gateway.outcomes(&hook, 1).await, ["target_refused"], "{name}");
        let path = format!("/api/webhooks/{}/test", hook.id);
        let tested = gateway.post_json(&path, &json!({})).await.json();
        assert_eq!(tested["outcome"], "target_refused", "{name}: {tested}");
        assert!(names.asked(name) >= 2, "the name was asked for");
        gateway.remove(&hook).await;
    }
    assert_eq!((good.connections(), trap.connections()), (0, 0));
}

#[tokio::test]
async fn a_name_that_changes_its_meaning_is_judged_each_time() {
    let names = Names::default();
    let gateway = names.gateway(Mode::Locked).await;
    let (good, trap) = pair(Script::Bytes(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_vec())).await;

    // Between registration and the first attempt: nothing is asked at registration, and nothing kept from a test.
    names.mean("later.test", [addresses(&[ALLOWED]), addresses(&[REFUSED])]);
    let hook = register(&gateway, "later.test", &good, json!({ "retry": [] })).await;
    let path = format!("/api/webhooks/{}/test", hook.id);
    assert_eq!(gateway.post_json(&path, &json!({})).await.json()["outcome"], "http_5xx");
    gateway.push("default", "x").await;
    assert_eq!(gateway.outcomes(&hook, 2).await, ["http_5xx", "target_refused"]);
    gateway.remove(&hook).await;

    // Between two attempts at one delivery, back and forth.
    let turns = (0..5).flat_map(|_| [addresses(&[ALLOWED]), addresses(&[REFUSED])]);
    names.mean("turning.test", turns.chain([addresses(&[REFUSED])]));
    let options = json!({ "retry": ["10ms", "10ms", "10ms"], "concurrency": 1 });
    let hook = register(&gateway, "turning.test", &good, options).await;
    gateway.push("default", "y").await;
    let expected = ["http_5xx", "target_refused", "http_5xx", "target_refused"];
    assert_eq!(gateway.outcomes(&hook, 4).await, expected);
    gateway.failed_deliveries(&hook, 1).await;
    assert_eq!(good.got().len(), 3);
    assert_eq!(trap.connections(), 0, "not even a connection");
}

#[tokio::test]
async fn a_connection_that_is_open_was_judged_when_it_was_opened() {
    let names = Names::default();
    let gateway = names.gateway(Mode::Locked).await;
    let (good, trap) = pair(Script::status(200)).await;
    names.mean("kept.test", [addresses(&[ALLOWED]), addresses(&[REFUSED])]);
    let hook = register(&gateway, "kept.test", &good, json!({ "retry": [], "concurrency": 1 })).await;
    for number in 0..5 {
        gateway.push("default", &number.to_string()).await;
    }
    assert_eq!(gateway.outcomes(&hook, 5).await, ["delivered"; 5]);
    assert_eq!((names.asked("kept.test"), good.connections(), trap.connections()), (1, 1, 0));
}

#[tokio::test]
async fn names_that_are_not_answered_hold_up_nobody_else() {
    let names = Names::default();
    let gateway = names.gateway(Mode::Local).await;
    let receiver = Receiver::start().await;
    let mut stuck = Vec::new();
    // Each may have sixteen on their way, more together than look-ups there are.
    for number in 0..4 {
        let name = format!("stuck-{number}.test");
        names.mean(&name, [Said::Nothing]);
        stuck.push(register(&gateway, &name, &receiver, json!({ "channels": ["stuck"] })).await);
    }
    for number in 0..20 {
        gateway.push_only("stuck", &number.to_string()).await;
    }
    until("the questions", async || {
        (0..4).all(|n| names.asked(&format!("stuck-{n}.test")) > 0).then_some(())
    })
    .await;
    names.mean("well.test", [addresses(&["127.0.0.1"])]);
    register(&gateway, "well.test", &receiver, json!({ "channels": ["well"] })).await;
    let begun = Instant::now();
    gateway.push("well", "at once").await;
    assert_eq!(receiver.messages(), ["at once"]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // Concurrent queries for one name share an answer.
    assert!((0..4).all(|number| names.asked(&format!("stuck-{number}.test")) == 1));
    // The stop need not wait for them.
    for hook in stuck {
        gateway.remove(&hook).await;
    }
}
