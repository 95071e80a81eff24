//! What senders ask before they send anything: they look whether somebody answers, and expect back what they sent.

use serde_json::Value;

use crate::ingest::words::text;
use fanfare_core::printable::is_printable;

/// Maximum length of a challenge, in bytes: far longer than any, and no page to show.
const CHALLENGE_LEN_MAX: usize = 1_024;
/// The parameters that a sender expects back: Meta and WebSub, Microsoft Graph, Dropbox and others.
const PARAMETERS: [&str; 3] = ["hub.challenge", "validationToken", "challenge"];
/// The parameter that comes with `POST`: Microsoft Graph validates an address so.
const POSTED: &str = "validationToken";

/// A question, with the answer that its sender expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// A value, in the member `challenge` of an object.
    Challenge(Value),
    /// A text.
    Text(String),
    /// A code, in the member `validationResponse` of an object.
    Validation(String),
}

/// Returns the challenge in a query, of a `GET`, or else of a `POST`.
pub fn in_query(query: &str, is_get: bool) -> Option<Challenge> {
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let asked = PARAMETERS.into_iter().filter(|name| is_get || *name == POSTED);
    let value = asked.filter_map(|name| pairs.iter().find(|(key, _)| key == name)).next();
    value.map(|(_, value)| value.clone().into_owned()).filter(|value| is_one(value)).map(Challenge::Text)
}

/// Returns the challenge in a body: those of Slack, of MCP Events, and of Azure Event Grid.
pub(super) fn in_body(value: &Value) -> Option<Challenge> {
    if let Some(code) = text(value, "/0/data/validationCode") {
        let is_asked = text(value, "/0/eventType") == Some("Microsoft.EventGrid.SubscriptionValidationEvent");
        return (is_asked && is_one(code)).then(|| Challenge::Validation(code.to_owned()));
    }
    let challenge = value.get("challenge")?;
    let is_asked = match text(value, "/type") {
        Some(kind) => matches!(kind, "url_verification" | "verification"),
        None => value.as_object().is_some_and(|members| members.len() == 1),
    };
    let is_short = match challenge {
        Value::String(text) => is_one(text),
        Value::Number(_) => true,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    };
    (is_asked && is_short).then(|| Challenge::Challenge(challenge.clone()))
}

fn is_one(text: &str) -> bool {
    is_printable(text, CHALLENGE_LEN_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Challenge, in_body, in_query};

    #[test]
    fn a_question_is_answered_with_what_it_asks() {
        let text = |text: &str| Some(Challenge::Text(text.to_owned()));
        for (query, get, post) in [
            ("hub.mode=subscribe&hub.verify_token=t&hub.challenge=115", text("115"), None),
            ("validationToken=Validation%3A+a%2Fb", text("Validation: a/b"), text("Validation: a/b")),
            ("challenge=abc&channel=a", text("abc"), None),
            ("channel=a", None, None),
            ("challenge=", None, None),
            ("challenge=a%0Ab", None, None),
        ] {
            assert_eq!((in_query(query, true), in_query(query, false)), (get, post), "{query}");
        }
        assert_eq!(in_query(&format!("challenge={}", "x".repeat(1_025)), true), None);
    }

    #[test]
    fn only_a_question_is_a_question() {
        let challenge = |value: Value| Some(Challenge::Challenge(value));
        for (body, answer) in [
            (
                json!({"type": "url_verification", "token": "t", "challenge": "3eZb"}),
                challenge(json!("3eZb")),
            ),
            (json!({"challenge": "3eZb"}), challenge(json!("3eZb"))),
            (json!({"type": "verification", "challenge": 7}), challenge(json!(7))),
            (
                json!([{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d"}}]),
                Some(Challenge::Validation("512d".to_owned())),
            ),
            (json!({"type": "match", "challenge": "Alekhine"}), None),
            (json!({"challenge": "Alekhine", "player": 1}), None),
            (json!({"challenge": ["a"]}), None),
            (json!([1]), None),
        ] {
            assert_eq!(in_body(&body), answer, "{body}");
        }
    }
}
