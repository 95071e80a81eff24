//! `pause_webhook` and `resume_webhook`: whether a webhook is sent to.

use std::sync::LazyLock;

use fanfare_core::Principal;
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use serde_json::{Value, json};

use crate::mcp::gateway::answer::said;
use crate::mcp::gateway::webhooks::one::{EXAMPLE, INPUT};
use crate::mcp::gateway::webhooks::refused;
use crate::mcp::gateway::webhooks::row::Row;
use crate::mcp::gateway::{Gateway, ToolEntry};
use crate::mcp::toolset::Toolset;

/// The name of the tool that stops deliveries.
pub(in crate::mcp::gateway) const PAUSE: &str = "pause_webhook";
/// The name of the tool that lets them go on.
pub(in crate::mcp::gateway) const RESUME: &str = "resume_webhook";

static OUTPUT: LazyLock<Value> = LazyLock::new(|| Row::schema_with(json!({}), &[]));

const ANNOTATIONS: Annotations = Annotations {
    read_only_hint: false,
    destructive_hint: false,
    idempotent_hint: true,
    open_world_hint: false,
};

/// Describes `pause_webhook`.
pub(in crate::mcp::gateway) fn pause() -> ToolEntry {
    let tool = Tool {
        name: PAUSE,
        title: "Pause a webhook",
        description: "Send nothing to one webhook until it is resumed. Use when its receiver is to be left alone for a \
                      while, because it is being mended or fails at everything. Not for good: that is \
                      `delete_webhook`. What is pushed meanwhile waits in the log, as long as the log keeps it. \
                      Example: {\"webhook\": \"wh_k3f9x2ab5cdefghi\"}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: ANNOTATIONS,
    };
    ToolEntry { tool, toolset: Toolset::All }
}

/// Describes `resume_webhook`.
pub(in crate::mcp::gateway) fn resume() -> ToolEntry {
    let tool = Tool {
        name: RESUME,
        title: "Resume a webhook",
        description: "Send to one webhook again, from where it stopped and as if it had not failed before. Use when it \
                      was paused, by hand or because it failed for days, and its receiver is back. Not for events that \
                      were given up: those `replay_webhook` sends again. Everything that waited goes out now, which may \
                      be much. Example: {\"webhook\": \"wh_k3f9x2ab5cdefghi\"}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: Annotations { open_world_hint: true, ..ANNOTATIONS },
    };
    ToolEntry { tool, toolset: Toolset::All }
}

impl Gateway {
    /// Pauses a webhook; the error is for the model.
    pub(in crate::mcp::gateway) async fn pause_webhook(
        &self,
        by: &Principal,
        given: &str,
    ) -> Result<Outcome, String> {
        let webhook = self.one_webhook(by, given)?;
        let paused = self.webhooks.pause(by, &webhook.id).await;
        let row = Row::of(&paused.map_err(|problem| refused(problem, EXAMPLE))?, &self.hub);
        let text = format!(
            "Nothing is sent to {} until `resume_webhook`; what is pushed meanwhile waits in the log.\n- {}",
            row.name(),
            row.to_text()
        );
        Ok(said(text, &row))
    }

    /// Resumes a webhook; the error is for the model.
    pub(in crate::mcp::gateway) async fn resume_webhook(
        &self,
        by: &Principal,
        given: &str,
    ) -> Result<Outcome, String> {
        let webhook = self.one_webhook(by, given)?;
        let resumed = self.webhooks.resume(by, &webhook.id).await;
        let row = Row::of(&resumed.map_err(|problem| refused(problem, EXAMPLE))?, &self.hub);
        let text = format!(
            "{} is sent to again, from where it stopped. `list_deliveries` shows in a moment how it fares.\n- {}",
            row.name(),
            row.to_text()
        );
        Ok(said(text, &row))
    }
}
