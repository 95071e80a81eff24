//! Finds the webhook that a name means: an id, a URL, or a part of a URL that matches only one webhook.

use fanfare_core::Code;
use fanfare_core::WebhookId;
use fanfare_webhook::url::WebhookUrl;

use crate::cli::Failure;
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

/// Finds the webhook with the id or full URL `name`. Actions that cannot be undone do not accept a part of a URL.
pub(crate) async fn named_exactly(api: &Api, name: &str) -> Result<Webhook, Failure> {
    let found = named(api, name).await?;
    if found.id.as_str() == name || is_same(&found.webhook_url, name) {
        return Ok(found);
    }
    Err(Failure::usage(format!("`{name}` is only part of a URL"))
        .why(format!("it matches {}", found.webhook_url))
        .fix(format!("use the full URL or the id: {}", found.id)))
}

/// Finds the webhook that `name` means among `webhooks`.
pub(crate) fn among<'a>(webhooks: &'a [Webhook], name: &str) -> Result<&'a Webhook, Failure> {
    if let Some(webhook) =
        webhooks.iter().find(|webhook| webhook.id.as_str() == name || is_same(&webhook.webhook_url, name))
    {
        return Ok(webhook);
    }
    let parts: Vec<&Webhook> =
        webhooks.iter().filter(|webhook| !name.is_empty() && webhook.webhook_url.contains(name)).collect();
    match parts.as_slice() {
        [one] => Ok(one),
        [] => Err(unknown(name)),
        [first, second, ..] => {
            Err(Failure::usage(format!("{} webhooks have `{name}` in their URL", parts.len()))
                .why(format!("{}, {}{}", first.webhook_url, second.webhook_url, more(parts.len())))
                .fix(format!("use a longer part of it, or an id such as {}", first.id)))
        }
    }
}

fn unknown(name: &str) -> Failure {
    Failure::not_found(format!("no webhook has the id or URL `{name}`"))
        .fix("list them with `fanfare webhooks ls`, or add one with `fanfare webhooks add URL`")
}

fn more(count: usize) -> &'static str {
    if count > 2 { ", …" } else { "" }
}

/// Returns whether two texts are the same URL.
fn is_same(one: &str, two: &str) -> bool {
    let read = |text: &str| text.parse::<WebhookUrl>().ok();
    one == two || read(one).is_some_and(|one| read(two).is_some_and(|two| one == two))
}
