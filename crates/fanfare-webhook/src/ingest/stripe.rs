//! `stripe`: `Stripe-Signature`, and events such as `invoice.paid`.

use serde_json::Value;

use crate::inbound::verify_stripe;
use crate::ingest::words::{line, text};
use crate::ingest::{Incoming, Kind, Secrets, delivered_once, event_type};
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;
use fanfare_core::priority::Priority;
use fanfare_core::timestamp::Timestamp;

/// The currencies whose amounts Stripe writes without decimals, and those with three.
const WHOLE: &[&str] = &[
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
];
const THOUSANDTHS: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];
/// The members that hold the amount of an object, the most telling first.
const AMOUNTS: &[&str] = &["amount_paid", "amount_refunded", "amount_total", "amount", "amount_due", "total"];

pub(super) fn read(incoming: Incoming<'_>, secrets: &Secrets, now: Timestamp) -> Result<NewEvent, Invalid> {
    verify_stripe(incoming.headers, incoming.body, &secrets.stripe, now)?;
    let (value, data) = incoming.json()?;
    let name = text(&value, "/type").unwrap_or("event");
    let mut event = NewEvent::new(message(name, &value), incoming.source.clone())?;
    event.data = Some(data);
    event.event_type = event_type("stripe.", name);
    event.priority = priority(name);
    event.idempotency_key = text(&value, "/id").and_then(|id| delivered_once(Kind::Stripe, id));
    Ok(event)
}

fn message(name: &str, value: &Value) -> String {
    let mut message = line(name);
    let object = value.pointer("/data/object").or_else(|| value.get("related_object"));
    if let Some(object) = object {
        if let Some(id) = text(object, "/id") {
            message.push_str(&format!(" {}", line(id)));
        }
        if let Some(amount) = amount(object) {
            message.push_str(&format!(", {amount}"));
        }
    }
    if value.get("livemode") == Some(&Value::Bool(false)) {
        message.push_str(" (test)");
    }
    message
}

fn amount(object: &Value) -> Option<String> {
    let currency = text(object, "/currency")?;
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_alphabetic());
    let currency = is_code.then(|| currency.to_ascii_lowercase())?;
    let minor = AMOUNTS.iter().find_map(|name| object.get(name)?.as_i64())?;
    let decimals = match &*currency {
        whole if WHOLE.contains(&whole) => 0,
        thousandths if THOUSANDTHS.contains(&thousandths) => 3,
        _ => 2,
    };
    let sign = if minor < 0 { "-" } else { "" };
    let (unit, minor) = (10_u64.pow(decimals), minor.unsigned_abs());
    let code = currency.to_ascii_uppercase();
    Some(match decimals {
        0 => format!("{sign}{minor} {code}"),
        places => format!("{sign}{}.{:0width$} {code}", minor / unit, minor % unit, width = places as usize),
    })
}

/// Returns a high priority for what a person should look at: failed payments and disputes.
fn priority(name: &str) -> Priority {
    let has = |word: &str| name.split(['.', '_']).any(|part| part == word);
    if has("failed") || has("dispute") { Priority::High } else { Priority::Default }
}
