//! The dashboard as it is served.

use std::collections::BTreeSet;
use std::io::Read;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use tower::ServiceExt;

use super::*;

async fn fetch(path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Dashboard::new(&[Assistant { name: "claude-code", title: "Claude Code" }])
        .routes::<()>()
        .oneshot(request.body(Body::empty()).expect("the path is a URI"))
        .await
        .expect("a router is infallible")
}

async fn body(response: Response) -> Vec<u8> {
    to_bytes(response.into_body(), usize::MAX).await.expect("the body is at hand").to_vec()
}

#[test]
fn the_scripts_can_be_joined() {
    Site::read("").expect("every script keeps to what can be joined");
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("our headers are ASCII"))
}

fn text(path: &str) -> String {
    let file = Assets::get(path).unwrap_or_else(|| panic!("no asset {path}"));
    String::from_utf8(file.data.into_owned()).expect("assets are UTF-8")
}

fn served() -> BTreeSet<String> {
    Assets::iter().map(|path| path.into_owned()).filter(|path| site::content_type(path).is_some()).collect()
}

fn ours() -> BTreeSet<String> {
    served().into_iter().filter(|path| !path.starts_with("vendor/")).collect()
}

/// Returns the parts of `text` between `open` and the next `close`.
fn between<'a>(text: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split_once(close).map(|(inner, _)| inner))
}

/// Returns the asset paths that an asset refers to.
fn references(path: &str) -> Vec<String> {
    let text = text(path);
    let absolute = between(&text, "/assets/", '"')
        .chain(between(&text, "/assets/", '`'))
        .filter(|found| !found.contains(char::is_whitespace))
        .map(|found| found.split('#').next().unwrap_or_default().to_owned());
    let imported = between(&text, "from \"", '"')
        .chain(between(&text, "import \"", '"'))
        .filter(|_| path.ends_with(".js"))
        .map(|relative| {
            assert!(relative.starts_with('.'), "{path} imports `{relative}`, which no browser can resolve");
            script::joined(path, relative)
        });
    absolute.chain(imported).collect()
}

#[tokio::test]
async fn every_screen_is_the_page_with_the_exact_policy() {
    for screen in SCREENS {
        let screen = screen.replace("{id}", "wh_any");
        let response = fetch(&screen, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{screen}");
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(
            header(&response, "content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'"
        );
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(header(&response, "cache-control"), "no-cache");
        let etag = header(&response, "etag").to_owned();
        let again = fetch(&screen, &[("if-none-match", &etag)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{screen}");
    }
}

/// The addresses that a page loads, as it names them.
async fn loaded(page: &str) -> Vec<String> {
    let page = String::from_utf8(body(fetch(page, &[]).await).await).expect("the page is UTF-8");
    let addresses = between(&page, "href=\"", '"').chain(between(&page, "src=\"", '"'));
    addresses.filter(|address| !address.starts_with("data:")).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_page_names_all_that_it_loads_with_addresses_that_work_below_any_path() {
    let at_root = loaded("/").await;
    // The sheet, the theme, the vendored module and the script: nothing is learned of from another file.
    assert_eq!(at_root.len(), 4, "{at_root:?}");
    for (page, root) in [("/", ""), ("/webhooks", ""), ("/webhooks/wh_any", "../")] {
        let expected: Vec<_> = at_root.iter().map(|address| format!("{root}{address}")).collect();
        assert_eq!(loaded(page).await, expected, "{page}");
        assert!(
            expected.iter().all(|address| address.starts_with(&format!("{root}assets/"))),
            "{expected:?}"
        );
    }
    let page = String::from_utf8(body(fetch("/", &[]).await).await).expect("the page is UTF-8");
    let preloaded: Vec<_> = between(&page, "rel=\"modulepreload\" href=\"", '"').collect();
    let script = between(&page, "type=\"module\" src=\"", '"').next().expect("the page has a script");
    let script =
        String::from_utf8(body(fetch(&format!("/{script}"), &[]).await).await).expect("scripts are UTF-8");
    let imported: Vec<_> = between(&script, "\nimport * as apart0 from \"../", '"')
        .chain(between(&script, "import * as apart0 from \"../", '"'))
        .take(1)
        .collect();
    assert_eq!(preloaded, imported.iter().map(|path| format!("assets/{path}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_name_with_a_hash_has_one_content_for_ever() {
    for address in loaded("/").await {
        let response = fetch(&format!("/{address}"), &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{address}");
        assert_eq!(header(&response, "cache-control"), "public, max-age=31536000, immutable", "{address}");
        assert_eq!(header(&response, "vary"), "Accept-Encoding", "{address}");
        assert_eq!(
            header(&response, "content-type"),
            site::content_type(&address).unwrap_or_default(),
            "{address}"
        );
        assert_eq!(header(&response, "content-security-policy"), CONTENT_SECURITY, "{address}");
        let etag = header(&response, "etag").to_owned();
        let again = fetch(&format!("/{address}"), &[("if-none-match", &format!("\"other\", {etag}"))]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{address}");
        let plain = body(response).await;

        let compressed = fetch(&format!("/{address}"), &[("accept-encoding", "br;q=1, GZIP;q=0.8")]).await;
        assert_eq!(header(&compressed, "content-encoding"), "gzip", "{address}");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(body(compressed).await.as_slice())
            .read_to_end(&mut unpacked)
            .expect("the body is gzip");
        assert_eq!(unpacked, plain, "{address}");
        let refused = fetch(&format!("/{address}"), &[("accept-encoding", "gzip;q=0, br")]).await;
        assert_eq!(header(&refused, "content-encoding"), "", "{address}");

        // A page of another version, or a link without a hash.
        let (stem, kind) = address.rsplit_once('.').expect("a file has an ending");
        let (stem, _) = stem.rsplit_once('-').expect("a name has a hash");
        for other in [format!("/{stem}-0123456789abcdef.{kind}"), format!("/{stem}.{kind}")] {
            let response = fetch(&other, &[]).await;
            assert_eq!(header(&response, "cache-control"), "no-cache", "{other}");
            assert_eq!(body(response).await, plain, "{other}");
        }
    }
}

#[tokio::test]
async fn what_is_not_part_of_the_page_is_not_found() {
    for path in [
        "/assets/nothing.js",
        "/assets/vendor/README.md",
        "/assets/../mod.rs",
        "/assets/js",
        "/assets/index.html",
    ] {
        let response = fetch(path, &[]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header(&response, "content-type"), "application/problem+json");
        assert_eq!(header(&response, "content-security-policy"), CONTENT_SECURITY);
    }
}

#[test]
fn the_asset_graph_is_closed_and_nothing_is_left_over() {
    let mut seen = BTreeSet::from(["index.html".to_owned()]);
    let mut open = vec!["index.html".to_owned()];
    while let Some(path) = open.pop() {
        for reference in references(&path) {
            assert!(served().contains(&reference), "{path} refers to `{reference}`, which is not there");
            if seen.insert(reference.clone()) {
                open.push(reference);
            }
        }
    }
    let unused: Vec<_> = served().difference(&seen).cloned().collect();
    assert!(unused.is_empty(), "no page leads to {unused:?}");
}

#[test]
fn every_icon_that_is_named_is_drawn() {
    let icons = text("icons.svg");
    for path in ours().into_iter().filter(|path| path.ends_with(".js")) {
        let script = text(&path);
        // The sprite is part of the page, so its names are those of elements too.
        for id in between(&script, " id=\"", '"') {
            assert!(
                !icons.contains(&format!("<symbol id=\"{id}\"")),
                "{path} has an element `{id}`, which is an icon"
            );
        }
        for name in between(&script, "<${Icon} name=\"", '"').chain(between(&script, "icon: \"", '"')) {
            assert!(
                icons.contains(&format!("<symbol id=\"{name}\"")),
                "{path} shows the icon `{name}`, which is not drawn"
            );
        }
    }
}

#[test]
fn nothing_is_inline() {
    let html = text("index.html");
    for script in between(&html, "<script", '>') {
        assert!(script.contains(" src=\"/assets/"), "inline script: <script{script}>");
    }
    assert!(!html.contains("<style"), "inline style element");
    for path in ours().into_iter().filter(|path| !path.ends_with(".css")) {
        let markup = text(&path);
        assert!(!markup.contains(" style=\""), "{path} has a style attribute");
        assert!(!markup.contains("javascript:"), "{path} has a javascript: URL");
        if !path.ends_with(".js") {
            // Handlers in our scripts are functions (`onClick=${…}`); as attributes of markup they would be inline code.
            let handler =
                markup.split_ascii_whitespace().find(|word| word.starts_with("on") && word.contains('='));
            assert_eq!(handler, None, "{path} has a handler attribute");
        }
    }
}

#[test]
fn no_script_turns_text_into_code_or_markup() {
    let banned = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "dangerouslySet",
    ];
    for path in ours().into_iter().filter(|path| path.ends_with(".js")) {
        let script = text(&path);
        for word in banned {
            assert!(!script.contains(word), "{path} uses {word}");
        }
    }
}

#[test]
fn nothing_refers_to_another_host() {
    // Names of XML vocabularies, which are never fetched.
    let allowed =
        ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML"];
    for path in served() {
        let mut rest = text(&path);
        for name in allowed {
            rest = rest.replace(name, "");
        }
        for scheme in ["http://", "https://", "ws://", "wss://", "url(//", "src=\"//", "href=\"//"] {
            assert!(!rest.contains(scheme), "{path} refers to another host: {scheme}");
        }
    }
}

#[test]
fn the_vendored_module_is_the_one_its_readme_describes() {
    use std::fmt::Write;

    let file = Assets::get("vendor/preact.js").expect("the vendored module is an asset");
    let mut sha256 = String::new();
    for byte in file.metadata.sha256_hash() {
        write!(sha256, "{byte:02x}").expect("a String takes every write");
    }
    assert!(text("vendor/README.md").contains(&sha256), "vendor/preact.js has sha256 {sha256}");
}
