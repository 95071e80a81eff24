//! The stored form of a webhook's settings. Its members keep their names, whatever the interface calls them: rows that
//! an earlier version wrote are read as they are, and instances of two versions can share a store.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::auth::Auth;
use crate::authorities::Authorities;
use crate::headers::CustomHeaders;
use crate::method::Method;
use crate::options::{BatchOptions, Options, Signatures};
use crate::template::Template;
use fanfare_core::code::Code;
use fanfare_core::duration;
use fanfare_core::event::EventType;
use fanfare_core::filter::Filter;
use fanfare_core::invalid::Invalid;
use fanfare_core::pattern::Pattern;
use fanfare_core::priority::Priority;

/// The settings, including passwords, tokens and header values.
#[derive(Serialize, Deserialize)]
struct Stored {
    patterns: Vec<Pattern>,
    types: Vec<EventType>,
    min_priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Box<str>>,
    payload: String,
    headers: Map<String, Value>,
    auth: Option<StoredAuth>,
    concurrency: u32,
    rate_per_second: Option<u32>,
    ordered: bool,
    /// As PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorities: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    insecure_skip_verify: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<Box<str>>,
    batch: Option<StoredBatch>,
    description: Option<Box<str>>,
    retry: String,
    signatures: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredAuth {
    Basic { username: Box<str>, password: Box<str> },
    Bearer(Box<str>),
}

#[derive(Serialize, Deserialize)]
struct StoredBatch {
    max_events: u32,
    max_wait: String,
}

impl Options {
    /// Returns the stored form: JSON that [`Options::from_stored`] parses, including passwords, tokens and header
    /// values.
    pub fn to_stored(&self) -> String {
        let stored = Stored {
            patterns: self.filter.patterns().to_vec(),
            types: self.filter.types().to_vec(),
            min_priority: self.filter.min_priority(),
            text: self.filter.text().map(Into::into),
            payload: self.payload.as_str().to_owned(),
            headers: self.headers.reveal().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            auth: self.auth.as_ref().map(StoredAuth::of),
            concurrency: self.concurrency,
            rate_per_second: self.rate_per_second,
            ordered: self.ordered,
            authorities: self.authorities.as_ref().map(|authorities| authorities.as_pem().into()),
            insecure_skip_verify: self.insecure_skip_verify,
            timeout: self.timeout.map(duration::show),
            // Of most webhooks, and not known to earlier versions.
            method: (self.method != Method::default()).then(|| self.method.as_str().to_owned()),
            content_type: self.content_type.as_ref().map(ToString::to_string),
            template: self.template.as_ref().map(|template| template.as_str().into()),
            batch: self.batch.map(StoredBatch::of),
            description: self.description.clone(),
            retry: self.retry.to_string(),
            signatures: self.signatures.kinds().map(str::to_owned).collect(),
        };
        serde_json::to_string(&stored).expect("texts, numbers, lists and objects with text as keys")
    }

    /// Parses a text that [`Options::to_stored`] returned, in this version or an earlier one.
    pub fn from_stored(text: &str) -> Result<Options, Invalid> {
        // The text contains secrets: an error repeats nothing of it.
        let damaged = |problem: String| {
            let what = format!("the stored settings cannot be read: {problem}");
            Invalid::new(Code::InvalidWebhook, what, "restore the row from a backup")
        };
        let stored: Stored = serde_json::from_str(text)
            .map_err(|error| damaged(format!("the error is at column {}", error.column())))?;
        let Stored { patterns, types, min_priority, text, payload, headers, .. } = stored;
        let header = |(name, value)| match value {
            Value::String(value) => Ok((name, value)),
            _ => Err(damaged(format!("the header `{name}` is not text"))),
        };
        let headers = headers.into_iter().map(header).collect::<Result<Vec<_>, _>>()?;
        let content_type = stored.content_type.as_deref().map(str::parse).transpose()?;
        let template = stored.template.as_deref().map(Template::parse).transpose()?;
        let template = template.map(|template| template.of_type(content_type.as_ref())).transpose()?;
        Ok(Options {
            filter: Filter::new(patterns, types, min_priority, text.as_deref())?,
            payload: payload.parse()?,
            headers: CustomHeaders::new(headers)?,
            auth: stored.auth.map(StoredAuth::read).transpose()?,
            concurrency: stored.concurrency,
            rate_per_second: stored.rate_per_second,
            ordered: stored.ordered,
            authorities: stored.authorities.as_deref().map(Authorities::parse).transpose()?,
            insecure_skip_verify: stored.insecure_skip_verify,
            timeout: stored.timeout.as_deref().map(duration::parse).transpose()?,
            method: stored.method.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
            content_type,
            template,
            batch: stored.batch.map(StoredBatch::read).transpose()?,
            description: stored.description,
            retry: stored.retry.parse()?,
            signatures: Signatures::of(stored.signatures.iter().map(String::as_str))
                .map_err(|(_, error)| error)?,
        })
    }
}

impl StoredAuth {
    fn of(auth: &Auth) -> StoredAuth {
        match auth.clone() {
            Auth::Basic { username, password } => StoredAuth::Basic { username, password },
            Auth::Bearer(token) => StoredAuth::Bearer(token),
        }
    }

    fn read(self) -> Result<Auth, Invalid> {
        match self {
            StoredAuth::Basic { username, password } => Auth::basic(&username, &password),
            StoredAuth::Bearer(token) => Auth::bearer(&token),
        }
    }
}

impl StoredBatch {
    fn of(batch: BatchOptions) -> StoredBatch {
        StoredBatch { max_events: batch.max_events, max_wait: duration::show(batch.max_wait) }
    }

    fn read(self) -> Result<BatchOptions, Invalid> {
        Ok(BatchOptions { max_events: self.max_events, max_wait: duration::parse(&self.max_wait)? })
    }
}

#[cfg(test)]
mod tests {
    use crate::options::Options;

    /// The settings as version 0.1.0 wrote them, member by member. A webhook that is not readable is lost.
    const WRITTEN: [&str; 2] = [
        r#"{"patterns":["a","builds.*"],"types":["error"],"min_priority":"high","text":"fail","payload":"cloudevents","headers":{"X-Key":"k3y","X-A":"1"},"auth":{"basic":{"username":"u","password":"p4ss-word"}},"concurrency":4,"rate_per_second":50,"ordered":true,"batch":{"max_events":10,"max_wait":"500ms"},"description":"to the pager","retry":"1s,10s","signatures":["v1","v1a","hub"]}"#,
        r#"{"patterns":[">"],"types":[],"min_priority":"min","payload":"seed","headers":{},"auth":{"bearer":"t0ken"},"concurrency":16,"rate_per_second":null,"ordered":false,"batch":null,"description":null,"retry":"none","signatures":["v1"]}"#,
    ];

    #[test]
    fn what_an_earlier_version_wrote_is_read_and_written_again() {
        for text in WRITTEN {
            let options = Options::from_stored(text).expect("as it was written");
            assert_eq!(options.to_stored(), text);
        }
        let options = Options::from_stored(WRITTEN[0]).expect("as it was written");
        assert_eq!(options.headers.reveal().collect::<Vec<_>>(), [("X-Key", "k3y"), ("X-A", "1")]);
        assert_eq!((options.concurrency, options.retry.attempts_max()), (4, 3));
    }

    #[test]
    fn an_error_repeats_no_secret() {
        for text in [
            WRITTEN[1].replace(r#"{"bearer":"t0ken"}"#, r#""t0ken""#),
            WRITTEN[1].replace(r#"{"bearer":"t0ken"}"#, r#"{"t0ken":1}"#),
            WRITTEN[1].replace("16", r#""t0ken""#),
        ] {
            let error = Options::from_stored(&text).expect_err("damaged");
            assert!(!format!("{error} {}", error.fix).contains("t0ken"), "{error}");
        }
    }
}
