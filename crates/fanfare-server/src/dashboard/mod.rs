//! The dashboard: pages and scripts that are part of the binary.
//!
//! The pages are clients of the public interface and know nothing else, so no state is passed in but the names of the
//! assistants that the command line knows. One header limits
//! what they can do: they load from the gateway alone, run no inline code, and turn no text into markup.

mod script;
mod site;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{OriginalUri, Path, Request};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;
use site::{File, Site};

use crate::net::base_path::BasePath;

/// The policy of every page.
///
/// `require-trusted-types-for` makes the browser refuse any string that a script would turn into markup: events come from
/// anybody, and this page may push.
pub const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'";

/// Besides those that every response of the gateway has.
const SECURITY_HEADERS: [(HeaderName, &str); 3] = [
    (CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// A name with a hash has one content for ever (RFC 8246).
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Browsers ask each time, and get a 304: a page of this version must not meet files of an earlier one.
const ASK_FIRST: &str = "no-cache";

/// The screens that have an address of their own. They are one page: the script reads the address. That of the
/// MCP screen is older than the others, and known elsewhere.
pub const SCREENS: [&str; 10] = [
    "/",
    "/webhooks",
    "/webhooks/{id}",
    "/sources",
    "/clients",
    "/channels",
    "/channels/{id}",
    "/readers",
    "/mcp_sse_example.html",
    "/reference",
];

/// In a release build the files are in the binary; in a debug build they are read from the source tree with each page,
/// so that a change shows without compiling.
#[derive(RustEmbed)]
#[folder = "src/dashboard/assets"]
struct Assets;

/// An assistant that `fanfare install` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assistant {
    /// Its name on the command line: `claude-code`.
    pub name: &'static str,
    /// The name of the product: `Claude Code`.
    pub title: &'static str,
}

/// The dashboard as it is served; cheap to clone.
///
/// What it serves is made with the first request: joining and compressing takes a few milliseconds, which a gateway
/// without a browser does not spend.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// What the page says of the assistants: `claude-code=Claude Code`, separated by `;`.
    assistants: Arc<str>,
    site: Arc<Mutex<Option<Arc<Site>>>>,
}

impl Dashboard {
    /// Creates the dashboard. Its first steps name these assistants.
    pub fn new(assistants: &[Assistant]) -> Dashboard {
        let assistants: Vec<String> =
            assistants.iter().map(|Assistant { name, title }| format!("{name}={title}")).collect();
        Dashboard { assistants: assistants.join(";").into(), site: Arc::default() }
    }

    /// Returns its routes, for a router with any state.
    pub fn routes<S>(&self) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let (pages, files) = (self.clone(), self.clone());
        let page = get(move |request: Request| std::future::ready(pages.page(&request)));
        let file = get(move |Path(path): Path<String>, asked: HeaderMap| {
            std::future::ready(files.file(&path, &asked))
        });
        SCREENS
            .into_iter()
            .fold(Router::new(), |router, screen| router.route(screen, page.clone()))
            .route("/assets/{*path}", file)
    }

    /// Returns the page for a request of an address that is no screen; the script reads the address and says so.
    pub fn lost(&self, request: &Request) -> Response {
        let mut response = self.page(request);
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    }

    fn page(&self, request: &Request) -> Response {
        let site = self.site(cfg!(debug_assertions));
        secured(match site.and_then(|site| site.page(&root_from(request))) {
            Ok(page) => answer(&page, ASK_FIRST, request.headers()),
            Err(why) => {
                let text = format!("the dashboard is broken: {why}\n");
                (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
            }
        })
    }

    fn file(&self, path: &str, asked: &HeaderMap) -> Response {
        let site = self.site(false).ok();
        secured(match site.as_ref().and_then(|site| site.file(path)) {
            Some((file, true)) => answer(file, FOR_EVER, asked),
            Some((file, false)) => answer(file, ASK_FIRST, asked),
            None => not_found(path),
        })
    }

    fn site(&self, is_stale: bool) -> Result<Arc<Site>, String> {
        let mut kept = self.site.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(site) if !is_stale => Ok(site.clone()),
            _ => Ok(kept.insert(Arc::new(Site::read(&self.assistants)?)).clone()),
        }
    }
}

/// Returns what leads from a page to the gateway's root. It is relative, because a proxy may serve the gateway under a
/// path of its own that the gateway does not know. A slash at the end, which routes do not see, is one step more for a browser.
fn root_from(request: &Request) -> String {
    let base = BasePath::of(request.extensions());
    if !base.as_str().is_empty() {
        return format!("{base}/");
    }
    let path = request.uri().path();
    let asked = request.extensions().get::<OriginalUri>().map_or(path, |OriginalUri(uri)| uri.path());
    let steps = path.matches('/').count().saturating_sub(1);
    let more = usize::from(asked.ends_with('/') && !path.ends_with('/'));
    "../".repeat(steps + more)
}

fn answer(file: &File, caching: &'static str, asked: &HeaderMap) -> Response {
    // Weak, because the plain and the compressed bytes have the same one.
    let etag = format!("W/\"{}\"", file.hash);
    let common = [
        (CACHE_CONTROL, HeaderValue::from_static(caching)),
        (VARY, HeaderValue::from_static("Accept-Encoding")),
        (ETAG, HeaderValue::try_from(&etag).expect("a hash is ASCII")),
    ];
    if has_already(asked, &etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let content_type = [(CONTENT_TYPE, file.content_type)];
    if takes_gzip(asked) {
        return (common, content_type, [(CONTENT_ENCODING, "gzip")], file.gzip.clone()).into_response();
    }
    (common, content_type, file.plain.clone()).into_response()
}

fn secured(mut response: Response) -> Response {
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Compares weakly, as RFC 9110 §13.1.2 says.
fn has_already(asked: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    listed(asked, &IF_NONE_MATCH).any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

/// Returns whether `Accept-Encoding` names gzip, with any weight but 0.
fn takes_gzip(asked: &HeaderMap) -> bool {
    listed(asked, &ACCEPT_ENCODING).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight != Some(0.0)
    })
}

fn listed<'a>(asked: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = asked.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn not_found(path: &str) -> Response {
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": format!("the dashboard has no file `{path}`"),
        "fix": "open `/`",
    });
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "application/problem+json")], problem.to_string()).into_response()
}
