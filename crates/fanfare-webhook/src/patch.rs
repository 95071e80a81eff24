//! Changes to a webhook, and its registration, as JSON. A member that is missing changes nothing; `null` restores the
//! default.

use std::time::Duration;

use crate::auth::Auth;
use crate::authorities::Authorities;
use crate::headers::CustomHeaders;
use crate::limits::{
    BATCH_EVENTS_MAX, BATCH_WAIT_MAX, CONCURRENCY_DEFAULT, CONCURRENCY_MAX, DESCRIPTION_LEN_MAX,
    RATE_PER_SECOND_MAX, TIMEOUT,
};
use crate::method::{ContentType, Method};
use crate::options::{BatchOptions, Options, Signatures};
use crate::retry::{DELAY_MAX, DELAY_MIN, RetrySchedule};
use crate::sample::Sample;
use crate::secret::Secret;
use crate::template::Template;
use crate::url::WebhookUrl;
use fanfare_core::code::Code;
use fanfare_core::event::EventType;
use fanfare_core::filter::Filter;
use fanfare_core::invalid::Invalid;
use fanfare_core::limits::{FILTER_TERMS_MAX, FILTER_TEXT_LEN_MAX};
use fanfare_core::members::Members;
use fanfare_core::pattern::Pattern;
use fanfare_core::printable::is_printable;
use fanfare_core::priority::Priority;
use fanfare_core::start::Start;
use fanfare_core::webhook_name::WebhookName;
use fanfare_core::wire::payload::Payload;

/// The changes to the settings; `None` changes nothing. The bounds are those of [`Options`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// The patterns of the channels.
    pub channels: Option<Vec<Pattern>>,
    /// The types of events.
    pub types: Option<Vec<EventType>>,
    /// The minimum priority.
    pub min_priority: Option<Priority>,
    /// The text to search for.
    pub text: Option<Option<String>>,
    /// The format of the body.
    pub payload: Option<Payload>,
    /// All headers to add.
    pub headers: Option<CustomHeaders>,
    /// The credentials.
    pub auth: Option<Option<Auth>>,
    /// Maximum concurrent deliveries.
    pub concurrency: Option<u32>,
    /// Maximum deliveries per second.
    pub rate_per_second: Option<Option<u32>>,
    /// Whether deliveries are sent one after the other.
    pub ordered: Option<bool>,
    /// The authorities to trust.
    pub authorities: Option<Option<Authorities>>,
    /// Whether any certificate is accepted.
    pub insecure_skip_verify: Option<bool>,
    /// Maximum duration of an attempt.
    pub timeout: Option<Option<Duration>>,
    /// The method.
    pub method: Option<Method>,
    /// The content type.
    pub content_type: Option<Option<ContentType>>,
    /// The template of the body; of the format JSON, whatever the content type is.
    pub template: Option<Option<Template>>,
    /// The settings of batches.
    pub batch: Option<Option<BatchOptions>>,
    /// The description for people.
    pub description: Option<Option<Box<str>>>,
    /// The retry schedule.
    pub retry: Option<RetrySchedule>,
    /// The signatures besides `v1`.
    pub signatures: Option<Signatures>,
}

/// A webhook to register. Registering a URL again changes the existing webhook: with the URL alone, nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The URL to send to.
    pub url: WebhookUrl,
    /// The name; needed for a second webhook with the same URL.
    pub name: Option<WebhookName>,
    /// The settings that differ from the default.
    pub options: Patch,
    /// The secret to sign with, of any form; if omitted, a new one is generated.
    pub secret: Option<Secret>,
    /// The start of the subscription; default: from now on.
    pub start: Option<Start>,
}

/// A change to a registered webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The new URL.
    pub url: Option<WebhookUrl>,
    /// The new name; `Some(None)` for none.
    pub name: Option<Option<WebhookName>>,
    /// The changes to the settings.
    pub options: Patch,
}

impl Patch {
    /// Parses a JSON object.
    pub fn parse(body: &[u8]) -> Result<Patch, Invalid> {
        let mut members =
            Members::parse(body, Code::InvalidWebhook, "send an object such as `{\"payload\":\"event\"}`")?;
        let patch = Patch::take(&mut members)?;
        members.finish()?;
        Ok(patch)
    }

    /// Returns `true` if the patch changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Patch::default()
    }

    fn take(members: &mut Members<'_>) -> Result<Patch, Invalid> {
        Ok(Patch {
            channels: members.list("channels", FILTER_TERMS_MAX)?.map(Option::unwrap_or_default),
            types: members.list("types", FILTER_TERMS_MAX)?.map(Option::unwrap_or_default),
            min_priority: members
                .parsed("min_priority", str::parse)?
                .map(|value| value.unwrap_or(Priority::Min)),
            text: members.parsed("text", filter_text)?,
            payload: members.parsed("payload", str::parse)?.map(Option::unwrap_or_default),
            headers: members
                .object("headers")?
                .map(|headers| headers.map_or(Ok(CustomHeaders::default()), read_headers))
                .transpose()?,
            auth: members.object("auth")?.map(|auth| auth.map(Auth::read).transpose()).transpose()?,
            concurrency: members
                .number("concurrency", 1, CONCURRENCY_MAX)?
                .map(|value| value.unwrap_or(CONCURRENCY_DEFAULT)),
            rate_per_second: members.number("rate_per_second", 1, RATE_PER_SECOND_MAX)?,
            ordered: members.truth("ordered")?.map(Option::unwrap_or_default),
            authorities: members.parsed("ca", Authorities::parse)?,
            insecure_skip_verify: members.truth("insecure_skip_verify")?.map(Option::unwrap_or_default),
            timeout: members.duration("timeout", &TIMEOUT)?,
            method: members.parsed("method", str::parse)?.map(Option::unwrap_or_default),
            content_type: members.parsed("content_type", str::parse)?,
            template: members.parsed("template", Template::parse)?,
            batch: members.object("batch")?.map(|batch| batch.map(read_batch).transpose()).transpose()?,
            description: members.parsed("description", description)?,
            retry: read_retry(members)?,
            signatures: read_signatures(members)?,
        })
    }
}

impl Options {
    /// Applies `patch`. Fails if the result contradicts itself, and then changes nothing.
    pub fn apply(&mut self, patch: Patch) -> Result<(), Invalid> {
        let filter = Filter::new(
            patch.channels.unwrap_or_else(|| self.filter.patterns().to_vec()),
            patch.types.unwrap_or_else(|| self.filter.types().to_vec()),
            patch.min_priority.unwrap_or(self.filter.min_priority()),
            patch.text.as_ref().map_or(self.filter.text(), Option::as_deref),
        )?;
        let headers = patch.headers.unwrap_or_else(|| self.headers.clone());
        let auth = patch.auth.unwrap_or_else(|| self.auth.clone());
        if auth.is_some() && headers.names().any(|name| name.eq_ignore_ascii_case("authorization")) {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "`auth` cannot be combined with the header `Authorization`",
                "give one of them",
            )
            .at("/auth"));
        }
        let authorities = patch.authorities.as_ref().unwrap_or(&self.authorities);
        if authorities.is_some() && patch.insecure_skip_verify.unwrap_or(self.insecure_skip_verify) {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "`insecure_skip_verify` cannot be combined with `ca`",
                "leave `insecure_skip_verify` out: the receiver's certificate is then verified with `ca`",
            )
            .at("/insecure_skip_verify"));
        }
        let batch = patch.batch.unwrap_or(self.batch);
        let content_type = patch.content_type.unwrap_or_else(|| self.content_type.clone());
        let template = patch.template.unwrap_or_else(|| self.template.clone());
        if template.is_some() && batch.is_some() {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                "`template` cannot be combined with `batch`: services take one message per request",
                "leave `batch` out, or set it to `null`",
            )
            .at("/template"));
        }
        let template = template.map(|template| template.of_type(content_type.as_ref())).transpose();
        let at_template = |error: Invalid| if error.at.is_empty() { error.at("/template") } else { error };
        let template = template.map_err(at_template)?;
        template.as_ref().map_or(Ok(()), Template::try_out).map_err(at_template)?;
        let options = Options {
            filter,
            payload: patch.payload.unwrap_or(self.payload),
            headers,
            auth,
            concurrency: patch.concurrency.unwrap_or(self.concurrency),
            rate_per_second: patch.rate_per_second.unwrap_or(self.rate_per_second),
            ordered: patch.ordered.unwrap_or(self.ordered),
            authorities: patch.authorities.unwrap_or_else(|| self.authorities.clone()),
            insecure_skip_verify: patch.insecure_skip_verify.unwrap_or(self.insecure_skip_verify),
            timeout: patch.timeout.unwrap_or(self.timeout),
            method: patch.method.unwrap_or(self.method),
            content_type,
            template,
            batch,
            description: patch.description.unwrap_or_else(|| self.description.clone()),
            retry: patch.retry.unwrap_or_else(|| self.retry.clone()),
            signatures: patch.signatures.unwrap_or(self.signatures),
        };
        options.check_original()?;
        *self = options;
        Ok(())
    }
}

impl Change {
    /// Parses a JSON object. A webhook always has a URL: `null` is an error.
    pub fn parse(body: &[u8]) -> Result<Change, Invalid> {
        let mut members =
            Members::parse(body, Code::InvalidWebhook, "send an object such as `{\"payload\":\"event\"}`")?;
        let url = match members.parsed("webhook_url", str::parse)? {
            Some(None) => {
                return Err(members.wrong("webhook_url", "is `null`", "give an address, or leave it out"));
            }
            given => given.flatten(),
        };
        let name = members.parsed("name", str::parse)?;
        let change = Change { url, name, options: Patch::take(&mut members)? };
        members.finish()?;
        Ok(change)
    }
}

impl Registration {
    /// Parses the body of a registration: `{"webhook_url": "…"}`, and further settings.
    pub fn parse(body: &[u8]) -> Result<Registration, Invalid> {
        let mut members = Members::parse(body, Code::InvalidWebhook, REGISTRATION_FIX)?;
        let registration = Registration::take(&mut members)?;
        members.finish()?;
        registration.check()
    }

    /// Parses the body of a test of an address: a registration, and `test`, the event to send.
    pub fn parse_trial(body: &[u8]) -> Result<(Registration, Sample), Invalid> {
        let mut members = Members::parse(body, Code::InvalidWebhook, REGISTRATION_FIX)?;
        let sample = members.inner("test", Sample::parse)?.flatten().unwrap_or_default();
        let registration = Registration::take(&mut members)?;
        members.finish()?;
        Ok((registration.check()?, sample))
    }

    fn take(members: &mut Members<'_>) -> Result<Registration, Invalid> {
        let url: Option<WebhookUrl> = members.parsed("webhook_url", WebhookUrl::parse_whole)?.flatten();
        let url = url.ok_or_else(|| {
            Invalid::new(Code::InvalidUrl, "`webhook_url` is missing", REGISTRATION_FIX).at("/webhook_url")
        })?;
        let after = members.text("after")?.flatten().map(|text| Start::after(&text));
        let since = members.time("since", Start::since)?.flatten();
        let start = match (after, since) {
            (Some(_), Some(_)) => {
                return Err(members.wrong("since", "cannot be combined with `after`", "give one"));
            }
            (Some(Start::Unreadable), None) => {
                return Err(members.wrong("after", "is not a position", "give the `id` of an event"));
            }
            (after, since) => after.or(since),
        };
        // Which secrets are allowed depends on the signatures, which the webhook may have already.
        let secret = members.parsed("secret", Secret::any)?.flatten();
        let name = members.parsed("name", str::parse)?.flatten();
        let options = Patch::take(members)?;
        Ok(Registration { url, name, options, secret, start })
    }

    /// Fails if the settings contradict each other: this is reported now, and not only once the webhook is stored.
    fn check(self) -> Result<Registration, Invalid> {
        Options::default().apply(self.options.clone())?;
        Ok(self)
    }
}

const REGISTRATION_FIX: &str = "send an object such as `{\"webhook_url\":\"http://localhost:3000/webhook\"}`";

fn filter_text(text: &str) -> Result<String, Invalid> {
    if text.len() > FILTER_TEXT_LEN_MAX {
        let what = format!("`text` has {} bytes", text.len());
        return Err(Invalid::new(Code::InvalidWebhook, what, "use at most 256 bytes"));
    }
    Ok(text.to_owned())
}

fn description(text: &str) -> Result<Box<str>, Invalid> {
    if !is_printable(text, DESCRIPTION_LEN_MAX) {
        return Err(Invalid::new(
            Code::InvalidWebhook,
            "`description` cannot be shown on one line",
            "use 1–256 bytes without control characters, or `null` for none",
        ));
    }
    Ok(text.into())
}

fn read_headers(members: Members<'_>) -> Result<CustomHeaders, Invalid> {
    CustomHeaders::new(members.into_texts()?).map_err(|error| error.under("/headers"))
}

fn read_batch(mut members: Members<'_>) -> Result<BatchOptions, Invalid> {
    let default = BatchOptions::default();
    let max_events = members.number("max_events", 1, BATCH_EVENTS_MAX)?.flatten();
    let max_wait = members.duration("max_wait", &(Duration::ZERO..=BATCH_WAIT_MAX))?.flatten();
    members.finish()?;
    Ok(BatchOptions {
        max_events: max_events.unwrap_or(default.max_events),
        max_wait: max_wait.unwrap_or(default.max_wait),
    })
}

fn read_retry(members: &mut Members<'_>) -> Result<Option<RetrySchedule>, Invalid> {
    match members.durations("retry", &(DELAY_MIN..=DELAY_MAX))? {
        Some(Some(delays)) => {
            RetrySchedule::new(delays).map(Some).map_err(|error| error.at(members.at("retry")))
        }
        Some(None) => Ok(Some(RetrySchedule::default())),
        None => Ok(None),
    }
}

fn read_signatures(members: &mut Members<'_>) -> Result<Option<Signatures>, Invalid> {
    let kinds = match members.texts("signatures")? {
        Some(Some(kinds)) => kinds,
        Some(None) => return Ok(Some(Signatures::default())),
        None => return Ok(None),
    };
    let at = |(index, error): (usize, Invalid)| error.at(format!("/signatures/{index}"));
    Signatures::of(kinds.iter().map(String::as_str)).map(Some).map_err(at)
}

#[cfg(test)]
mod tests;
