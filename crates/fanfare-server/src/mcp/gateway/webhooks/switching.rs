//! `pause_webhook` and `resume_webhook`: stop and restart deliveries.

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
use fanfare_delivery::changing::Expected;
use fanfare_hub::lag::LagPages;

/// The name of the tool that stops deliveries.
pub(in crate::mcp::gateway) const PAUSE: &str = "pause_webhook";
/// The name of the tool that resumes a webhook.
pub(in crate::mcp::gateway) const RESUME: &str = "resume_webhook";

static OUTPUT: LazyLock<Value> = LazyLock::new(|| Row::schema_with(json!({})));

const ANNOTATIONS: Annotations = Annotations {
    read_only_hint: false,
    destructive_hint: false,
    idempotent_hint: true,
    open_world_hint: false,
};

/// Describes `pause_webhook`.
pub(in crate::mcp::gateway) fn pause() -> ToolEntry {
    let tool = Tool {
        name: PAUSE.into(),
        title: "Pause a webhook".into(),
        description:
            "Stop sending to one webhook until it is resumed. Use when its receiver should be left alone for \
                      a while: it is under repair, or fails at everything. Not for permanent removal; use \
                      `delete_webhook`. New events wait in the log for as long as it keeps them. Example: \
                      {\"webhook_id\": \"wh_k3f9x2ab5cdefghi\"}"
                .into(),
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: ANNOTATIONS,
    };
    ToolEntry { tool, toolset: Toolset::All }
}

/// Describes `resume_webhook`.
pub(in crate::mcp::gateway) fn resume() -> ToolEntry {
    let tool = Tool {
        name: RESUME.into(),
        title: "Resume a webhook".into(),
        description: "Resume one webhook from where it stopped, with its failure count reset. Use when it was paused, \
                      by hand or after failing for days, and its receiver is back. Not for deliveries that were given \
                      up; use `replay_webhook`. Everything that waited is sent now, which may be a lot. Example: \
                      {\"webhook_id\": \"wh_k3f9x2ab5cdefghi\"}".into(),
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
        let paused = self.webhooks.pause(by, &webhook.id, &Expected::Any).await;
        let entry = paused.map_err(|problem| refused(problem, EXAMPLE))?;
        let row = Row::of(&entry, &self.hub, by, &mut LagPages::of_one()).await;
        let text = format!(
            "Nothing is sent to {} until you call `resume_webhook`; new events wait in the log.\n- {}",
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
        let resumed = self.webhooks.resume(by, &webhook.id, &Expected::Any).await;
        let entry = resumed.map_err(|problem| refused(problem, EXAMPLE))?;
        let row = Row::of(&entry, &self.hub, by, &mut LagPages::of_one()).await;
        let text = format!(
            "{} is active again and continues where it stopped. Check `list_deliveries` in a moment to see how it is doing.\n- {}",
            row.name(),
            row.to_text()
        );
        Ok(said(text, &row))
    }
}
