//! Two principals at one gateway: what belongs to one is not there for the other. Nobody can call as another principal
//! from outside yet, so these ask the hub and the webhooks themselves.

use std::time::Duration;

use fanfare_core::refusal::Refusal;
use fanfare_core::{Door, NewEvent, Position, Principal, Source, Start, Timestamp, Via, WebhookId};
use fanfare_delivery::attempt_id::AttemptId;
use fanfare_delivery::changing::Expected;
use fanfare_delivery::changing::NewKey;
use fanfare_delivery::looking::AttemptQuery;
use fanfare_delivery::replaying::Selection;
use fanfare_delivery::selecting::Words;
use fanfare_delivery::values::AttemptFilter;
use fanfare_hub::client::{NewClient, Transport};
use fanfare_hub::readers::{AckError, AckSignal};
use fanfare_hub::subscribe::Request;
use fanfare_webhook::patch::{Change, Registration};
use fanfare_webhook::policy::Mode;
use fanfare_webhook::sample::Sample;
use serde_json::json;

use crate::support::gateway::Gateway;
use crate::support::{Engine, soon};

const ENGINES: [Engine; 2] = [Engine::Memory, Engine::Embedded];
const VIA: Via = Via { door: Door::Http, address: None, agent: None };
const URL: &str = "http://127.0.0.1:9/hook";

fn principal(name: &str) -> Principal {
    Principal::named(name).expect("a name")
}

/// Registers an address for events that nobody pushes here.
fn registration() -> Registration {
    let body = json!({ "webhook_url": URL, "channels": ["elsewhere"] }).to_string();
    Registration::parse(body.as_bytes()).expect("a registration")
}

fn event(by: &Principal, message: &str, key: Option<&str>) -> NewEvent {
    let source = Source { principal: by.name().clone(), door: Door::Http, agent: None };
    let idempotency_key = key.map(|key| key.parse().expect("a key"));
    NewEvent { idempotency_key, ..NewEvent::new(message, source).expect("short") }
}

async fn push(gateway: &Gateway, by: &Principal, message: &str) -> Position {
    let published = gateway.hub.publish(by, &VIA, vec![event(by, message, None)]).await.expect("pushed");
    published.appended[0].event.position
}

/// Asks every verb about a webhook, and returns what each answers, with `ID` for its id.
async fn answers(
    gateway: &Gateway,
    by: &Principal,
    id: &WebhookId,
    at: Position,
) -> Vec<(&'static str, String)> {
    let webhooks = &gateway.webhooks;
    let event = gateway.hub.event(by, at).await.expect("read").expect("it is kept");
    let change = || Change::parse(br#"{"description":"taken over"}"#).expect("a change");
    let wanted = AttemptQuery { event: None, filter: AttemptFilter::default(), before: None, limit: 5 };
    let words = Words { state: Some("failed".to_owned()), ..Words::default() };
    let events = Selection::Events(gateway.hub.purges().mark(), vec![event.clone()]);
    let attempt = AttemptId { webhook: id.clone(), seq: at.seq, number: 1, at: Timestamp::from_micros(1) };
    let mut answers = Vec::new();
    macro_rules! ask {
        ($($verb:literal: $asked:expr,)+) => {
            $(answers.push(($verb, $asked.err().map_or("done".to_owned(), |error| error.to_string()))));+
        };
    }
    ask! {
        "find": webhooks.find(by, id),
        "change": webhooks.change(by, Mode::Local, id, change(), &Expected::Any).await,
        "rotate": webhooks.rotate(by, Mode::Local, id, NewKey::Ed25519, Duration::ZERO, &Expected::Any).await,
        "pause": webhooks.pause(by, id, &Expected::Any).await,
        "resume": webhooks.resume(by, id, &Expected::Any).await,
        "test": webhooks.test(by, Mode::Local, id, Sample::default()).await,
        "resend": webhooks.resend(by, Mode::Local, id, at, None).await,
        "select": webhooks.select(by, id, words).await.map_err(|unselected| unselected.refused),
        "replay": webhooks.replay(by, id, events, true).await,
        "discard": webhooks.discard(by, id, at).await,
        "attempts": webhooks.attempts(by, id, wanted).await,
        "event": webhooks.event(by, id, at).await,
        "deliveries": webhooks.deliveries(by, id, None, None, 5).await,
        "delivery": webhooks.delivery(by, id, &event).await,
        "tried": webhooks.tried(by, Mode::Local, &attempt).await,
    }
    let anonymous = |answer: &str| answer.replace(&attempt.to_string(), "ATTEMPT").replace(id.as_str(), "ID");
    answers.iter_mut().for_each(|(_, answer)| *answer = anonymous(answer));
    answers
}

#[tokio::test]
async fn anothers_webhook_looks_like_none() {
    for engine in ENGINES {
        let gateway = Gateway::on(engine).await;
        let (ann, zoe) = (principal("ann"), principal("zoe"));
        let anns = gateway
            .webhooks
            .register(&ann, Mode::Local, registration())
            .await
            .expect("registered")
            .entry
            .webhook();
        assert_eq!(anns.owner, ann.owner());
        let at = push(&gateway, &ann, "x").await;

        let unknown = WebhookId::from_random([7; 10]);
        let to_zoe = answers(&gateway, &zoe, &anns.id, at).await;
        assert_eq!(to_zoe, answers(&gateway, &zoe, &unknown, at).await);
        assert!(to_zoe.iter().all(|(_, answer)| answer != "done"), "{to_zoe:?}");
        assert!(gateway.webhooks.list(&zoe).is_empty());
        assert!(gateway.webhooks.delivery_counts(&zoe).await.expect("counted").is_empty());
        assert!(!gateway.webhooks.remove(&zoe, &anns.id, &Expected::Any).await.expect("asked"));
        assert!(!gateway.webhooks.unregister(&zoe, &anns.url, None).await.expect("asked"));
        assert_eq!(gateway.webhooks.find(&ann, &anns.id).expect("it is there").webhook(), anns);

        // The same address is free for the other, and each takes back its own.
        let zoes =
            gateway.webhooks.create(&zoe, Mode::Local, registration()).await.expect("created").webhook();
        assert_eq!(zoes.owner, zoe.owner());
        for (by, own) in [(&ann, &anns.id), (&zoe, &zoes.id)] {
            let refused =
                gateway.webhooks.create(by, Mode::Local, registration()).await.expect_err("it has one");
            assert_eq!(Refusal::from(refused).webhook.as_ref(), Some(own), "nobody hears of another's");
        }
        assert!(
            gateway
                .webhooks
                .register(&ann, Mode::Local, registration())
                .await
                .expect("registered")
                .changed
                .is_some()
        );
        assert!(gateway.webhooks.unregister(&ann, &anns.url, None).await.expect("asked"));
        assert!(gateway.webhooks.list(&ann).is_empty());
        assert_eq!(gateway.webhooks.list(&zoe)[0].webhook().id, zoes.id);
        assert!(gateway.webhooks.remove(&zoe, &zoes.id, &Expected::Any).await.expect("asked"));
    }
}

#[tokio::test]
async fn anothers_reader_looks_like_none() {
    for engine in ENGINES {
        let gateway = Gateway::on(engine).await;
        let hub = &gateway.hub;
        let (ann, zoe) = (principal("ann"), principal("zoe"));
        let (first, last) = (push(&gateway, &ann, "a").await, push(&gateway, &ann, "b").await);
        let name: fanfare_core::ReaderName = "inbox".parse().expect("a name");
        let read = |start| Request {
            filter: None,
            start,
            conflate: false,
            shed: false,
            client: NewClient {
                transport: Transport::Sse,
                address: None,
                agent: None,
                reader: Some(name.clone()),
                session: None,
            },
        };
        let _anns = hub.subscribe(&ann, read(Start::After(first))).await.expect("subscribed");
        assert!(hub.readers(&zoe, None, 10).await.expect("listed").readers.is_empty());
        assert!(hub.clients(&zoe).is_empty());
        let event = hub.event(&zoe, last).await.expect("read").expect("it is kept");
        assert!(hub.receipts(&zoe, &event).await.expect("listed").is_empty());
        let refused = hub.acknowledge(&zoe, &name, last).await;
        assert!(matches!(refused, Err(AckError::UnknownReader { .. })), "{refused:?}");
        assert!(hub.remove_reader(&zoe, &name).await.expect("asked").is_none());

        // One of the same name is another reader: it begins where it says, and acknowledges for itself.
        let _zoes = hub.subscribe(&zoe, read(Start::Earliest)).await.expect("subscribed");
        let mut told = hub.acknowledgements(&zoe);
        hub.acknowledge(&ann, &name, last).await.expect("acknowledged");
        hub.acknowledge(&zoe, &name, first).await.expect("acknowledged");
        let Ok(AckSignal::Acknowledged(row)) = soon("an acknowledgement", told.recv()).await else {
            panic!("nothing was told")
        };
        assert_eq!((&row.key.owner, row.acknowledged), (&zoe.owner(), first));
        for (by, acknowledged) in [(&ann, last), (&zoe, first)] {
            let readers = hub.readers(by, None, 10).await.expect("listed").readers;
            let known: Vec<_> = readers.iter().map(|info| (info.row.acknowledged, info.connected)).collect();
            assert_eq!(known, [(acknowledged, 1)]);
            assert_eq!(hub.clients(by).len(), 1);
        }
        let removed = hub.remove_reader(&zoe, &name).await.expect("asked").expect("hers");
        assert_eq!((&removed.key.owner, removed.acknowledged), (&zoe.owner(), first));
        assert_eq!(hub.readers(&ann, None, 10).await.expect("listed").total, 1);
    }
}

#[tokio::test]
async fn anothers_idempotency_key_is_another_key() {
    for engine in ENGINES {
        let gateway = Gateway::on(engine).await;
        let (ann, zoe) = (principal("ann"), principal("zoe"));
        for (by, repeated) in [(&ann, false), (&zoe, false), (&ann, true), (&zoe, true)] {
            let pushed = vec![event(by, "x", Some("order-1"))];
            let published = gateway.hub.publish(by, &VIA, pushed).await.expect("pushed");
            assert_eq!(published.appended[0].repeated, repeated, "{by:?}");
        }
        assert_eq!(gateway.hub.last().seq, 2);
    }
}
