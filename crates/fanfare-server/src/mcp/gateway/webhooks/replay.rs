//! `replay_webhook`: replays deliveries, or only counts them.

use std::sync::LazyLock;

use fanfare_core::limits::FILTER_TERMS_MAX;
use fanfare_core::members::Members;
use fanfare_core::{Invalid, Position, Principal, WebhookId};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{integer, output, said, text, truth};
use crate::mcp::gateway::webhooks::{id, refused};
use crate::mcp::gateway::{Gateway, ToolEntry, arguments, filter};
use crate::mcp::toolset::Toolset;
use fanfare_delivery::selecting::{IDS_MAX, Words};

/// The name of the tool.
pub(in crate::mcp::gateway) const NAME: &str = "replay_webhook";

const EXAMPLE: &str = r#"{"webhook_id": "wh_k3f9x2ab5cdefghi", "state": "failed", "dry_run": true}"#;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "webhook_id": id(),
            "state": { "type": "string", "enum": ["failed"], "description": "Only deliveries in this state" },
            "event_ids": {
                "type": "array",
                "items": { "type": "string" },
                "maxItems": IDS_MAX,
                "description": "Only the deliveries of these events; cannot be combined with other selectors",
            },
            "since": arguments::time("Only events since then: `10m`, or RFC 3339"),
            "until": arguments::time("Only events before then: `10m`, or RFC 3339"),
            "channels": filter::channels(),
            "after": { "type": "string", "description": "Only events after this one" },
            "cursor": {
                "type": "string",
                "description": "The `next_cursor` of the call before; keep all other arguments the same",
            },
            "dry_run": {
                "type": "boolean",
                "description": "True only counts, false sends",
            },
        },
        "required": ["webhook_id", "dry_run"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let properties = json!({
        "webhook_id": text(),
        "count": integer(),
        "waiting": integer(),
        "dry_run": truth(),
        "next_cursor": text(),
    });
    output(properties)
});

/// Describes the tool.
pub(in crate::mcp::gateway) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME.into(),
        title: "Replay events to a webhook".into(),
        description: "Resend many events to one webhook: failed deliveries, or part of the log. Use when a \
                      receiver is back after a long outage, or lost what it got. Not for one event whose response you \
                      want to see; use `resend_delivery`. Count first, with \"dry_run\": true, and tell the user the \
                      count first, because the receiver may act on each event twice. At most 10,000 deliveries per \
                      call. Example: {\"webhook_id\": \"wh_k3f9x2ab5cdefghi\", \"state\": \"failed\", \"dry_run\": true}".into(),
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: Annotations {
            read_only_hint: false,
            destructive_hint: false,
            idempotent_hint: false,
            open_world_hint: true,
        },
    };
    ToolEntry { tool, toolset: Toolset::All }
}

struct Arguments {
    webhook_id: Option<String>,
    words: Words,
    dry_run: Option<bool>,
}

impl Arguments {
    fn take(members: &mut Members<'_>) -> Result<Arguments, Invalid> {
        Ok(Arguments {
            webhook_id: members.text("webhook_id")?.flatten(),
            words: Words {
                event_ids: members.texts("event_ids")?.flatten(),
                state: members.text("state")?.flatten(),
                since: members.time("since", str::parse)?.flatten(),
                until: members.time("until", str::parse)?.flatten(),
                channels: members.list("channels", FILTER_TERMS_MAX)?.flatten().unwrap_or_default(),
                after: members.text("after")?.flatten(),
                cursor: members.text("cursor")?.flatten(),
            },
            dry_run: members.truth("dry_run")?.flatten(),
        })
    }
}

#[derive(Serialize)]
struct StructuredContent {
    webhook_id: WebhookId,
    count: usize,
    waiting: usize,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<Position>,
}

impl Gateway {
    /// Replays deliveries; the error is for the model.
    pub(in crate::mcp::gateway) async fn replay_webhook(
        &self,
        by: &Principal,
        given: &str,
    ) -> Result<Outcome, String> {
        let Arguments { webhook_id, words, dry_run } = arguments::take(given, EXAMPLE, Arguments::take)?;
        let webhook_id = arguments::needed("webhook_id", webhook_id, EXAMPLE)?;
        let dry_run = arguments::needed("dry_run", dry_run, EXAMPLE)?;
        let id = self.webhook(by, &webhook_id, EXAMPLE)?.webhook().id.clone();
        let selection = self.webhooks.select(by, &id, words).await;
        let selection = selection.map_err(|unselected| refused(unselected, EXAMPLE))?;
        let replayed = self.webhooks.replay(by, &id, selection, dry_run).await;
        let replayed = replayed.map_err(|problem| refused(problem, EXAMPLE))?;
        let structured = StructuredContent {
            webhook_id: id,
            count: replayed.count,
            waiting: replayed.waiting,
            dry_run,
            next_cursor: replayed.next,
        };
        Ok(said(describe(&structured), &structured))
    }
}

fn describe(replayed: &StructuredContent) -> String {
    let deliveries = match replayed.count {
        1 => "1 delivery".to_owned(),
        count => format!("{count} deliveries"),
    };
    let mut text = match (replayed.dry_run, replayed.count) {
        (_, 0) => "No deliveries match; there is nothing to resend.".to_owned(),
        (true, _) => {
            format!(
                "This would resend {deliveries}; nothing was sent. Call again with \"dry_run\": false to send them."
            )
        }
        (false, _) => {
            format!(
                "Resending {deliveries}, as fast as the webhook accepts them. `list_deliveries` shows what fails."
            )
        }
    };
    if replayed.waiting > 0 {
        text.push_str(&format!(
            " {} of them were already waiting and are only sent sooner.",
            replayed.waiting
        ));
    }
    if let Some(next) = replayed.next_cursor {
        text.push_str(&format!(
            " There are more: call again with \"cursor\": \"{next}\" and the same other arguments."
        ));
    }
    text
}
