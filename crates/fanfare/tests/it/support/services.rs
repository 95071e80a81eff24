//! Chat services, as far as they judge a request: what each documents about the bodies that it takes, and what in them
//! would notify people.

use serde_json::{Value, json};

use crate::support::receiver::Got;

/// What a service answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The text that people see.
    pub(crate) text: String,
    /// Whether people are notified who are not there.
    pub(crate) pings: bool,
}

fn refused(status: u16, body: impl ToString) -> Verdict {
    Verdict { status, body: body.to_string(), text: String::new(), pings: false }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn json_of(got: &Got) -> Option<Value> {
    if !got.header("content-type").starts_with("application/json") {
        return None;
    }
    serde_json::from_slice(&got.body).ok()
}

fn query<'a>(got: &'a Got, name: &str) -> Option<&'a str> {
    let (_, query) = got.path.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Slack's incoming webhooks: `text` of 1 to 40,000 characters; `<…>` is a link, a mention or a command.
pub(crate) fn slack(got: &Got) -> Verdict {
    let Some(Value::Object(body)) = json_of(got) else { return refused(400, "invalid_payload") };
    let text = match body.get("text").and_then(Value::as_str) {
        None | Some("") => return refused(400, "no_text"),
        Some(text) if units(text) > 40_000 => return refused(400, "msg_too_long"),
        Some(text) => text.to_owned(),
    };
    let escapes = ["&amp;", "&lt;", "&gt;"];
    let is_bare = |at: usize| !escapes.iter().any(|escape| text[at..].starts_with(escape));
    let pings = text.contains(['<', '>']) || text.match_indices('&').any(|(at, _)| is_bare(at));
    let shown = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Verdict { status: 200, body: "ok".to_owned(), text: shown, pings }
}

/// Discord's "Execute Webhook": `content` of 1 to 2,000 characters; mentions notify unless `allowed_mentions` says no.
pub(crate) fn discord(got: &Got) -> Verdict {
    let Some(Value::Object(body)) = json_of(got) else {
        return refused(400, json!({ "code": 50109, "message": "The request body contains invalid JSON." }));
    };
    let content = body.get("content").and_then(Value::as_str).unwrap_or_default();
    if content.is_empty() {
        return refused(400, json!({ "code": 50006, "message": "Cannot send an empty message" }));
    }
    if units(content) > 2_000 {
        return refused(400, json!({ "content": ["Must be 2000 or fewer in length."] }));
    }
    let has_mention = content.contains("@everyone") || content.contains("@here") || content.contains("<@");
    let is_silent = body.get("allowed_mentions").is_some_and(|allowed| allowed["parse"] == json!([]));
    Verdict { status: 204, body: String::new(), text: content.to_owned(), pings: has_mention && !is_silent }
}

/// Telegram's `sendMessage`: `chat_id`, from the query or the body, and `text` of 1 to 4,096 characters.
pub(crate) fn telegram(got: &Got) -> Verdict {
    let bad = |what: &str| {
        refused(400, json!({ "ok": false, "error_code": 400, "description": format!("Bad Request: {what}") }))
    };
    let path = got.path.split('?').next().unwrap_or_default();
    if !path.starts_with("/bot") || !path.ends_with("/sendMessage") {
        return refused(404, json!({ "ok": false, "error_code": 404, "description": "Not Found" }));
    }
    let Some(body) = json_of(got) else { return bad("can't parse JSON") };
    if body["chat_id"].as_str().or(query(got, "chat_id")).is_none_or(str::is_empty) {
        return bad("chat_id is empty");
    }
    let text = body["text"].as_str().unwrap_or_default();
    match units(text) {
        0 => bad("message text is empty"),
        1..=4_096 => {
            let pings = body.get("parse_mode").is_some();
            Verdict { status: 200, body: json!({ "ok": true }).to_string(), text: text.to_owned(), pings }
        }
        _ => bad("message is too long"),
    }
}

/// ntfy's JSON: at the root of the server, with `topic`; a message of at most 4,096 bytes, a priority of 1 to 5.
pub(crate) fn ntfy(got: &Got) -> Verdict {
    let bad = |code: u32| refused(400, json!({ "code": code, "http": 400 }));
    let Some(body) = json_of(got) else { return bad(40024) };
    let is_root = got.path == "/" || got.path.starts_with("/?");
    if !is_root || body["topic"].as_str().is_none_or(str::is_empty) {
        return bad(40009);
    }
    let text = body["message"].as_str().unwrap_or_default();
    match body["priority"].as_u64() {
        Some(1..=5) if text.len() <= 4_096 => {
            Verdict { status: 200, body: "{}".to_owned(), text: text.to_owned(), pings: false }
        }
        _ => bad(40007),
    }
}

/// PagerDuty's Events API v2: the members that it requires, and a summary of at most 1,024 characters.
pub(crate) fn pagerduty(got: &Got) -> Verdict {
    let bad = |what: &str| refused(400, json!({ "status": "invalid event", "errors": [what] }));
    let Some(body) = json_of(got) else { return bad("not JSON") };
    let text = |at: &str| body.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text("/routing_key").is_empty() || text("/payload/source").is_empty() {
        return bad("'routing_key' and 'source' are required");
    }
    if !["trigger", "acknowledge", "resolve"].contains(&&*text("/event_action")) {
        return bad("'event_action' is invalid");
    }
    if !["critical", "error", "warning", "info"].contains(&&*text("/payload/severity")) {
        return bad("'severity' is invalid");
    }
    match units(&text("/payload/summary")) {
        1..=1_024 if text("/dedup_key").len() <= 255 => {
            Verdict { status: 202, body: "{}".to_owned(), text: text("/payload/summary"), pings: false }
        }
        _ => bad("'summary' is missing or too long"),
    }
}

/// A workflow of Teams: a message with one adaptive card, in at most 28 KB.
pub(crate) fn teams(got: &Got) -> Verdict {
    let Some(body) = json_of(got).filter(|_| got.body.len() <= 28 * 1024) else {
        return refused(413, "too large, or not JSON");
    };
    let attachment = &body["attachments"][0];
    let card = &attachment["content"];
    let is_card = body["type"] == "message"
        && attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        && card["type"] == "AdaptiveCard";
    let Some(blocks) = card["body"].as_array().filter(|_| is_card) else {
        return refused(400, "not a message with a card");
    };
    let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
    Verdict { status: 202, body: String::new(), text: texts.join("\n"), pings: card.get("msteams").is_some() }
}
