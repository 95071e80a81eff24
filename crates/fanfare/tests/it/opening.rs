//! The first bytes of a stream: the position in a block for clients that remember it, in a header for all.

use http::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderValue, ORIGIN, USER_AGENT};

use crate::support::event_source::EventSource;
use crate::support::gateway::{Gateway, reqwest_client, send_apart};
use crate::support::soon;

/// A browser, and other clients.
fn callers() -> [(bool, HeaderMap); 5] {
    let headers = |pairs: &[(&'static str, &'static str)]| {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)))
            .collect()
    };
    [
        (true, headers(&[("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin")])),
        // Browsers send no `Sec-Fetch-…` to another machine over plain http.
        (true, headers(&[(USER_AGENT.as_str(), "Mozilla/5.0 (X11)"), (ACCEPT_LANGUAGE.as_str(), "en")])),
        (false, headers(&[(USER_AGENT.as_str(), "Mozilla/5.0 (compatible; a bot)")])),
        (false, headers(&[(USER_AGENT.as_str(), "python-httpx/0.28.1"), ("accept", "text/event-stream")])),
        (false, HeaderMap::new()),
    ]
}

#[tokio::test]
async fn a_browser_gets_the_position_in_a_block_and_everybody_in_a_header() {
    let gateway = Gateway::start().await;
    gateway.push("a", "before").await;
    for http2 in [false, true] {
        for (is_browser, headers) in callers() {
            for format in ["text", "json"] {
                let last = gateway.last();
                let url = format!("http://{}/stream?format={format}", gateway.address);
                let asked = reqwest_client(http2).get(url).headers(headers.clone());
                let mut stream = soon("a stream", send_apart(asked)).await;
                assert_eq!(stream.headers()["fanfare-position"], last);
                let mut text = String::new();
                let mut browser = EventSource::default();
                if is_browser {
                    while browser.last_event_id.is_empty() {
                        let chunk = soon("bytes", stream.chunk()).await.expect("bytes").expect("a block");
                        assert!(browser.feed(&chunk).is_empty(), "a block without data is no event");
                    }
                    assert_eq!(browser.last_event_id, last);
                    continue;
                }
                // What many do: each block is an event, and all of its data is one text.
                let id = gateway.push("other", "noise").await;
                while !text.ends_with("\n\n") {
                    let chunk = soon("bytes", stream.chunk()).await.expect("bytes").expect("an event");
                    text.push_str(std::str::from_utf8(&chunk).expect("text"));
                }
                assert_eq!(text.matches("\n\n").count(), 1, "one block, that of the event: {text}");
                assert!(text.contains(&format!("\nid: {id}\ndata: ")) && text.contains("noise"), "{text}");
            }
        }
        // A page that reads the stream by itself can see the header.
        let asked = reqwest_client(http2).get(format!("http://{}/stream", gateway.address));
        let asked = asked.header(ORIGIN, "http://localhost:3000");
        let stream = soon("a stream", send_apart(asked)).await;
        let exposed = stream.headers()["access-control-expose-headers"].to_str().expect("text").to_owned();
        for wanted in ["Fanfare-Overlooked", "Fanfare-Position"] {
            assert!(exposed.split(", ").any(|name| name == wanted), "{exposed}");
        }
    }
}
