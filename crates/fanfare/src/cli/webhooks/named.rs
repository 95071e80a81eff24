//! Which webhook is meant: by its id, its address, or a part of an address that only one has.

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
    let webhooks = api.webhooks().await?.value.webhooks;
    Ok(among(&webhooks, name)?.clone())
}

/// As [`named`], but by the id or the whole address: for what cannot be undone.
pub(crate) async fn named_exactly(api: &Api, name: &str) -> Result<Webhook, Failure> {
    let found = named(api, name).await?;
    if found.id.as_str() == name || is_same(&found.webhook_url, name) {
        return Ok(found);
    }
    Err(Failure::usage(format!("`{name}` is only a part of an address"))
        .why(format!("it would be {}", found.webhook_url))
        .fix(format!("give all of it, or the id: {}", found.id)))
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
            Err(Failure::usage(format!("{} webhooks have `{name}` in their address", parts.len()))
                .why(format!("{}, {}{}", first.webhook_url, second.webhook_url, more(parts.len())))
                .fix(format!("say more of it, or the id, such as {}", first.id)))
        }
    }
}

fn unknown(name: &str) -> Failure {
    Failure::not_found(format!("no webhook has the id or address `{name}`"))
        .fix("`fanfare webhooks ls` shows them; `fanfare webhooks add URL` makes one")
}

fn more(count: usize) -> &'static str {
    if count > 2 { ", …" } else { "" }
}

/// Says whether two texts are one address.
fn is_same(one: &str, two: &str) -> bool {
    let read = |text: &str| text.parse::<WebhookUrl>().ok();
    one == two || read(one).is_some_and(|one| read(two).is_some_and(|two| one == two))
}
