//! Reading the log back.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::{Engine, until};

async fn page(gateway: &Gateway, query: &str) -> Value {
    let answer = gateway.get(&format!("/api/events?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()
}

fn messages(page: &Value) -> Vec<String> {
    let text = |event: &Value| event["message"].as_str().expect("a message").to_owned();
    page["events"].as_array().expect("events").iter().map(text).collect()
}

fn numbers(from: u64, to: u64) -> Vec<String> {
    if from <= to {
        (from..=to).map(|number| number.to_string()).collect()
    } else {
        (to..=from).rev().map(|number| number.to_string()).collect()
    }
}

#[tokio::test]
async fn pages_lead_to_the_end_in_both_directions() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let event = |number: u64| {
            let channel = if number.is_multiple_of(3) { "c" } else { "d" };
            json!({"channel": channel, "message": number.to_string()})
        };
        gateway.push_batch((1..=250).map(event).collect()).await;
        let first = page(&gateway, "").await;
        assert_eq!(messages(&first), numbers(250, 151), "newest first, a hundred");
        assert_eq!(
            (&first["first"], &first["last"]),
            (&gateway.position(1).into(), &gateway.position(250).into())
        );
        for (order, wanted) in [("newest", numbers(250, 1)), ("oldest", numbers(1, 250))] {
            for limit in [1, 7, 50, 250, 1000] {
                for channel in [false, true] {
                    let filter = if channel { "&channel=c" } else { "" };
                    let (mut got, mut from, mut pages) = (Vec::new(), String::new(), 0);
                    loop {
                        let page =
                            page(&gateway, &format!("order={order}&limit={limit}{filter}{from}")).await;
                        assert!(messages(&page).len() <= limit);
                        got.extend(messages(&page));
                        pages += 1;
                        let Some(next) = page["next_cursor"].as_str() else { break };
                        from = format!("&cursor={next}");
                    }
                    let every_third = |text: &String| text.parse::<u64>().expect("a number") % 3 == 0;
                    let wanted: Vec<_> =
                        wanted.iter().filter(|text| !channel || every_third(text)).cloned().collect();
                    assert_eq!(got, wanted, "{order} {limit} {channel} on {engine:?}");
                    assert!(pages <= 2 + 250 / limit, "{pages} pages of {limit}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_is_what_was_asked_for() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        for (channel, event_type, priority, message) in [
            ("a.b", "info", "default", "1 Alpha"),
            ("a.c", "error", "high", "2 beta"),
            ("b", "warning", "max", "3 ALPHABET"),
            ("a.b", "error", "low", "4 ünïcödé"),
        ] {
            gateway
                .push_event(
                    json!({"channel": channel, "type": event_type, "priority": priority, "message": message}),
                )
                .await;
        }
        let at =
            gateway.get(&format!("/api/events/{}", gateway.position(3))).await.json()["timestamp"].clone();
        let at = at.as_str().expect("a timestamp").replace('+', "%2B");
        for (query, wanted) in [
            (String::new(), "1234"),
            ("channel=a.*".into(), "124"),
            ("channel=b&channel=a.c".into(), "23"),
            ("type=error&type=info".into(), "124"),
            ("min_priority=high".into(), "23"),
            ("text=alpha".into(), "13"),
            ("text=%C3%BCn%C3%AF".into(), "4"),
            ("text=nothing".into(), ""),
            (format!("after={}", gateway.position(2)), "34"),
            (format!("before={}", gateway.position(3)), "12"),
            (format!("after={}&before={}", gateway.position(1), gateway.position(4)), "23"),
            (format!("after={}&before={}", gateway.position(3), gateway.position(2)), ""),
            (format!("since={at}"), "34"),
            (format!("until={at}"), "12"),
            ("since=1h".into(), "1234"),
            ("until=1h".into(), ""),
            ("limit=2".into(), "12"),
            (format!("after={}", gateway.position(99)), ""),
            (format!("before={}", gateway.position(0)), ""),
        ] {
            let page = page(&gateway, &format!("order=oldest&{query}")).await;
            let got: String = messages(&page).iter().map(|message| &message[..1]).collect();
            assert_eq!(got, wanted, "{query} on {engine:?}");
        }
    }
}

#[tokio::test]
async fn a_mistake_in_the_query_is_refused_with_its_place() {
    let gateway = Gateway::start().await;
    gateway.push("a", "x").await;
    for (query, status, code, at) in [
        ("after=zzzzzzzz-1", 400, "invalid_position", "?after"),
        ("before=zzzzzzzz-1", 400, "invalid_position", "?before"),
        ("after=1", 400, "invalid_position", "?after"),
        ("since=x", 400, "invalid_time", "?since"),
        ("order=up", 400, "invalid_query", "?order"),
        ("limit=0", 400, "invalid_query", "?limit"),
        ("limit=1001", 400, "invalid_query", "?limit"),
        ("limit=ten", 400, "invalid_query", "?limit"),
        ("cursor=x", 400, "invalid_query", "?cursor"),
        ("cursor=zzzzzzzz-1", 400, "invalid_position", "?cursor"),
        ("channel=a..b", 400, "invalid_pattern", "?channel"),
        ("chanel=a", 400, "invalid_query", "?chanel"),
    ] {
        let problem = gateway.get(&format!("/api/events?{query}")).await.problem(status, code);
        assert_eq!(problem["at"], at, "{query}");
    }
    for (id, status, code) in [
        ("x".to_owned(), 404, "not_found"),
        ("zzzzzzzz-1".to_owned(), 404, "not_found"),
        (gateway.position(2), 404, "not_found"),
        (gateway.position(0), 404, "not_found"),
    ] {
        gateway.get(&format!("/api/events/{id}")).await.problem(status, code);
    }
}

#[tokio::test]
async fn what_retention_removed_is_gone() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, |config| config.retention.count = 3).await;
        let event = |number: u64| json!({"message": number.to_string()});
        gateway.push_batch((1..=10).map(event).collect()).await;
        until("retention", async || (gateway.hub.extent().first == 8).then_some(())).await;
        let problem =
            gateway.get(&format!("/api/events/{}", gateway.position(7))).await.problem(410, "position_gone");
        assert!(problem["fix"].as_str().expect("a fix").contains(&gateway.position(8)));
        let page = page(&gateway, &format!("order=oldest&after={}", gateway.position(2))).await;
        assert_eq!(messages(&page), ["8", "9", "10"], "on {engine:?}");
        assert_eq!((&page["first"], page.get("next_cursor")), (&gateway.position(8).into(), None));
    }
}
