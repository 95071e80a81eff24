//! What a webhook wants, as flags: which events, in which form, how fast, how signed.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use fanfare_core::{Code, EventType, Invalid, Pattern, Priority, duration};
use fanfare_webhook::auth::Auth;
use fanfare_webhook::headers::CustomHeaders;
use fanfare_webhook::limits::{
    BATCH_EVENTS_MAX, BATCH_WAIT_DEFAULT, BATCH_WAIT_MAX, CONCURRENCY_MAX, RATE_PER_SECOND_MAX,
};
use fanfare_webhook::retry::RetrySchedule;
use serde_json::{Map, Value, json};

use crate::cli::Failure;
use crate::cli::global::priority_parser;
use crate::cli::secret::Place;

/// Which events.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Which events")]
pub(crate) struct Filter {
    /// Which channels: `builds.web`, `builds.*` (one more segment), `builds.>`
    /// (one or more); repeatable [default: all]
    #[arg(short, long, alias = "channels", value_name = "PATTERN", value_delimiter = ',')]
    channel: Vec<Pattern>,
    /// Only this kind; repeatable
    #[arg(short = 't', long = "type", value_name = "TYPE", value_delimiter = ',')]
    event_type: Vec<EventType>,
    /// Only this priority and above
    #[arg(long, value_name = "PRIORITY", value_parser = priority_parser(), hide_possible_values = true)]
    min_priority: Option<Priority>,
    /// Only messages that contain this, in any case
    #[arg(long)]
    text: Option<String>,
}

/// How they are sent.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "How they are sent")]
pub(crate) struct Sending {
    /// The body: seed (message, timestamp and more), event or cloudevents
    /// [default: seed]
    #[arg(long, value_name = "FORM", value_enum, hide_possible_values = true)]
    payload: Option<Payload>,
    /// A header to add, or @FILE with one on each line; repeatable, all are
    /// replaced together
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Send a bearer token, FROM a file, `-` or env:NAME
    #[arg(long, value_name = "FROM", conflicts_with = "basic")]
    bearer: Option<Place>,
    /// Send a user and password, FROM where USER:PASSWORD stands
    #[arg(long, value_name = "FROM")]
    basic: Option<Place>,
    /// Signatures besides v1: v1a (ed25519) or hub (X-Hub-Signature-256)
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',', hide_possible_values = true)]
    sign: Vec<Signature>,
    /// So many requests at a time, 1 to 128 [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(CONCURRENCY_MAX)))]
    concurrency: Option<u32>,
    /// So many requests a second at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(RATE_PER_SECOND_MAX)))]
    rate: Option<u32>,
    /// One after the other: nothing overtakes what waits for another try
    #[arg(long)]
    ordered: bool,
    /// Several events in one request, as an array: at most N, waiting at most
    /// TIME for them [default time: 1s]
    #[arg(long, value_name = "N[,TIME]", value_parser = batch)]
    batch: Option<Batch>,
    /// The pauses between attempts, or `none`
    /// [default: 5s,5m,30m,2h,5h,10h,10h]
    #[arg(long, value_name = "TIMES")]
    retry: Option<RetrySchedule>,
    /// A word for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Payload {
    Seed,
    Event,
    Cloudevents,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Signature {
    V1a,
    Hub,
}

#[derive(Debug, Clone, Copy)]
struct Batch {
    max_events: u32,
    max_wait: Duration,
}

impl Filter {
    /// Gives the members of a registration that it says.
    pub(crate) fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        if !self.channel.is_empty() {
            members.insert("patterns".to_owned(), json!(self.channel));
        }
        if !self.event_type.is_empty() {
            members.insert("types".to_owned(), json!(self.event_type));
        }
        if let Some(priority) = self.min_priority {
            members.insert("min_priority".to_owned(), json!(priority));
        }
        if let Some(text) = &self.text {
            members.insert("text".to_owned(), json!(text));
        }
        members
    }
}

impl Sending {
    /// Gives the members of a registration that it says; reads the secrets that it names.
    pub(crate) fn members(&self) -> Result<Map<String, Value>, Failure> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            members.extend(value.map(|value| (name.to_owned(), value)));
        };
        let name_of = |payload: Payload| payload.to_possible_value().map(|value| value.get_name().to_owned());
        put("payload", self.payload.and_then(name_of).map(Value::from));
        put("headers", self.headers()?);
        put("auth", self.auth()?);
        put("signatures", (!self.sign.is_empty()).then(|| json!(self.signatures())));
        put("concurrency", self.concurrency.map(Value::from));
        put("rate_per_second", self.rate.map(Value::from));
        put("ordered", self.ordered.then_some(Value::Bool(true)));
        put(
            "batch",
            self.batch.map(
                |batch| json!({ "max_events": batch.max_events, "max_wait": duration::show(batch.max_wait) }),
            ),
        );
        put("retry", self.retry.as_ref().map(|retry| json!(retry)));
        put("description", self.description.as_deref().map(Value::from));
        Ok(members)
    }

    fn signatures(&self) -> Vec<&'static str> {
        let kinds = [("v1a", Signature::V1a), ("hub", Signature::Hub)];
        let asked = kinds.into_iter().filter(|(_, kind)| self.sign.contains(kind)).map(|(name, _)| name);
        ["v1"].into_iter().chain(asked).collect()
    }

    fn headers(&self) -> Result<Option<Value>, Failure> {
        let mut headers = Vec::new();
        for given in &self.header {
            match given.strip_prefix('@') {
                None => headers.push(header(given)?),
                Some(path) => {
                    let text = Place::File(PathBuf::from(path)).text()?;
                    for line in text.lines().filter(|line| !line.trim().is_empty()) {
                        headers.push(header(line).map_err(|failure| failure.at(path))?);
                    }
                }
            }
        }
        CustomHeaders::new(headers.clone()).map_err(|invalid| Failure::from(invalid).at("--header"))?;
        let object: Map<String, Value> =
            headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    }

    fn auth(&self) -> Result<Option<Value>, Failure> {
        if let Some(place) = &self.bearer {
            let token = place.text()?;
            Auth::bearer(&token).map_err(|invalid| Failure::from(invalid).at(place.to_string()))?;
            return Ok(Some(json!({ "bearer": token })));
        }
        let Some(place) = &self.basic else { return Ok(None) };
        let text = place.text()?;
        let Some((username, password)) = text.split_once(':') else {
            return Err(Failure::usage("there is no `:` between user and password")
                .at(place.to_string())
                .fix("write USER:PASSWORD on one line"));
        };
        Auth::basic(username, password).map_err(|invalid| Failure::from(invalid).at(place.to_string()))?;
        Ok(Some(json!({ "basic": { "username": username, "password": password } })))
    }
}

/// Reads `Name: value`; what is wrong does not repeat the value.
fn header(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text.split_once(':').ok_or_else(|| {
        Failure::usage("a header has no `:`")
            .at("--header")
            .fix("write it like `X-Api-Key: …`, or @FILE with such lines in it")
    })?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn batch(text: &str) -> Result<Batch, Invalid> {
    let (events, wait) = text.split_once(',').unwrap_or((text, ""));
    let max_wait = if wait.is_empty() { BATCH_WAIT_DEFAULT } else { duration::parse(wait)? };
    let max_events = events.parse().ok().filter(|events| (1..=BATCH_EVENTS_MAX).contains(events));
    let batch =
        max_events.filter(|_| max_wait <= BATCH_WAIT_MAX).map(|max_events| Batch { max_events, max_wait });
    batch.ok_or_else(|| {
        Invalid::new(
            Code::InvalidWebhook,
            format!("`{text}` is no size of a batch"),
            "write 1 to 1000 events, and perhaps how long to wait, at most 60s: `100` or `100,2s`",
        )
    })
}
