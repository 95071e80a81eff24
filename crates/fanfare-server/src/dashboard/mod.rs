//! The dashboard: pages and scripts that are part of the binary.
//!
//! The pages are clients of the public interface and know nothing else, so no state is passed in. One header limits
//! what they can do: they load from the gateway alone, run no inline code, and turn no text into markup.

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::net::base_path::BasePath;

#[cfg(test)]
mod tests;

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

/// The screens that have an address of their own. They are one page: the script reads the address. That of the
/// MCP screen is older than the others, and known elsewhere.
pub const SCREENS: [&str; 8] = [
    "/",
    "/webhooks",
    "/webhooks/{id}",
    "/sources",
    "/clients",
    "/channels",
    "/mcp_sse_example.html",
    "/reference",
];

/// In a release build the files are in the binary; in a debug build they are read from the source tree at each request,
/// so that a change shows without compiling.
#[derive(RustEmbed)]
#[folder = "src/dashboard/assets"]
struct Assets;

/// The dashboard's routes, for a router with any state.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    SCREENS
        .into_iter()
        .fold(Router::new(), |router, screen| router.route(screen, get(page)))
        .route("/assets/{*path}", get(asset))
}

async fn page(request: Request) -> Response {
    answer("index.html", &request)
}

async fn asset(Path(path): Path<String>, request: Request) -> Response {
    answer(&path, &request)
}

fn answer(path: &str, request: &Request) -> Response {
    let mut response = match (Assets::get(path), content_type(path)) {
        (Some(file), Some(content_type)) => file_answer(file, content_type, request),
        _ => not_found(path),
    };
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn file_answer(file: EmbeddedFile, content_type: &'static str, request: &Request) -> Response {
    let base = BasePath::of(request.extensions());
    let (mut etag, mut data) = (etag_of(&file), file.data);
    // Scripts find the base path in their own address; a page has to know it before it loads them.
    if content_type.starts_with("text/html")
        && !base.as_str().is_empty()
        && let Ok(text) = std::str::from_utf8(&data)
    {
        data = text.replace("\"/assets/", &format!("\"{base}/assets/")).into_bytes().into();
        etag.insert_str(etag.len() - 1, base.as_str());
    }
    // Browsers revalidate each time and get a 304: names carry no hash, and a new binary must not meet old scripts.
    let common = [(CACHE_CONTROL, "no-cache".to_owned()), (ETAG, etag.clone())];
    if has_already(request.headers(), &etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(CONTENT_TYPE, content_type)], data).into_response()
}

fn etag_of(file: &EmbeddedFile) -> String {
    use std::fmt::Write;

    let mut etag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..16] {
        write!(etag, "{byte:02x}").expect("a String takes every write");
    }
    etag.push('"');
    etag
}

/// Compares weakly, as RFC 9110 §13.1.2 says: a proxy that compresses makes a strong tag weak.
fn has_already(asked: &HeaderMap, etag: &str) -> bool {
    asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == etag)
}

/// The types we serve; a file of any other kind (a README beside the vendored module) is not part of the page.
fn content_type(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
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
