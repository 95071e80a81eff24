//! What a gateway answers about webhooks. Members that a later version adds are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// All webhooks.
#[derive(Debug, Clone, Deserialize)]
pub struct Webhooks {
    /// In the order in which they were registered.
    pub webhooks: Vec<Webhook>,
}

/// A webhook, with what it wants and how it fares.
#[derive(Debug, Clone, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Its address, as it was given.
    pub webhook_url: String,
    /// `ok`, `failing`, `held` or `paused`.
    pub health: String,
    /// Why it is paused, in words.
    #[serde(default)]
    pub explained: Option<String>,
    /// Since when it is paused.
    #[serde(default)]
    pub paused_since: Option<String>,
    /// Everything up to here was delivered, waits, or was given up.
    pub position: String,
    /// How many events of all kinds come after that.
    pub behind: u64,
    /// How many of those it wants; only of a single webhook.
    #[serde(default)]
    pub lag: Option<u64>,
    /// Whether all of them were counted.
    #[serde(default)]
    pub lag_is_exact: Option<bool>,
    /// Deliveries that wait for their next attempt.
    pub waiting: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// Failures since the last success.
    pub failures: u64,
    /// The first of them.
    #[serde(default)]
    pub failing_since: Option<String>,
    /// When it last took something.
    #[serde(default)]
    pub last_success: Option<String>,
    /// When it last did not.
    #[serde(default)]
    pub last_failure: Option<String>,
    /// What that was.
    #[serde(default)]
    pub last_failure_category: Option<String>,
    /// Retention removed events up to here before they were sent.
    #[serde(default)]
    pub lost_up_to: Option<String>,
    /// How the newest attempts ended, the newest first.
    #[serde(default)]
    pub recent: Vec<Outcome>,
    /// What `v1a` signatures are verified with.
    pub public_key: String,
    /// Until when each earlier secret still signs.
    #[serde(default)]
    pub earlier_secrets_until: Vec<String>,
    /// When it was registered.
    pub created: String,
    /// Which channels.
    pub patterns: Vec<String>,
    /// Which types; none means all.
    pub types: Vec<String>,
    /// The least priority.
    pub min_priority: String,
    /// Text that messages have to contain.
    #[serde(default)]
    pub text: Option<String>,
    /// `seed`, `event` or `cloudevents`.
    pub payload: String,
    /// The names of its headers.
    #[serde(default)]
    pub headers: Vec<String>,
    /// How it is told who sends: `kind`, and of `basic` the `username`.
    #[serde(default)]
    pub auth: Option<BTreeMap<String, String>>,
    /// Deliveries at a time.
    pub concurrency: u64,
    /// Deliveries per second.
    #[serde(default)]
    pub rate_per_second: Option<u64>,
    /// One after the other.
    pub ordered: bool,
    /// Several events at a time.
    #[serde(default)]
    pub batch: Option<Batch>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// When it is tried again.
    pub retry: String,
    /// `v1`, and perhaps `v1a` and `hub`.
    pub signatures: Vec<String>,
}

/// How events are gathered.
#[derive(Debug, Clone, Deserialize)]
pub struct Batch {
    /// Most events.
    pub max_events: u64,
    /// Longest that the first of them waits.
    pub max_wait: String,
}

/// How an attempt ended.
#[derive(Debug, Clone, Deserialize)]
pub struct Outcome {
    /// `delivered`, or why not.
    pub category: String,
}

/// What became of a registration, or of its end.
#[derive(Debug, Clone, Deserialize)]
pub struct Registered {
    /// Its id.
    #[serde(default)]
    pub id: Option<String>,
    /// Its address.
    pub webhook_url: String,
    /// What its deliveries are signed with, when it is new.
    #[serde(default)]
    pub secret: Option<String>,
}

/// A new key.
#[derive(Debug, Clone, Deserialize)]
pub struct Rotated {
    /// The new secret.
    #[serde(default)]
    pub secret: Option<String>,
    /// The new public key.
    #[serde(default)]
    pub public_key: Option<String>,
    /// Until when the one before signs, too.
    #[serde(default)]
    pub old_until: Option<String>,
}

/// A page of attempts; they keep their text.
#[derive(Debug, Clone, Deserialize)]
pub struct Attempts {
    /// The newest first.
    pub attempts: Vec<Box<RawValue>>,
    /// Where the next page starts.
    #[serde(default)]
    pub next: Option<String>,
}

/// One request that tried to deliver something.
#[derive(Debug, Clone, Deserialize)]
pub struct Attempt {
    /// Its id.
    pub id: String,
    /// To which webhook.
    pub webhook: String,
    /// Which attempt at this delivery, from 1.
    pub number: u64,
    /// When it began.
    pub at: String,
    /// It was answered with 2xx.
    pub delivered: bool,
    /// The event; of a batch, its first.
    pub event_id: String,
    /// What `webhook-id` said.
    pub message_id: String,
    /// How many events.
    #[serde(default = "one")]
    pub events: u64,
    /// `delivery`, `test`, `resend` or `edited`.
    pub kind: String,
    /// `delivered`, or why not.
    pub category: String,
    /// The answer's status.
    #[serde(default)]
    pub status: Option<u16>,
    /// How long it took.
    pub times: Times,
    /// What was sent; only of a single attempt.
    #[serde(default)]
    pub request: Option<Request>,
    /// What came back; only of a single attempt.
    #[serde(default)]
    pub answer: Option<Said>,
}

fn one() -> u64 {
    1
}

/// How long each phase took, in microseconds.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Times {
    /// Asking for the addresses of a name.
    pub dns_us: Option<u64>,
    /// Opening the connection.
    pub connect_us: Option<u64>,
    /// Agreeing on TLS.
    pub tls_us: Option<u64>,
    /// From the request to the head of the answer.
    pub wait_us: Option<u64>,
    /// From there to the end of the answer.
    pub body_us: Option<u64>,
    /// All of it.
    pub total_us: u64,
}

/// What was sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Request {
    /// Where to.
    pub url: String,
    /// Its headers; values of credentials are hidden.
    pub headers: serde_json::Map<String, serde_json::Value>,
    /// How long its body was.
    pub body_bytes: u64,
}

/// What a receiver answered.
#[derive(Debug, Clone, Deserialize)]
pub struct Said {
    /// Its headers.
    pub headers: serde_json::Map<String, serde_json::Value>,
    /// The beginning of its body.
    pub body: String,
    /// There was more.
    pub is_cut: bool,
}

/// A page of deliveries; they keep their text.
#[derive(Debug, Clone, Deserialize)]
pub struct Deliveries {
    /// In the order of the log.
    pub deliveries: Vec<Box<RawValue>>,
    /// Where the next page starts.
    #[serde(default)]
    pub next: Option<String>,
}

/// A delivery that waits, or was given up.
#[derive(Debug, Clone, Deserialize)]
pub struct Delivery {
    /// The event.
    pub event_id: String,
    /// Where that was pushed to.
    pub channel: String,
    /// What kind it is.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it was pushed.
    pub timestamp: String,
    /// `waiting` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u64,
    /// Why the last attempt failed.
    pub failure: String,
    /// Not before this it is tried again.
    #[serde(default)]
    pub next_attempt_at: Option<String>,
    /// When it was given up.
    #[serde(default)]
    pub given_up_at: Option<String>,
}

/// What was taken out.
#[derive(Debug, Clone, Deserialize)]
pub struct Discarded {
    /// The event.
    pub event_id: String,
}

/// What a replay came to.
#[derive(Debug, Clone, Deserialize)]
pub struct Replayed {
    /// How many deliveries are made again.
    pub count: u64,
    /// How many of them waited already.
    pub waiting: u64,
    /// Where to go on.
    #[serde(default)]
    pub next: Option<String>,
}

/// Who has an event.
#[derive(Debug, Clone, Deserialize)]
pub struct Receipts {
    /// The event.
    pub id: String,
    /// The durable readers that want it.
    #[serde(default)]
    pub readers: Vec<Kept>,
    /// The webhooks that want it.
    #[serde(default)]
    pub webhooks: Vec<Receipt>,
}

/// A durable reader that wants an event.
#[derive(Debug, Clone, Deserialize)]
pub struct Kept {
    /// Its name.
    pub reader: String,
    /// It has acknowledged it.
    pub acknowledged: bool,
}

/// A webhook that wants an event.
#[derive(Debug, Clone, Deserialize)]
pub struct Receipt {
    /// Its id.
    pub webhook: String,
    /// Its address.
    pub webhook_url: String,
    /// `pending`, `delivered`, `waiting` or `dead`.
    pub state: String,
    /// How often it was tried; only of what failed.
    #[serde(default)]
    pub attempts: Option<u64>,
    /// Why the last attempt failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// Not before this it is tried again.
    #[serde(default)]
    pub next_attempt_at: Option<String>,
}
