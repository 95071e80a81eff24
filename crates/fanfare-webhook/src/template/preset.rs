//! The templates that come with Fanfare, each as its service documents it.

use std::sync::{Arc, LazyLock};

use crate::template::format::Format;
use crate::template::program::Program;
use crate::url::WebhookUrl;
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;

/// What a template can be.
pub(super) const FIX: &str = "use `slack`, `discord`, `teams`, `telegram`, `ntfy` or `pagerduty`, or a text such as \
                              `{\"text\": {{ message }}}`";

/// A service whose bodies Fanfare knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Preset {
    /// <https://discord.com/developers/docs/resources/webhook#execute-webhook>: 2,000 characters.
    Discord,
    /// <https://docs.ntfy.sh/publish/#publish-as-json>: 4,096 bytes.
    Ntfy,
    /// <https://developer.pagerduty.com/docs/send-alert-event>: a summary of 1,024 characters.
    PagerDuty,
    /// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/>: 40,000 characters.
    Slack,
    /// A workflow with an adaptive card: 28 KB.
    Teams,
    /// <https://core.telegram.org/bots/api#sendmessage>: 4,096 characters.
    Telegram,
}

impl Preset {
    /// All presets, in the order in which people are shown them.
    pub const ALL: [Preset; 6] =
        [Preset::Slack, Preset::Discord, Preset::Teams, Preset::Telegram, Preset::Ntfy, Preset::PagerDuty];

    /// Returns the name in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Preset::Discord => "discord",
            Preset::Ntfy => "ntfy",
            Preset::PagerDuty => "pagerduty",
            Preset::Slack => "slack",
            Preset::Teams => "teams",
            Preset::Telegram => "telegram",
        }
    }

    /// Parses a name that [`Preset::as_str`] returned.
    pub fn from_name(name: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| preset.as_str() == name)
    }

    /// Returns the text, from which one's own can start.
    pub fn text(self) -> &'static str {
        match self {
            Preset::Discord => include_str!("presets/discord.jinja"),
            Preset::Ntfy => include_str!("presets/ntfy.jinja"),
            Preset::PagerDuty => include_str!("presets/pagerduty.jinja"),
            Preset::Slack => include_str!("presets/slack.jinja"),
            Preset::Teams => include_str!("presets/teams.jinja"),
            Preset::Telegram => include_str!("presets/telegram.jinja"),
        }
    }

    /// Fails if the URL lacks a parameter that the service wants in the body.
    pub fn check_url(self, url: &WebhookUrl) -> Result<(), Invalid> {
        let (name, fix) = match self {
            Preset::Discord | Preset::Slack | Preset::Teams => return Ok(()),
            Preset::Ntfy => ("topic", "write the server and the topic: `https://ntfy.sh/?topic=builds`"),
            Preset::PagerDuty => (
                "routing_key",
                "write `https://events.pagerduty.com/v2/enqueue?routing_key=…`, with the key of the integration",
            ),
            Preset::Telegram => (
                "chat_id",
                "write `https://api.telegram.org/bot…/sendMessage?chat_id=…`, with the number of the chat",
            ),
        };
        let has_it = url.query_pairs().iter().any(|(known, value)| known == name && !value.is_empty());
        match has_it {
            true => Ok(()),
            false => {
                let what = format!("the template `{}` needs `{name}` in the query of the URL", self.as_str());
                Err(Invalid::new(Code::InvalidWebhook, what, fix).at("/webhook_url"))
            }
        }
    }

    /// Returns the compiled text.
    pub(super) fn program(self) -> Arc<Program> {
        static PROGRAMS: LazyLock<[Arc<Program>; 6]> = LazyLock::new(|| {
            Preset::ALL.map(|preset| {
                Arc::new(Program::compile(preset.text(), Format::Json).expect("a preset is a template"))
            })
        });
        let index = Preset::ALL.iter().position(|preset| *preset == self).expect("one of all");
        Arc::clone(&PROGRAMS[index])
    }
}
