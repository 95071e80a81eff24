//! What to write instead: a request that no route takes, but that means something in the words of similar servers, such as
//! `curl -d hi …/builds`.

use fanfare_core::Channel;
use http::Method;

/// The fix where nothing better is known.
const ROUTES: &str = "`GET /openapi.json` lists the routes";

/// Returns what to write instead of a request whose path no route has.
pub(super) fn no_route(method: &Method, path: &str) -> String {
    let path = path.trim_matches('/');
    let is_push = *method == Method::POST || *method == Method::PUT;
    // Below `/api`, only a push has a channel in its path. Anything else there is a misspelt route.
    let (name, is_below) = match path.strip_prefix("api/push/") {
        Some(name) => (name, true),
        None => (path, false),
    };
    if !is_below && (name == "api" || name.starts_with("api/")) {
        return ROUTES.to_owned();
    }
    let (name, verb) = match name.rsplit_once('/') {
        Some((name, verb)) if !is_push && !is_below => (name, Some(verb)),
        _ => (name, None),
    };
    let Ok(channel) = Channel::of_push(&name.replace('/', ".")) else { return ROUTES.to_owned() };
    match verb {
        _ if is_push => format!("to push to `{channel}`, write `{method} /api/push/{channel}`; {ROUTES}"),
        Some("publish" | "send" | "trigger") => {
            format!("to push to `{channel}`, write `POST /api/push/{channel}`; {ROUTES}")
        }
        Some("json" | "sse" | "raw") => {
            format!("to listen to `{channel}`, write `GET /stream?channel={channel}`; {ROUTES}")
        }
        Some("ws") => format!("to listen to `{channel}`, subscribe on `/ws`, or read `/stream`; {ROUTES}"),
        _ => ROUTES.to_owned(),
    }
}

/// The first segments of the routes that programs request. A page is no answer there, whatever is accepted.
const FOR_PROGRAMS: [&str; 12] = [
    "api",
    "assets",
    "health",
    "ingest",
    "mcp",
    "messages",
    "metrics",
    "openapi.json",
    "ready",
    "sse",
    "stream",
    "ws",
];

/// Returns whether a path that no route has is one that a program meant.
pub(super) fn is_for_programs(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    FOR_PROGRAMS.contains(&first)
}

/// Returns the fix for a method that the route does not have.
pub(super) fn no_method(method: &Method, path: &str) -> String {
    let is_push = *method == Method::POST || *method == Method::PUT;
    if path == "/api/push" || (path == "/" && is_push) {
        return "push JSON with `POST /api/push`, and text or a file with `POST` or `PUT /api/push/{channel}`"
            .to_owned();
    }
    "`GET /openapi.json` lists the routes with their methods".to_owned()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::no_route;

    #[test]
    fn the_fix_names_the_channel_that_was_meant() {
        for (method, path, meant) in [
            (Method::POST, "/builds", "write `POST /api/push/builds`"),
            (Method::PUT, "/builds", "write `PUT /api/push/builds`"),
            (Method::POST, "/api/push/a/b", "write `POST /api/push/a.b`"),
            (Method::GET, "/builds/json", "write `GET /stream?channel=builds`"),
            (Method::GET, "/builds/publish", "write `POST /api/push/builds`"),
            (Method::GET, "/builds/ws", "subscribe on `/ws`"),
        ] {
            let fix = no_route(&method, path);
            assert!(fix.contains(meant), "{method} {path}: {fix}");
        }
        for (method, path) in [
            (Method::POST, "/api/pushh"),
            (Method::POST, "/api"),
            (Method::POST, "/fanfare.own"),
            (Method::POST, "/a..b"),
            (Method::GET, "/nowhere"),
            (Method::GET, "/api/push/a/json"),
            (Method::DELETE, "/builds"),
        ] {
            assert_eq!(no_route(&method, path), super::ROUTES, "{method} {path}");
        }
    }
}
