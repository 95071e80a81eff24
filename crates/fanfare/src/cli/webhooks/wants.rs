//! The settings of a webhook as flags: which events it gets, and how they are sent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use fanfare_api::hidden::Hidden;
use fanfare_api::webhooks::credentials::{Basic, BasicCredentials, Bearer, BearerCredentials, Credentials};
use fanfare_api::webhooks::registration::{BatchWish, MethodWord, PayloadWord, SignatureWord, Wishes};
use fanfare_core::duration::Literal;
use fanfare_core::{Code, Invalid, Pattern, duration};
use fanfare_webhook::auth::Auth;
use fanfare_webhook::authorities::Authorities;
use fanfare_webhook::headers::CustomHeaders;
use fanfare_webhook::limits::{
    BATCH_EVENTS_MAX, BATCH_WAIT_DEFAULT, BATCH_WAIT_MAX, CONCURRENCY_DEFAULT, CONCURRENCY_MAX,
    RATE_PER_SECOND_MAX, TIMEOUT, TIMEOUT_DEFAULT,
};
use fanfare_webhook::method::ContentType;
use fanfare_webhook::retry::RetrySchedule;
use fanfare_webhook::template::{Preset, Template};

use crate::cli::Failure;
use crate::cli::filter_flags::FilterFlags;
use crate::cli::secret::Place;

/// The filter of a webhook.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Filter")]
pub(crate) struct Filter {
    /// Channel patterns: `builds.web`, `builds.*` (one more segment), `builds.>`
    /// (one or more); repeatable [default: all]
    #[arg(short, long, alias = "channels", value_name = "PATTERN", value_delimiter = ',')]
    channel: Vec<Pattern>,
    #[command(flatten)]
    flags: FilterFlags,
}

/// The delivery options of a webhook.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Delivery")]
pub(crate) struct Sending {
    /// Body format: seed (message, timestamp and more), event, cloudevents, or
    /// original: requests to /ingest as they were received [default: seed]
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    payload: Option<Payload>,
    /// Header to add, or @FILE with one per line; repeatable, replaces all headers
    /// set before
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Send a bearer token, read FROM a file, `-` or env:NAME
    #[arg(long, value_name = "FROM", conflicts_with = "basic")]
    bearer: Option<Place>,
    /// Send basic auth, with USER:PASSWORD read FROM a file, `-` or env:NAME
    #[arg(long, value_name = "FROM")]
    basic: Option<Place>,
    /// Trust only the authorities whose certificates are in this PEM file, instead
    /// of those of the gateway's machine; for https
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Accept any certificate of the receiver, which is not safe: prefer --ca
    #[arg(long, conflicts_with = "ca")]
    insecure_skip_verify: bool,
    #[arg(long, value_name = "TIME", value_parser = timeout, help = format!(
        "Maximum duration of an attempt, {} to {} [default: {}]",
        duration::show(*TIMEOUT.start()), duration::show(*TIMEOUT.end()), duration::show(TIMEOUT_DEFAULT)))]
    timeout: Option<Duration>,
    /// Method of requests: post, put or patch [default: post]
    #[arg(long, value_name = "METHOD", value_enum, ignore_case = true, hide_possible_values = true)]
    method: Option<Method>,
    /// Content type of requests [default: that of the format]
    #[arg(long, value_name = "TYPE")]
    content_type: Option<ContentType>,
    /// Body as a service takes it: slack, discord, teams, telegram, ntfy, pagerduty,
    /// or a template of your own, read FROM a file or `-`
    #[arg(long, value_name = "PRESET|FROM", value_parser = template)]
    template: Option<TemplateFlag>,
    /// Signatures besides v1: v1a (ed25519) or hub (X-Hub-Signature-256)
    #[arg(
        long,
        alias = "sign",
        value_name = "KIND",
        value_enum,
        value_delimiter = ',',
        hide_possible_values = true
    )]
    signature: Vec<Signature>,
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(CONCURRENCY_MAX)),
        help = format!("Maximum requests at a time, 1 to {CONCURRENCY_MAX} [default: {CONCURRENCY_DEFAULT}]")
    )]
    concurrency: Option<u32>,
    #[arg(
        long,
        alias = "rate",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(RATE_PER_SECOND_MAX)),
        help = format!("Maximum requests per second, 1 to {RATE_PER_SECOND_MAX} [default: no limit]")
    )]
    rate_per_second: Option<u32>,
    /// Deliver in order: a delivery that waits for a retry holds back the rest
    #[arg(long)]
    ordered: bool,
    #[arg(long, value_name = "N[,TIME]", value_parser = batch, help = format!(
        "Send up to N events in one request, as an array, waiting at most TIME for them [default time: {}]",
        duration::show(BATCH_WAIT_DEFAULT)))]
    batch: Option<Batch>,
    #[arg(long, value_name = "TIMES", help = format!(
        "Delays between attempts, or `none` [default: {}]", RetrySchedule::default()))]
    retry: Option<RetrySchedule>,
    /// Description for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Payload {
    Seed,
    Event,
    Cloudevents,
    Original,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Signature {
    V1a,
    Hub,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    Post,
    Put,
    Patch,
}

impl From<Method> for MethodWord {
    fn from(method: Method) -> MethodWord {
        match method {
            Method::Post => MethodWord::Post,
            Method::Put => MethodWord::Put,
            Method::Patch => MethodWord::Patch,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Batch {
    max_events: u32,
    max_wait: Duration,
}

impl From<Payload> for PayloadWord {
    fn from(payload: Payload) -> PayloadWord {
        match payload {
            Payload::Seed => PayloadWord::Seed,
            Payload::Event => PayloadWord::Event,
            Payload::Original => PayloadWord::Original,
            Payload::Cloudevents => PayloadWord::CloudEvents,
        }
    }
}

impl Filter {
    /// Returns the settings for the flags that were given.
    pub(crate) fn wishes(&self) -> Wishes {
        let FilterFlags { event_type, min_priority, text } = &self.flags;
        Wishes {
            channels: (!self.channel.is_empty()).then(|| Some(self.channel.clone())),
            types: (!event_type.is_empty()).then(|| Some(event_type.clone())),
            min_priority: min_priority.map(Some),
            text: text.clone().map(Some),
            ..Wishes::default()
        }
    }
}

impl Sending {
    /// Adds the settings for the flags that were given, with the secrets that they refer to.
    pub(crate) fn add_to(&self, wishes: Wishes) -> Result<Wishes, Failure> {
        Ok(Wishes {
            payload: self.payload.map(|payload| Some(payload.into())),
            headers: self.headers()?.map(Some),
            auth: self.auth()?.map(Some),
            ca: self.ca()?.map(Some),
            insecure_skip_verify: self.insecure_skip_verify.then_some(Some(true)),
            timeout: self.timeout.map(|timeout| Some(timeout.into())),
            method: self.method.map(|method| Some(method.into())),
            content_type: self.content_type.as_ref().map(|text| Some(text.to_string())),
            template: self.template.as_ref().map(TemplateFlag::text).transpose()?.map(Some),
            signatures: (!self.signature.is_empty()).then(|| Some(self.signatures())),
            concurrency: self.concurrency.map(Some),
            rate_per_second: self.rate_per_second.map(Some),
            ordered: self.ordered.then_some(Some(true)),
            batch: self.batch.map(|batch| {
                let max_wait = Some(batch.max_wait.into());
                Some(BatchWish { max_events: Some(batch.max_events), max_wait })
            }),
            retry: self.retry.as_ref().map(|retry| Some(delays(retry))),
            description: self.description.clone().map(Some),
            ..wishes
        })
    }

    fn signatures(&self) -> Vec<SignatureWord> {
        let kinds = [(SignatureWord::V1a, Signature::V1a), (SignatureWord::Hub, Signature::Hub)];
        let asked = kinds.into_iter().filter(|(_, kind)| self.signature.contains(kind)).map(|(word, _)| word);
        [SignatureWord::V1].into_iter().chain(asked).collect()
    }

    fn headers(&self) -> Result<Option<BTreeMap<String, Hidden>>, Failure> {
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
        let headers: BTreeMap<String, Hidden> =
            headers.into_iter().map(|(name, value)| (name, Hidden(value))).collect();
        Ok((!headers.is_empty()).then_some(headers))
    }

    /// Returns the text of the file of certificates.
    fn ca(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.ca else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
        let parsed = Authorities::parse(&text);
        let authorities = parsed.map_err(|invalid| Failure::from(invalid).at(path.display().to_string()))?;
        Ok(Some(authorities.as_pem().to_owned()))
    }

    fn auth(&self) -> Result<Option<Credentials>, Failure> {
        if let Some(place) = &self.bearer {
            let token = place.text()?;
            Auth::bearer(&token).map_err(|invalid| Failure::from(invalid).at(place.to_string()))?;
            return Ok(Some(Credentials::Bearer(BearerCredentials {
                kind: Bearer::Bearer,
                token: Hidden(token),
            })));
        }
        let Some(place) = &self.basic else { return Ok(None) };
        let text = place.text()?;
        let Some((username, password)) = text.split_once(':') else {
            return Err(Failure::usage("no `:` between the user and the password")
                .at(place.to_string())
                .fix("write USER:PASSWORD on one line"));
        };
        Auth::basic(username, password).map_err(|invalid| Failure::from(invalid).at(place.to_string()))?;
        Ok(Some(Credentials::Basic(BasicCredentials {
            kind: Basic::Basic,
            username: username.to_owned(),
            password: Hidden(password.to_owned()),
        })))
    }
}

/// Returns the delays of a schedule, as the gateway takes them.
pub(crate) fn delays(schedule: &RetrySchedule) -> Vec<Literal> {
    schedule.delays().iter().copied().map(Literal::from).collect()
}

/// Parses `Name: value`. The error does not repeat the text, which may be a secret.
fn header(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text.split_once(':').ok_or_else(|| {
        Failure::usage("a header has no `:`")
            .at("--header")
            .fix("write it like `X-Api-Key: …`, or use @FILE with one header per line")
    })?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// A template on the command line.
#[derive(Debug, Clone)]
pub(crate) enum TemplateFlag {
    Preset(Preset),
    Text(Place),
}

impl TemplateFlag {
    /// Returns the text, which the gateway parses too.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        match self {
            TemplateFlag::Preset(preset) => Ok(preset.as_str().to_owned()),
            TemplateFlag::Text(place) => {
                let text = place.long_text()?;
                Template::parse(&text).map_err(|invalid| Failure::from(invalid).at(place.to_string()))?;
                Ok(text)
            }
        }
    }
}

/// Parses a preset's name, or the place of a text.
pub(crate) fn template(text: &str) -> Result<TemplateFlag, Invalid> {
    match Preset::from_name(text) {
        Some(preset) => Ok(TemplateFlag::Preset(preset)),
        None => text.parse().map(TemplateFlag::Text),
    }
}

fn timeout(text: &str) -> Result<Duration, Invalid> {
    duration::within(text, &TIMEOUT)
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
            format!("`{text}` is not a batch size"),
            format!(
                "write 1 to {BATCH_EVENTS_MAX} events and, optionally, how long to wait, at most {} s: `100` \
                 or `100,2s`",
                BATCH_WAIT_MAX.as_secs()
            ),
        )
    })
}
