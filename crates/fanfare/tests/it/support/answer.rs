//! An answer to a request, read to its end.

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::support::soon;

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = soon("a body", response.bytes()).await.expect("a whole body").to_vec();
        Answer { status, headers, body }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// Returns a header, or an empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// Checks that this is a problem according to RFC 9457 and `docs/api.md`, and returns it.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let said = format!("{} {}", self.status, self.text());
        assert_eq!(self.status, status, "{said}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{said}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{said}");
        assert_eq!(problem["code"], code, "{said}");
        assert_eq!(problem["type"], "about:blank", "{said}");
        for member in ["title", "detail", "fix"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "`{member}` in {said}");
        }
        problem
    }
}
