//! Deliveries that come back in: refused, however they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fanfare_webhook::policy::Mode;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::support::Engine;
use crate::support::gateway::Gateway;

#[tokio::test]
async fn a_delivery_of_this_log_is_refused_on_every_way_in() {
    let gateway = Gateway::start().await;
    let own = gateway.hub.epoch().to_string();
    let body = json!({"message": "again"}).to_string();
    let routes = ["/api/push", "/api/push/a.b", "/ingest/generic", "/ingest/claude-code", "/ingest/github"];
    for via in [own.clone(), format!("aaaaaaaa, {own}")] {
        for route in routes {
            let build = |request: reqwest::RequestBuilder| {
                let request = request.header("content-type", "application/json");
                request.header("fanfare-via", &via).body(body.clone())
            };
            let problem = gateway.request("POST", route, build).await.problem(508, "loop_detected");
            assert_eq!(problem["at"], "fanfare-via:", "{route}");
        }
    }
    assert_eq!(gateway.hub.last().seq, 0);
    // One from another gateway is welcome.
    let build = |request: reqwest::RequestBuilder| request.header("fanfare-via", "aaaaaaaa").body("hello");
    assert_eq!(gateway.request("POST", "/ingest/generic", build).await.status, 200);
}

#[tokio::test]
async fn a_webhook_that_leads_back_through_a_proxy_ends_after_one_turn() {
    let gateway = Gateway::with(Engine::Memory, |config| config.webhooks.policy.mode = Mode::Local).await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/ingest/generic?channel=loop", proxy.local_addr().expect("an address"));
    let passed = Arc::new(AtomicUsize::new(0));
    let (counted, target) = (Arc::clone(&passed), gateway.address);
    let proxying = tokio::spawn(async move {
        while let Ok((mut from, _)) = proxy.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut to = TcpStream::connect(target).await.expect("the gateway");
                // Either side can close the connection once it has the answer.
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    let registered = gateway.post_json("/api/register", &json!({"webhook_url": url})).await;
    assert_eq!(registered.status, 200, "{}", registered.text());

    let pushed = gateway.post_json("/api/push", &json!({"message": "hello"})).await.json();
    assert_eq!((&pushed["webhooks_notified"], &pushed["total_webhooks"]), (&json!(0), &json!(1)));
    assert_eq!(passed.load(Ordering::SeqCst), 1, "the delivery did come to the proxy");
    assert_eq!(gateway.hub.last().seq, 1, "and was not taken in");
    proxying.abort();
}
