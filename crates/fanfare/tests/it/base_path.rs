//! A gateway that a proxy serves under a path.

use fanfare_server::net::base_path::{BasePath, BasePaths, Proxy};
use serde_json::json;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::receiver::Receiver;
use crate::support::rpc::request;

async fn gateway(own: &str, proxies: &[&str]) -> Gateway {
    Gateway::with(Engine::Memory, |config| {
        config.http.base_paths = BasePaths {
            own: own.parse::<BasePath>().expect("a path"),
            proxies: proxies.iter().map(|proxy| proxy.parse::<Proxy>().expect("a proxy")).collect(),
        };
    })
    .await
}

/// Returns the address for messages that `GET` of the older MCP door names, and the stream, which keeps its session.
async fn endpoint(gateway: &Gateway, path: &str, headers: &str) -> (String, Raw) {
    let mut raw = Raw::connect(gateway.address).await;
    assert_eq!(raw.get(path, headers).await.status, 200);
    let mut said = String::new();
    while !said.contains("\n\n") {
        said.push_str(&String::from_utf8(raw.chunk().await.expect("more")).expect("text"));
    }
    let line = said.lines().find_map(|line| line.strip_prefix("data: ")).expect("an endpoint");
    (line.to_owned(), raw)
}

#[tokio::test]
async fn everything_works_below_the_base_path_and_says_so() {
    let gateway = gateway("/team/fanfare", &[]).await;
    for page in ["/team/fanfare", "/team/fanfare/", "/team/fanfare/webhooks", "/"] {
        let page = gateway.request("GET", page, |request| request).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let text = page.text();
        let values = text.split("=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let links: Vec<&str> = values.filter(|value| value.starts_with('/')).collect();
        assert!(links.len() > 1, "{text}");
        for link in links {
            assert!(link.starts_with("/team/fanfare/assets/"), "{link}");
            assert_eq!(gateway.get(link).await.status, 200, "{link}");
        }
    }
    // A browser that moves from one path to another must not show the page that it kept.
    let etag = gateway.get("/team/fanfare/").await.header("etag").to_owned();
    assert_ne!(Gateway::start().await.get("/").await.header("etag"), etag);
    let document = gateway.get("/team/fanfare/openapi.json").await.json();
    assert_eq!(document["servers"][0]["url"], "/team/fanfare");
    let receiver = Receiver::start().await;
    let created =
        gateway.post_json("/team/fanfare/api/webhooks", &json!({"webhook_url": receiver.url()})).await;
    let place = created.header("location").to_owned();
    assert!(place.starts_with("/team/fanfare/api/webhooks/wh_"), "{place}");
    assert_eq!(gateway.get(&place).await.status, 200);
    let (messages, mut stream) = endpoint(&gateway, "/team/fanfare/sse", "").await;
    assert!(messages.starts_with("/team/fanfare/messages/?session_id="), "{messages}");
    assert_eq!(gateway.post_json(&messages, &request(1, "ping", json!({}))).await.status, 202);
    let mut said = String::new();
    while !said.contains("\"result\":{}") {
        said.push_str(&String::from_utf8(stream.chunk().await.expect("more")).expect("text"));
    }
    let handshake = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    assert_eq!(Raw::connect(gateway.address).await.get("/team/fanfare/ws", handshake).await.status, 101);
    // Programs on the gateway's own machine need not know the path.
    assert_eq!(gateway.get("/api/status").await.status, 200);
    for elsewhere in ["/team", "/team/fanfares/api/status", "/team/fanfare/team/fanfare/api/status"] {
        assert_eq!(gateway.request("GET", elsewhere, |request| request).await.status, 404, "{elsewhere}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_named_may_say_the_path() {
    let trusting = gateway("", &["127.0.0.0/8"]).await;
    let said = "x-forwarded-prefix: /shared/\r\n";
    let (messages, _stream) = endpoint(&trusting, "/sse", said).await;
    assert!(messages.starts_with("/shared/messages/?"), "{messages}");
    let page = |gateway: &Gateway, value: &'static str| {
        let url = gateway.url("/");
        async move {
            let sent = reqwest::Client::new().get(url).header("x-forwarded-prefix", value).send();
            let answer = sent.await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("text"))
        }
    };
    assert!(page(&trusting, "/shared").await.1.contains("\"/shared/assets/"));
    for wrong in ["//evil.example", "/a/../b", "/a\"><script>", "https://evil.example"] {
        let (status, text) = page(&trusting, wrong).await;
        assert_eq!(status, 400, "{wrong}: {text}");
        assert!(text.contains("X-Forwarded-Prefix:"), "{text}");
    }
    // Anybody else is not believed, whatever the header says.
    for gateway in [gateway("/own", &[]).await, gateway("/own", &["10.0.0.0/8", "unix"]).await] {
        let (messages, _stream) = endpoint(&gateway, "/sse", said).await;
        assert!(messages.starts_with("/own/messages/?"), "{messages}");
        let (status, text) = page(&gateway, "/a\"><script>").await;
        assert!(status == 200 && text.contains("\"/own/assets/"), "{text}");
    }
}
