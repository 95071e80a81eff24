//! Templates: bodies as chat services and pagers take them. A webhook has the name of a preset or a text of its own.
//!
//! The text of a template is untrusted: anyone who can register a webhook can write one, and anyone who can push supplies
//! its values. Fuel, the engine's bound, counts steps and the bytes that exist after a step, but not what one step does:
//! joining, comparing or printing lists that contain themselves many times takes exponential time and memory in a single
//! step, and constant expressions are even computed while the text is parsed. So four bounds hold together:
//!
//! - [`grammar`] refuses, before the engine sees the text, everything that can build or repeat lists and maps, or multiply
//!   texts. All lists and maps are then parts of the event, which is bounded, and comparing two of them compares where they
//!   are ([`values`]).
//! - Templates can use only our own filters and tests ([`filters`]); there are no functions, macros, includes or
//!   loaders. The output of filters costs fuel.
//! - The body goes to a writer that stops at [`BODY_LEN_MAX`].
//! - Fuel ends everything else, and callers render beside the threads that serve.

mod context;
mod cut;
mod filters;
mod format;
mod grammar;
mod limited;
mod preset;
mod program;
mod values;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::method::ContentType;
use crate::url::WebhookUrl;
use fanfare_core::code::Code;
use fanfare_core::event::Event;
use fanfare_core::invalid::{Invalid, shown};
use fanfare_core::line_ends;

pub use format::Format;
pub use preset::Preset;
use program::Program;

/// Maximum length of the text of a template, in bytes: the largest preset has a tenth of it.
pub const TEMPLATE_LEN_MAX: usize = 16 * 1024;
/// Maximum length of a body, in bytes: as that of a batch.
pub const BODY_LEN_MAX: usize = 1024 * 1024;

/// A template that can be rendered; cheap to clone.
#[derive(Clone)]
pub struct Template {
    source: Source,
    format: Format,
    program: Arc<Program>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Own(Arc<str>),
    Preset(Preset),
}

/// The reason why a template makes no body of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A step failed, such as a filter that got a value of another kind.
    #[error("{problem}")]
    Failed {
        /// The problem and its line.
        problem: String,
    },
    /// The body is not JSON, although its content type says so.
    #[error("the body is not valid JSON: {problem}")]
    NotJson {
        /// What the JSON parser says.
        problem: String,
    },
    /// The body exceeds [`BODY_LEN_MAX`].
    #[error("the body is longer than {BODY_LEN_MAX} bytes")]
    TooLong,
    /// The template takes too many steps, or makes too many bytes.
    #[error("the template takes too many steps, or makes too much text")]
    TooMuch,
}

impl RenderError {
    /// Returns the problem without the parts that depend on the event.
    pub fn problem(&self) -> &'static str {
        match self {
            RenderError::Failed { .. } => {
                "the template failed for this event; a preview with the event shows why"
            }
            RenderError::NotJson { .. } => {
                "with this event, the template does not make valid JSON; a preview with the event shows why"
            }
            RenderError::TooLong => "with this event, the body would be longer than 1 MiB",
            RenderError::TooMuch => "with this event, the template takes too many steps",
        }
    }

    /// Returns what to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            RenderError::Failed { .. } => "correct this line",
            RenderError::NotJson { .. } => {
                "write `{{ message }}` without quotes around it: it writes them itself; or set `content_type` if the \
                 body is not JSON"
            }
            RenderError::TooLong => "shorten texts with the filter `truncate(1000)`",
            RenderError::TooMuch => "use fewer loops, or a shorter text",
        }
    }
}

impl Template {
    /// Parses a preset's name, or the text of a template for bodies in JSON.
    pub fn parse(text: &str) -> Result<Template, Invalid> {
        if let Some(preset) = Preset::from_name(text) {
            let program = preset.program();
            return Ok(Template { source: Source::Preset(preset), format: Format::Json, program });
        }
        if text.len() > TEMPLATE_LEN_MAX {
            let what = format!("the template is {} bytes long", text.len());
            return Err(Invalid::new(Code::InvalidWebhook, what, "use at most 16384 bytes"));
        }
        // Otherwise, each delivery would have the same body: a preset's name with a typing error.
        if !text.contains("{{") && !text.contains("{%") {
            let what = format!("`{}` is neither a preset nor a template", shown(text));
            return Err(Invalid::new(Code::InvalidWebhook, what, preset::FIX));
        }
        let program = Arc::new(Program::compile(text, Format::Json)?);
        Ok(Template { source: Source::Own(text.into()), format: Format::Json, program })
    }

    /// Returns the template for bodies of this type. A preset has its own type.
    pub fn of_type(&self, content_type: Option<&ContentType>) -> Result<Template, Invalid> {
        let format = content_type.map_or(Format::Json, Format::of);
        let Source::Own(text) = &self.source else {
            let other = content_type.filter(|_| format != Format::Json);
            return match other {
                None => Ok(self.clone()),
                Some(other) => Err(Invalid::new(
                    Code::InvalidWebhook,
                    format!("`content_type` is `{other}`, and the template makes JSON"),
                    "leave `content_type` out",
                )
                .at("/content_type")),
            };
        };
        let program = match format == self.format {
            true => Arc::clone(&self.program),
            false => Arc::new(Program::compile(text, format)?),
        };
        Ok(Template { source: self.source.clone(), format, program })
    }

    /// Returns the preset; `None` for a template that has a text.
    pub fn preset(&self) -> Option<Preset> {
        match self.source {
            Source::Own(_) => None,
            Source::Preset(preset) => Some(preset),
        }
    }

    /// Returns the preset's name, or the text.
    pub fn as_str(&self) -> &str {
        match &self.source {
            Source::Own(text) => text,
            Source::Preset(preset) => preset.as_str(),
        }
    }

    /// Returns the content type of its bodies, unless the webhook has its own.
    pub fn content_type(&self) -> &'static str {
        "application/json"
    }

    /// Returns the body for `event` at `url`. The same event makes the same bytes: no clock and no chance are in it.
    pub fn render(&self, event: &Event, url: &WebhookUrl) -> Result<Vec<u8>, RenderError> {
        self.finish(
            self.program.render(context::of(event, url, self.program.uses_data()), event.stored_len())?,
        )
    }

    /// Fails if the template makes no body of a sample.
    pub fn try_out(&self) -> Result<(), Invalid> {
        if self.preset().is_some() {
            return Ok(());
        }
        let rendered = self.program.try_out(context::sample()).and_then(|body| self.finish(body));
        rendered.map(drop).map_err(|error| Invalid::new(Code::InvalidWebhook, error.to_string(), error.fix()))
    }

    fn finish(&self, mut body: Vec<u8>) -> Result<Vec<u8>, RenderError> {
        if self.format == Format::Json {
            serde_json::from_slice::<serde::de::IgnoredAny>(&body)
                .map_err(|error| RenderError::NotJson { problem: error.to_string() })?;
            line_ends::escape(&mut body, 0);
        }
        Ok(body)
    }
}

impl FromStr for Template {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Template, Invalid> {
        Template::parse(text)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Template) -> bool {
        (&self.source, self.format) == (&other.source, other.format)
    }
}

impl Eq for Template {}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.as_str()).finish()
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
