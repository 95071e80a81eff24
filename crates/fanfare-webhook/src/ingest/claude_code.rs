//! `claude-code`: a hook of Claude Code becomes `agent.stop`, `agent.notification`, `agent.permission_request`, …
//!
//! Each release adds hooks: one that is not known here gets its name as a sentence.

use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::words::{about, first, line, spaced, text, with};
use crate::ingest::{Incoming, event_type};
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;
use fanfare_core::priority::Priority;

pub(super) fn read(incoming: Incoming<'_>) -> Result<NewEvent, Invalid> {
    let Document { value, data } = incoming.object()?;
    let hook = text(&value, "/hook_event_name").ok_or_else(|| {
        Invalid::new(
            Code::InvalidJson,
            "the body has no `hook_event_name`",
            "send the JSON that a Claude Code hook receives on stdin, or use a hook of type `http`",
        )
        .at("/hook_event_name")
    })?;
    let name = snake_case(hook);
    // The working directory tells concurrent sessions apart.
    let project =
        text(&value, "/cwd").and_then(|path| path.rsplit(['/', '\\']).find(|part| !part.is_empty()));
    let message = about(project, &what(hook, &name, &value));
    let mut event = NewEvent::new(message, incoming.source.clone())?;
    event.data = Some(data);
    event.event_type = event_type("agent.", &name);
    event.priority = priority(hook);
    event.key = text(&value, "/session_id").and_then(|session| session.parse().ok());
    Ok(event)
}

/// Returns what happened, in words.
fn what(hook: &str, name: &str, value: &Value) -> String {
    let at = |pointer: &str| text(value, pointer);
    match hook {
        "Notification" => line(first(value, &["/message", "/title"]).unwrap_or("needs attention")),
        "Stop" => with("finished", at("/last_assistant_message")),
        "StopFailure" => with("stopped with an error", first(value, &["/error_details", "/error"])),
        "SubagentStart" => with("subagent started", at("/agent_type")),
        "SubagentStop" => {
            let agent = at("/agent_type").map(|agent| format!(" {}", line(agent))).unwrap_or_default();
            with(&format!("subagent{agent} finished"), at("/last_assistant_message"))
        }
        "PermissionRequest" => format!("asks permission to use {}", call(value)),
        "PermissionDenied" => with(&format!("was denied {}", call(value)), at("/reason")),
        "PreToolUse" => format!("is using {}", call(value)),
        "PostToolUse" => format!("used {}", call(value)),
        "PostToolUseFailure" => with(&format!("failed with {}", call(value)), at("/error")),
        "UserPromptSubmit" => with("received a prompt", at("/prompt")),
        "SessionStart" => with("session started", at("/source")),
        "SessionEnd" => with("session ended", at("/reason")),
        "PreCompact" => with("is compacting its context", at("/trigger")),
        "PostCompact" => with("compacted its context", at("/trigger")),
        "TaskCreated" => with("task created", at("/task_subject")),
        "TaskCompleted" => with("task completed", at("/task_subject")),
        "TeammateIdle" => with("teammate is idle", at("/teammate_name")),
        "Elicitation" => with("an MCP server asks for input", at("/message")),
        _ => spaced(name),
    }
}

/// Returns the tool, and the part of its input that tells one call from the next.
fn call(value: &Value) -> String {
    const TELLING: &[&str] = &[
        "/tool_input/command",
        "/tool_input/file_path",
        "/tool_input/notebook_path",
        "/tool_input/pattern",
        "/tool_input/url",
        "/tool_input/query",
        "/tool_input/description",
        "/tool_input/prompt",
    ];
    with(&line(text(value, "/tool_name").unwrap_or("a tool")), first(value, TELLING))
}

/// Returns a high priority if a person is being waited for or something went wrong; low for the many steps of the work
/// itself.
fn priority(hook: &str) -> Priority {
    match hook {
        "Elicitation" | "Notification" | "PermissionRequest" | "StopFailure" => Priority::High,
        "PostToolBatch" | "PostToolUse" | "PreToolUse" => Priority::Low,
        _ => Priority::Default,
    }
}

/// Converts `PreToolUse` to `pre_tool_use`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
