//! What `list_targets` found, in sentences and lines for the model.

use fanfare_core::Channel;

use crate::mcp::gateway::answer::count;
use crate::mcp::gateway::list_targets::{
    ChannelEntry, Channels, ClientEntry, Clients, LIMIT_MAX, StructuredContent, Webhooks,
};
use crate::mcp::gateway::untrusted::neutral;

/// Describes what was found, for all channels or for `channel`: in sentences, and a line for each row.
pub(super) fn describe(found: &StructuredContent, channel: Option<&Channel>) -> (String, String) {
    let place = channel.map_or_else(String::new, |channel| format!(" on `{channel}`"));
    let mut sentences = Vec::new();
    let mut lines = Vec::new();
    if let Some(Channels { channels, channels_total }) = &found.channels {
        sentences.push(match channel {
            Some(channel) if channels.is_empty() => {
                format!("`{channel}` has no events yet; the first push creates it.")
            }
            _ => format!("{}{}.", count(*channels_total, "channel"), shown(channels.len(), *channels_total)),
        });
        lines.extend(channels.iter().map(|entry| {
            let ChannelEntry { name, events, rate, stream_clients, last_timestamp, .. } = entry;
            format!(
                "- channel `{name}`: {stream_clients} live, {events} pushed, {rate}/s, last {last_timestamp}"
            )
        }));
    }
    if let Some(Clients { clients, clients_total }) = &found.clients {
        sentences.push(match clients_total {
            0 => format!("No live subscribers{place}; what you push can still be read later."),
            _ => format!(
                "{}{place}{}.",
                count(*clients_total, "live subscriber"),
                shown(clients.len(), *clients_total)
            ),
        });
        lines.extend(clients.iter().map(describe_client));
    }
    if let Some(Webhooks { webhooks, webhooks_total }) = &found.webhooks {
        sentences.push(match (webhooks_total, channel) {
            (0, None) => "No webhook is registered.".to_owned(),
            (0, Some(_)) => format!("No webhook receives events{place}."),
            _ => format!(
                "{}{place}{}.",
                count(*webhooks_total, "webhook"),
                shown(webhooks.len(), *webhooks_total)
            ),
        });
        lines.extend(webhooks.iter().map(|row| format!("- {}", row.to_text())));
    }
    if let Some(next) = &found.next_cursor {
        sentences.push(format!("For more, call again with \"cursor\": \"{next}\"."));
    }
    sentences.push("`push_stream` reaches live subscribers; `push_webhook` reaches webhooks too.".to_owned());
    let rows = lines.iter().fold(String::new(), |rows, line| rows + "\n" + line);
    (sentences.join(" "), rows)
}

fn describe_client(client: &ClientEntry) -> String {
    let patterns: Vec<String> = client.channels.iter().map(|pattern| format!("`{pattern}`")).collect();
    let name = match &client.reader {
        Some(reader) => format!(" as reader `{}`", neutral(reader.as_str())),
        None => String::new(),
    };
    format!(
        "- client {} ({}{name}): {}, {}, {} behind",
        client.id,
        client.transport,
        patterns.join(", "),
        client.state,
        client.lag
    )
}

/// Returns a note if not all entries are shown.
fn shown(shown: usize, total: usize) -> String {
    if shown < total {
        format!(" ({shown} shown; a `limit` of up to {LIMIT_MAX} shows more)")
    } else {
        String::new()
    }
}
