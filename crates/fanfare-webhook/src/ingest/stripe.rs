//! `stripe`: `Stripe-Signature`, and events such as `invoice.paid`.

use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::words::{line, text};
use crate::ingest::{Incoming, delivered_once, event_type};
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;
use fanfare_core::priority::Priority;

/// The currencies whose amounts Stripe writes without decimals, and those with three.
const WHOLE: &[&str] = &[
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
];
const THOUSANDTHS: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];
/// The members that hold the amount of any object, the most telling first.
const AMOUNTS: &[&str] = &["amount", "amount_total", "amount_due", "total", "net_amount", "unit_amount"];

pub(super) fn read(incoming: Incoming<'_>) -> Result<NewEvent, Invalid> {
    let Document { value, data } = incoming.object()?;
    let name = text(&value, "/type").unwrap_or("event");
    let mut event = NewEvent::new(message(name, &value), incoming.source.clone())?;
    event.data = Some(data);
    event.event_type = event_type("stripe.", name);
    event.priority = priority(name);
    event.idempotency_key = text(&value, "/id").and_then(|id| delivered_once(incoming.name, id));
    Ok(event)
}

fn message(name: &str, value: &Value) -> String {
    let mut message = line(name);
    let object = value.pointer("/data/object").or_else(|| value.get("related_object"));
    if let Some(object) = object {
        if let Some(id) = text(object, "/id") {
            message.push_str(&format!(" {}", line(id)));
        }
        if let Some(amount) = amount(name, object) {
            message.push_str(&format!(", {amount}"));
        }
    }
    if value.get("livemode") == Some(&Value::Bool(false)) {
        message.push_str(" (test)");
    }
    message
}

/// Returns the members with the amount that the event is about. An object has several, and most are 0 when it is about
/// another one: what a charge that failed has refunded, or what was paid of an invoice that was not.
fn telling(name: &str) -> &'static [&'static str] {
    let has = |word: &str| name.split(['.', '_']).any(|part| part == word);
    let is_paid = has("paid") || has("succeeded") || has("overpaid");
    match name.split('.').next() {
        Some("invoice" | "invoice_payment") if is_paid => &["amount_paid"],
        Some("invoice") => &["amount_due", "amount_remaining"],
        Some("payment_intent") if has("capturable") => &["amount_capturable"],
        Some("payment_intent") if is_paid => &["amount_received"],
        Some("charge") if has("captured") => &["amount_captured"],
        Some("transfer") if has("reversed") => &["amount_reversed"],
        _ if has("refunded") => &["amount_refunded"],
        _ => &[],
    }
}

fn amount(name: &str, object: &Value) -> Option<String> {
    let currency = text(object, "/currency")?;
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_alphabetic());
    let currency = is_code.then(|| currency.to_ascii_lowercase())?;
    let mut members = telling(name).iter().chain(AMOUNTS);
    let minor = members.find_map(|name| object.get(name)?.as_i64())?;
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
