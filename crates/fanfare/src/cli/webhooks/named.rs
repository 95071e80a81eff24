//! Finds the webhook that a word means: a name, an id, a URL, or a part of a URL that matches only one webhook.

use std::borrow::Cow;

use fanfare_core::Code;
use fanfare_core::{WebhookId, WebhookName};
use fanfare_webhook::url::WebhookUrl;

use crate::cli::Failure;
use crate::cli::text::harmless;
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::{Api, Error};

/// Finds the webhook that `name` means.
pub(crate) async fn named(api: &Api, name: &str) -> Result<Webhook, Failure> {
    if let Ok(id) = name.parse::<WebhookId>() {
        return match api.webhook(&id).await {
            Ok(answer) => Ok(answer.value),
            Err(Error::Refused(problem)) if problem.known_code() == Some(Code::NotFound) => {
                Err(unknown(name))
            }
            Err(error) => Err(error.into()),
        };
    }
    let webhooks = api.webhooks().await?.value.into_items();
    Ok(among(&webhooks, name)?.clone())
}

/// Finds the webhook with the name, the id or the full URL `name`. Actions that cannot be undone do not accept a part of a URL.
pub(crate) async fn named_exactly(api: &Api, name: &str) -> Result<Webhook, Failure> {
    let found = named(api, name).await?;
    if is_named(&found, name) || is_same(&found.webhook_url, name) {
        return Ok(found);
    }
    Err(Failure::usage(format!("`{name}` is only part of a URL"))
        .why(format!("it matches {}", found.webhook_url))
        .fix(format!("use the name, the full URL or the id: {}", found.id)))
}

/// Finds the webhook that `name` means among `webhooks`.
pub(crate) fn among<'a>(webhooks: &'a [Webhook], name: &str) -> Result<&'a Webhook, Failure> {
    if let Some(webhook) = webhooks.iter().find(|webhook| is_named(webhook, name)) {
        return Ok(webhook);
    }
    let same: Vec<&Webhook> = webhooks.iter().filter(|webhook| is_same(&webhook.webhook_url, name)).collect();
    match same.as_slice() {
        [] => {}
        [one] => return Ok(one),
        [first, second, ..] => {
            return Err(Failure::usage(format!("{} webhooks have the URL `{name}`", same.len()))
                .why(format!("{}, {}{}", word(first), word(second), more(same.len())))
                .fix(format!("use the name or the id of one, such as {}", word(first))));
        }
    }
    let parts: Vec<&Webhook> =
        webhooks.iter().filter(|webhook| !name.is_empty() && webhook.webhook_url.contains(name)).collect();
    match parts.as_slice() {
        [one] => Ok(one),
        [] => Err(unknown(name)),
        [first, second, ..] => {
            Err(Failure::usage(format!("{} webhooks have `{name}` in their URL", parts.len()))
                .why(format!("{}, {}{}", first.webhook_url, second.webhook_url, more(parts.len())))
                .fix(format!("use a longer part of it, or the name or id of one, such as {}", word(first))))
        }
    }
}

/// Returns whether `word` is the name or the id of a webhook.
fn is_named(webhook: &Webhook, word: &str) -> bool {
    webhook.id.as_str() == word || webhook.name.as_ref().is_some_and(|name| name.as_str() == word)
}

/// Returns what people know a webhook by: its name, or else its URL.
pub(crate) fn title<'a>(name: Option<&'a WebhookName>, url: &'a str) -> Cow<'a, str> {
    name.map_or_else(|| harmless(url), |name| name.as_str().into())
}

/// Returns the word that means a webhook and no other: its name, or else its id.
pub(crate) fn word(webhook: &Webhook) -> &str {
    webhook.name.as_ref().map_or(webhook.id.as_str(), WebhookName::as_str)
}

fn unknown(name: &str) -> Failure {
    Failure::not_found(format!("no webhook has the name, id or URL `{name}`"))
        .fix("list them with `fanfare webhooks ls`, or add one with `fanfare webhooks add URL`")
}

fn more(count: usize) -> &'static str {
    if count > 2 { ", …" } else { "" }
}

/// Returns whether two texts are the same URL.
fn is_same(one: &str, two: &str) -> bool {
    let read = |text: &str| text.parse::<WebhookUrl>().ok();
    // Lists mask what is secret; the whole URL means the same webhook.
    let is_masked = |two: WebhookUrl| two.shown() == one;
    one == two
        || read(one).is_some_and(|one| read(two).is_some_and(|two| one == two))
        || read(two).is_some_and(is_masked)
}
