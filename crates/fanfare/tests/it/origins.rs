//! `Host`, `Origin` and what browsers say of a request, on every door.

use fanfare_server::net::origin::Cors;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::raw::{Head, Raw};

const DOORS: [(&str, &str); 8] = [
    ("GET", "/stream"),
    ("GET", "/ws"),
    ("POST", "/api/push"),
    ("POST", "/api/push/a"),
    ("GET", "/api/events"),
    ("DELETE", "/api/readers/x"),
    ("GET", "/health"),
    ("GET", "/nowhere"),
];

const HANDSHAKE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What Chromium sends beside `Origin` when the page of another site calls `fetch`.
const FETCH: &str = "sec-fetch-site: cross-site\r\nsec-fetch-mode: cors\r\nsec-fetch-dest: empty\r\n";

/// Sends a request that would be accepted but for `headers`.
async fn knock(gateway: &Gateway, method: &str, path: &str, headers: &str) -> Head {
    let upgrade = if path == "/ws" { HANDSHAKE } else { "" };
    let body = if method == "POST" { "{\"message\":\"x\"}" } else { "" };
    let len = body.len();
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(format!(
        "{method} {path} HTTP/1.1\r\n{headers}{upgrade}content-type: application/json\r\n\
         content-length: {len}\r\n\r\n{body}"
    ))
    .await;
    raw.head().await
}

/// Returns whether a request passed the guard.
fn came_in(head: &Head) -> bool {
    !matches!(head.status, 403 | 421)
}

#[tokio::test]
async fn names_that_are_not_ours_are_refused_at_every_door() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.http.allowed_hosts = vec!["Push.Example.com".to_owned()];
    })
    .await;
    let port = gateway.address.port();
    for (host, allowed) in [
        (format!("127.0.0.1:{port}"), true),
        (format!("localhost:{port}"), true),
        ("app.localhost".to_owned(), true),
        ("[::1]:80".to_owned(), true),
        ("10.1.2.3".to_owned(), true),
        ("push.example.com".to_owned(), true),
        ("evil.example.com".to_owned(), false),
        ("localhost.evil.com".to_owned(), false),
        ("127.0.0.1.evil.com".to_owned(), false),
        ("evil.com\u{e9}".to_owned(), false),
    ] {
        for (method, path) in DOORS {
            let head = knock(&gateway, method, path, &format!("host: {host}\r\n")).await;
            assert_eq!(came_in(&head), allowed, "{method} {path} for {host}: {}", head.status);
            assert!(allowed || head.status == 421);
        }
    }
    assert_eq!(gateway.hub.last().seq, 12, "what was refused was not pushed");
    let answer = gateway.request("GET", "/health", |request| request.header("host", "evil.com")).await;
    assert_eq!(answer.problem(421, "host_not_allowed")["at"], "Host:");
    gateway.clients(0).await;
}

#[tokio::test]
async fn pages_from_elsewhere_are_refused_at_every_door() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.http.cors = Cors::parse(&["https://app.example.com".to_owned()]).expect("an origin");
    })
    .await;
    for (origin, allowed) in [
        ("http://localhost:3000", true),
        ("http://127.0.0.1:5500", true),
        ("http://[::1]", true),
        ("https://app.example.com", true),
        ("https://app.example.com:444", false),
        ("http://app.example.com", false),
        ("https://evil.com", false),
        ("http://localhost.evil.com", false),
        ("http://localhost:3000@evil.com", false),
        ("http://[::1].evil.com", false),
        ("ftp://localhost", false),
        ("null", false),
    ] {
        for (method, path) in DOORS {
            let headers = format!("host: localhost\r\norigin: {origin}\r\n{FETCH}");
            let head = knock(&gateway, method, path, &headers).await;
            assert_eq!(came_in(&head), allowed, "{method} {path} from {origin}: {}", head.status);
            let shared = if allowed { origin } else { "" };
            assert_eq!(head.header("access-control-allow-origin"), shared, "{method} {path} from {origin}");
            let is_named = origin.eq_ignore_ascii_case("https://app.example.com");
            let credentials = if allowed && is_named { "true" } else { "" };
            assert_eq!(head.header("access-control-allow-credentials"), credentials, "{origin}");
            assert!(!allowed || head.has("vary", "Origin"), "{method} {path} from {origin}");
        }
    }
    assert_eq!(gateway.hub.last().seq, 8, "what was refused was not pushed");
    let answer =
        gateway.request("GET", "/health", |request| request.header("origin", "https://evil.com")).await;
    assert_eq!(answer.problem(403, "origin_not_allowed")["at"], "Origin:");
    gateway.clients(0).await;
}

#[tokio::test]
async fn requests_of_other_sites_that_do_not_say_which_are_refused_at_every_door() {
    let gateway = Gateway::start().await;
    let said = |site: &str, mode: &str, dest: &str| {
        let header = |name: &str, value: &str| match value {
            "" => String::new(),
            value => format!("sec-fetch-{name}: {value}\r\n"),
        };
        ["host: localhost\r\n", &header("site", site), &header("mode", mode), &header("dest", dest)].concat()
    };
    for (site, mode, dest, allowed) in [
        ("cross-site", "no-cors", "image", false),
        ("cross-site", "no-cors", "empty", false),
        ("cross-site", "navigate", "document", false),
        ("cross-site", "navigate", "iframe", false),
        ("same-site", "no-cors", "script", false),
        ("unheard-of", "no-cors", "image", false),
        ("same-origin\r\nsec-fetch-site: cross-site", "no-cors", "image", false),
        ("same-origin", "cors", "empty", true),
        ("same-origin", "no-cors", "image", true),
        ("none", "navigate", "document", true),
        ("", "", "", true),
    ] {
        for (method, path) in DOORS {
            let head = knock(&gateway, method, path, &said(site, mode, dest)).await;
            // A link to an unknown address gets the page that says so.
            let allowed = allowed || (path, mode, dest) == ("/nowhere", "navigate", "document");
            assert_eq!(came_in(&head), allowed, "{method} {path}: {site} {mode} {dest}: {}", head.status);
        }
    }
    assert_eq!(gateway.hub.last().seq, 8, "what was refused was not pushed");

    // Another site can link to a page, and do nothing else with it.
    for (path, mode, dest, allowed) in [
        ("/", "navigate", "document", true),
        ("/webhooks/wh_any", "navigate", "document", true),
        ("/reference", "navigate", "document", true),
        ("/nowhere", "navigate", "document", true),
        ("/nowhere", "no-cors", "image", false),
        ("/", "navigate", "iframe", false),
        ("/", "no-cors", "image", false),
        ("/assets/css/all.css", "no-cors", "style", false),
        ("/assets/css/all.css", "navigate", "document", false),
        ("/openapi.json", "navigate", "document", false),
    ] {
        let head = knock(&gateway, "GET", path, &said("cross-site", mode, dest)).await;
        assert_eq!(came_in(&head), allowed, "{path}: {mode} {dest}: {}", head.status);
    }

    // A stream makes a reader and a session: none was made.
    for path in ["/stream?reader=laptop", "/sse", "/mcp/sse", "/mcp"] {
        for method in ["GET", "HEAD"] {
            let head = knock(&gateway, method, path, &said("cross-site", "no-cors", "image")).await;
            assert_eq!(head.status, 403, "{method} {path}");
        }
    }
    let readers = gateway.get("/api/readers").await.json();
    assert_eq!(readers["readers"], serde_json::json!([]));
    gateway.clients(0).await;
    let image = |request: reqwest::RequestBuilder| {
        request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "no-cors")
    };
    let answer = gateway.request("GET", "/api/events", image).await;
    assert_eq!(answer.problem(403, "origin_not_allowed")["at"], "Sec-Fetch-Site:");
}

#[tokio::test]
async fn every_response_is_for_its_own_page_alone_and_kept_by_nobody() {
    let gateway = Gateway::start().await;
    let more =
        [("GET", "/openapi.json"), ("GET", "/metrics"), ("GET", "/mcp"), ("GET", "/sse"), ("GET", "/ready")];
    for (method, path) in DOORS.into_iter().chain(more) {
        for headers in ["host: localhost\r\n", "host: evil.com\r\n", "host: localhost\r\norigin: null\r\n"] {
            let head = knock(&gateway, method, path, headers).await;
            let what = format!("{method} {path} {headers:?}: {}", head.status);
            assert_eq!(head.header("cross-origin-resource-policy"), "same-origin", "{what}");
            assert_eq!(head.header("x-content-type-options"), "nosniff", "{what}");
            assert!(head.header("cache-control").contains("no-store"), "{what}");
        }
    }
    for path in ["/", "/assets/css/all.css"] {
        let head = knock(&gateway, "GET", path, "host: localhost\r\n").await;
        assert_eq!((head.status, head.header("cache-control")), (200, "no-cache"), "{path}");
        assert_eq!(head.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(head.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn a_request_names_one_host_and_at_most_one_origin() {
    let gateway = Gateway::start().await;
    for (headers, place) in [
        ("", "Host:"),
        ("host: localhost\r\nhost: localhost\r\n", "Host:"),
        ("host: localhost\r\nhost: evil.com\r\n", "Host:"),
        ("host: localhost\r\norigin: http://localhost\r\norigin: https://evil.com\r\n", "Origin:"),
    ] {
        for (method, path) in DOORS {
            let mut raw = Raw::connect(gateway.address).await;
            let upgrade = if path == "/ws" { HANDSHAKE } else { "" };
            raw.send(format!("{method} {path} HTTP/1.1\r\n{headers}{upgrade}content-length: 0\r\n\r\n"))
                .await;
            assert_eq!(raw.head().await.status, 400, "{method} {path} with {headers:?}");
        }
        let mut raw = Raw::connect(gateway.address).await;
        raw.send(format!("GET /health HTTP/1.1\r\n{headers}\r\n")).await;
        let head = raw.head().await;
        let problem: serde_json::Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
        assert_eq!(
            (&problem["code"], &problem["at"]),
            (&"invalid_header".into(), &place.into()),
            "{headers:?}"
        );
    }
    // HTTP/1.0 knows no `Host`.
    let mut raw = Raw::connect(gateway.address).await;
    raw.send("GET /health HTTP/1.0\r\n\r\n").await;
    assert_eq!(raw.head().await.status, 200);
}

#[tokio::test]
async fn every_page_may_come_when_the_operator_says_so() {
    let gateway = Gateway::with(Engine::Memory, |config| config.http.cors = Cors::Any).await;
    for origin in ["https://evil.com", "null", "http://localhost"] {
        for (method, path) in DOORS {
            let headers = format!("host: localhost\r\norigin: {origin}\r\n{FETCH}");
            let head = knock(&gateway, method, path, &headers).await;
            assert!(came_in(&head), "{method} {path} from {origin}");
            assert_eq!(head.header("access-control-allow-origin"), origin);
        }
    }
    // A name that is not ours is another matter: a page that bound it to our address sends no `Origin`.
    let head = knock(&gateway, "GET", "/stream", "host: evil.com\r\n").await;
    assert_eq!(head.status, 421);
    gateway.clients(0).await;
}

#[tokio::test]
async fn preflights_are_answered_for_those_who_may_come() {
    let gateway = Gateway::start().await;
    let preflight = async |origin: &str, more: &str| {
        let headers = format!(
            "host: localhost\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: authorization,content-type,mcp-param-x\r\n{more}"
        );
        knock(&gateway, "OPTIONS", "/api/push", &headers).await
    };
    let head = preflight("http://localhost:3000", "").await;
    assert_eq!(head.status, 204);
    assert_eq!(head.header("access-control-allow-origin"), "http://localhost:3000");
    assert_eq!(head.header("access-control-allow-methods"), "POST, OPTIONS");
    assert_eq!(head.header("access-control-allow-headers"), "authorization,content-type,mcp-param-x");
    assert_eq!(head.header("access-control-max-age"), "3600");
    assert_eq!(head.header("access-control-allow-private-network"), "");
    let head = preflight("http://localhost:3000", "access-control-request-private-network: true\r\n").await;
    assert_eq!(head.header("access-control-allow-private-network"), "true");
    let head = preflight("https://evil.com", "access-control-request-private-network: true\r\n").await;
    assert_eq!((head.status, head.header("access-control-allow-private-network")), (403, ""));

    // The page can read errors, too.
    let headers = "host: localhost\r\norigin: http://localhost:3000\r\n";
    for (method, path, status) in
        [("PUT", "/api/push", 405), ("GET", "/nowhere", 404), ("GET", "/stream?chanel=a", 400)]
    {
        let head = knock(&gateway, method, path, headers).await;
        assert_eq!(head.status, status);
        assert_eq!(head.header("access-control-allow-origin"), "http://localhost:3000", "{method} {path}");
        let exposed = head.header("access-control-expose-headers");
        assert!(exposed.contains("ETag") && exposed.contains("Retry-After"), "{exposed}");
    }
    // Which it could not, if the question for a route that is not there were refused.
    let headers = format!("{headers}access-control-request-method: PUT\r\n");
    let head = knock(&gateway, "OPTIONS", "/nowhere", &headers).await;
    assert_eq!((head.status, head.header("access-control-allow-methods")), (204, "PUT"));
}

#[tokio::test]
async fn only_pages_of_origins_that_the_operator_named_may_send_credentials() {
    let with = async |cors: &str| {
        let cors = Cors::parse(&[cors.to_owned()]).expect("origins");
        Gateway::with(Engine::Memory, |config| config.http.cors = cors).await
    };
    for (cors, origin, allowed) in [
        ("https://app.example.com", "https://app.example.com", "true"),
        // Pages of this machine are let in without being named.
        ("https://app.example.com", "http://localhost:3000", ""),
        ("*", "https://app.example.com", ""),
    ] {
        let gateway = with(cors).await;
        let headers = format!("host: localhost\r\norigin: {origin}\r\n");
        let preflight = format!("{headers}access-control-request-method: PATCH\r\n");
        for (method, path, headers) in [
            ("GET", "/api/events", &headers),
            ("OPTIONS", "/api/events", &headers),
            ("OPTIONS", "/api/webhooks/wh_aaaaaaaaaaaaaaaa", &preflight),
            ("GET", "/stream", &headers),
        ] {
            let head = knock(&gateway, method, path, headers).await;
            assert!(head.status < 300, "{method} {path}");
            assert_eq!(head.header("access-control-allow-origin"), origin, "{method} {path}");
            assert_eq!(head.header("access-control-allow-credentials"), allowed, "{method} {path} {cors}");
            assert!(head.has("vary", "Origin"), "{method} {path}");
        }
        let head = knock(&gateway, "OPTIONS", "/api/webhooks/wh_aaaaaaaaaaaaaaaa", &preflight).await;
        assert!(head.header("access-control-allow-methods").contains("PATCH"));
        gateway.clients(0).await;
    }
}

#[tokio::test]
async fn every_route_says_which_methods_it_has() {
    let gateway = Gateway::start().await;
    let document = gateway.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 20);
    for (path, item) in paths {
        let mut wanted: Vec<String> =
            item.as_object().expect("an item").keys().map(|method| method.to_uppercase()).collect();
        if wanted.contains(&"GET".to_owned()) {
            wanted.push("HEAD".to_owned());
        }
        wanted.push("OPTIONS".to_owned());
        wanted.sort_unstable();
        let sorted = |list: &str| {
            let mut list: Vec<_> = list.split(", ").map(str::to_owned).collect();
            list.sort_unstable();
            list
        };
        let head = knock(&gateway, "OPTIONS", path, "host: localhost\r\n").await;
        assert_eq!((head.status, sorted(head.header("allow"))), (204, wanted.clone()), "{path}");
        let page =
            "host: localhost\r\norigin: http://localhost:3000\r\naccess-control-request-method: PATCH\r\n";
        let head = knock(&gateway, "OPTIONS", path, page).await;
        let methods = sorted(head.header("access-control-allow-methods"));
        assert_eq!((head.status, methods), (204, wanted), "{path}");
    }
    for path in ["/", "/mcp", "/metrics", "/openapi.json"] {
        let head = knock(&gateway, "OPTIONS", path, "host: localhost\r\n").await;
        assert_eq!(head.status, 204, "{path}");
        assert!(head.header("allow").contains("GET"), "{path}: {}", head.header("allow"));
    }
    gateway.request("OPTIONS", "/nowhere", |request| request).await.problem(404, "not_found");
}
