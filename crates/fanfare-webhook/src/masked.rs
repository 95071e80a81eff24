//! URLs as people see them: the address of a chat service lets anybody who knows it post there, so the part that is
//! secret is masked.

use std::borrow::Cow;

use crate::url::{TargetHost, WebhookUrl};
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;

/// What stands in the place of a secret part.
pub const MASK: &str = "***";

/// Names of query parameters whose values are secret.
const SECRET_PARAMETERS: [&str; 17] = [
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "code",
    "key",
    "pass",
    "password",
    "routing-key",
    "routing_key",
    "secret",
    "sig",
    "signature",
    "token",
    "webhook_token",
    "x-api-key",
];

impl WebhookUrl {
    /// Returns the URL as it may be shown: as given, but with [`MASK`] for the parts of Slack's, Discord's, Telegram's,
    /// Teams' and PagerDuty's addresses that are secret, and for the values of query parameters such as `token`. What
    /// decides is the form of the path, on whichever host: a proxy in between changes the host only.
    pub fn shown(&self) -> Cow<'_, str> {
        let given = self.reveal();
        let after_scheme = given.find("://").map_or(0, |at| at + 3);
        let path_at = given[after_scheme..].find(['/', '?']).map_or(given.len(), |at| after_scheme + at);
        let (origin, rest) = given.split_at(path_at);
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let mut segments: Vec<Cow<'_, str>> = path.split('/').map(Cow::Borrowed).collect();
        self.mask_segments(&mut segments);
        let mut shown = format!("{origin}{}", segments.join("/"));
        if let Some(query) = query {
            shown.push('?');
            shown.push_str(&query.split('&').map(mask_parameter).collect::<Vec<_>>().join("&"));
        }
        if shown == given { Cow::Borrowed(given) } else { Cow::Owned(shown) }
    }

    /// Returns the values of the query parameters that are secret.
    pub fn secret_values(&self) -> impl Iterator<Item = String> {
        let pairs = self.query_pairs();
        pairs.into_iter().filter(|(name, value)| is_secret(name) && !value.is_empty()).map(|(_, value)| value)
    }

    /// Parses a URL that is registered, changed or unregistered: not one that was copied from where it is masked.
    pub fn parse_whole(text: &str) -> Result<WebhookUrl, Invalid> {
        let url: WebhookUrl = text.parse()?;
        if url.is_masked() {
            let what = format!("the URL is masked: `{MASK}` stands for a part that is not shown");
            return Err(Invalid::new(Code::InvalidUrl, what, "send the whole URL, as the service gave it"));
        }
        Ok(url)
    }

    /// Returns whether the URL was copied from where it is masked.
    pub fn is_masked(&self) -> bool {
        self.reveal().contains(MASK)
    }

    /// Masks the secret segments of a path; the first one is empty.
    fn mask_segments(&self, segments: &mut [Cow<'_, str>]) {
        let host = match self.host() {
            TargetHost::Name(name) => name,
            TargetHost::Ip(_) => "",
        };
        // Slack's `/workflows/…` and `/triggers/…`, and Teams' `/webhookb2/…`.
        let kept = match host {
            _ if host == "hooks.slack.com" || host == "hooks.slack-gov.com" => 4,
            _ if host.ends_with(".webhook.office.com") || host == "outlook.office.com" => 2,
            _ => usize::MAX,
        };
        for at in 0..segments.len() {
            let is = |back: usize, is_such: fn(&str) -> bool| {
                at.checked_sub(back).is_some_and(|at| is_such(&segments[at]))
            };
            let is_slack = is(3, |text| text == "services")
                && is(2, |text| text.starts_with('T'))
                && is(1, |text| text.starts_with('B'));
            let is_discord = is(2, |text| text == "webhooks") && is(1, is_number);
            let is_pagerduty = is(1, |text| text == "integration" || text == "x-ere");
            let telegram = telegram_bot(&segments[at]).map(|bot| format!("{bot}:{MASK}"));
            if let Some(masked) = telegram {
                segments[at] = masked.into();
            } else if (at >= kept || is_slack || is_discord || is_pagerduty) && !segments[at].is_empty() {
                segments[at] = MASK.into();
            }
        }
    }
}

/// Returns the part of `bot123:ABC` that is not secret.
fn telegram_bot(segment: &str) -> Option<&str> {
    let at = segment.find(':').or_else(|| segment.find("%3A")).or_else(|| segment.find("%3a"))?;
    let bot = &segment[..at];
    bot.strip_prefix("bot").is_some_and(is_number).then_some(bot)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_secret(name: &str) -> bool {
    SECRET_PARAMETERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

fn mask_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, value)) if is_secret(name) && !value.is_empty() => format!("{name}={MASK}"),
        _ => parameter.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::WebhookUrl;

    #[test]
    fn what_lets_anybody_post_is_masked_and_the_rest_is_not() {
        for (given, shown) in [
            (
                "https://hooks.slack.com/services/T0AB/B0CD/s3cr3t",
                "https://hooks.slack.com/services/T0AB/B0CD/***",
            ),
            (
                "https://hooks.slack.com/workflows/T0/A0/12/s3cr3t",
                "https://hooks.slack.com/workflows/T0/A0/***/***",
            ),
            ("https://hooks.slack.com/triggers/T0/12/s3cr3t", "https://hooks.slack.com/triggers/T0/12/***"),
            (
                "http://localhost:3000/services/T0/B0/s3cr3t?x=1",
                "http://localhost:3000/services/T0/B0/***?x=1",
            ),
            ("https://discord.com/api/webhooks/12/s3-cr_t", "https://discord.com/api/webhooks/12/***"),
            (
                "https://discord.com/api/v10/webhooks/12/s3/slack?wait=true",
                "https://discord.com/api/v10/webhooks/12/***/slack?wait=true",
            ),
            (
                "https://api.telegram.org/bot12:s3cr3t/sendMessage?chat_id=-7",
                "https://api.telegram.org/bot12:***/sendMessage?chat_id=-7",
            ),
            (
                "https://api.telegram.org/bot12%3As3cr3t/sendMessage",
                "https://api.telegram.org/bot12:***/sendMessage",
            ),
            (
                "https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d",
                "https://acme.webhook.office.com/webhookb2/***/***/***/***",
            ),
            (
                "https://x.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sp=1&sig=s3cr3t",
                "https://x.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sp=1&sig=***",
            ),
            (
                "https://events.pagerduty.com/v2/enqueue?routing_key=s3cr3t",
                "https://events.pagerduty.com/v2/enqueue?routing_key=***",
            ),
            (
                "https://events.pagerduty.com/integration/s3cr3t/enqueue",
                "https://events.pagerduty.com/integration/***/enqueue",
            ),
            ("https://example.com?TOKEN=s3cr3t&a", "https://example.com?TOKEN=***&a"),
            ("HTTP://Example.com:80/hooks/a%20b?a=ä&token=", "HTTP://Example.com:80/hooks/a%20b?a=ä&token="),
            ("http://localhost:3000/api/webhooks/ci/x", "http://localhost:3000/api/webhooks/ci/x"),
            ("http://localhost/robot12:x/services/a/b/c", "http://localhost/robot12:x/services/a/b/c"),
        ] {
            let url: WebhookUrl = given.parse().expect(given);
            assert_eq!(url.shown(), shown);
            assert_eq!(
                (url.to_string(), serde_json::json!(url)),
                (shown.to_owned(), serde_json::json!(shown))
            );
            assert!(!format!("{url:?}").contains("s3"), "{url:?}");
            assert_eq!(WebhookUrl::parse_whole(given).expect(given).reveal(), given);
            let again = WebhookUrl::parse_whole(shown);
            assert_eq!(again.is_err(), given != shown, "a masked URL cannot be registered: {shown}");
        }
    }
}
