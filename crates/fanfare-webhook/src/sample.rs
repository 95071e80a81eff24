//! The event of a test, as far as the caller chooses it.

use fanfare_core::channel::Channel;
use fanfare_core::code::Code;
use fanfare_core::event::EventType;
use fanfare_core::invalid::Invalid;
use fanfare_core::json::Json;
use fanfare_core::members::Members;
use fanfare_core::priority::Priority;

/// The parts of a test event that the caller chose; the rest is as in every test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// The channel.
    pub channel: Option<Channel>,
    /// The type.
    pub event_type: Option<EventType>,
    /// The message.
    pub message: Option<String>,
    /// The data.
    pub data: Option<Json>,
    /// The priority.
    pub priority: Option<Priority>,
    /// What is sent instead of the event.
    pub body: Option<Json>,
}

impl Sample {
    /// Parses the body of a test: nothing, or an object.
    pub fn parse(body: &[u8]) -> Result<Sample, Invalid> {
        const FIX: &str = "send an empty body, or an object such as `{\"type\":\"error\",\"message\":\"…\"}`";
        let mut members = Members::parse_or_none(body, Code::InvalidWebhook, FIX)?;
        let sample = Sample::take(&mut members)?;
        members.finish()?;
        Ok(sample)
    }

    /// Takes the members of a sample.
    pub fn take(members: &mut Members<'_>) -> Result<Sample, Invalid> {
        Ok(Sample {
            channel: members.parsed("channel", Channel::of_push)?.flatten(),
            // A caller's own type, or the one of every test.
            event_type: members.parsed("type", EventType::of_push)?.flatten(),
            message: members.text("message")?.flatten(),
            data: members.json("data")?.flatten(),
            priority: members.parsed("priority", str::parse)?.flatten(),
            body: members.json("body")?.flatten(),
        })
    }
}
