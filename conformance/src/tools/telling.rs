//! Tools that send messages before they answer, or to others: log messages, progress, changes.

use std::time::Duration;

use fanfare_mcp::listen::{Change, LogLevel};
use fanfare_mcp::tools::{Answer, Tool};
use fanfare_server::mcp::call::Call;
use fanfare_server::mcp::outbox::ClientGone;

use crate::resources::WATCHED;
use crate::suite::Suite;
use crate::tools::{text, tool};

const LOGGING: &str = "test_tool_with_logging";
const LOGGING_MODERN: &str = "test_logging_tool";
const PROGRESS: &str = "test_tool_with_progress";
const RECONNECTION: &str = "test_reconnection";
const TOOL_CHANGE: &str = "test_trigger_tool_change";
const PROMPT_CHANGE: &str = "test_trigger_prompt_change";
const RESOURCE_CHANGE: &str = "test_trigger_resource_change";

/// The pause that the suite asks for between two notifications.
const PAUSE: Duration = Duration::from_millis(50);

/// Lists them.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        tool(LOGGING, "Log", "Sends three log messages, then answers"),
        tool(
            LOGGING_MODERN,
            "Log when asked to",
            "Sends log messages to whoever asked for them, then answers",
        ),
        tool(PROGRESS, "Progress", "Reports progress, then answers"),
        tool(RECONNECTION, "Reconnection", "Ends the connection and answers on the next one"),
        tool(TOOL_CHANGE, "Change the tools", "Tells that the list of tools has changed"),
        tool(PROMPT_CHANGE, "Change the prompts", "Tells that the list of prompts has changed"),
        tool(RESOURCE_CHANGE, "Change a resource", "Tells that the watched resource has changed"),
    ]
}

/// Calls one of them.
pub(super) async fn call(suite: &Suite, call: &Call, name: &str) -> Option<Answer> {
    let told = match name {
        LOGGING | LOGGING_MODERN => log(call).await,
        PROGRESS => progress(call).await,
        RECONNECTION => {
            // The answer comes at once: it must wait for the client, who is not there.
            call.hang_up();
            Ok("This was answered after the connection had ended.")
        }
        TOOL_CHANGE => changed(suite, Change::Tools),
        PROMPT_CHANGE => changed(suite, Change::Prompts),
        RESOURCE_CHANGE => changed(suite, Change::Resource(WATCHED.to_owned())),
        _ => return None,
    };
    Some(match told {
        Ok(said) => text(said),
        // There may be no subscribers.
        Err(ClientGone) => Answer::error("the client is gone"),
    })
}

async fn log(call: &Call) -> Result<&'static str, ClientGone> {
    for (at, said) in
        ["Tool execution started", "Tool processing data", "Tool execution completed"].into_iter().enumerate()
    {
        if at > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        call.log(LogLevel::Info, "conformance", said.into()).await?;
    }
    Ok("Three log messages were sent to whoever asked for them.")
}

async fn progress(call: &Call) -> Result<&'static str, ClientGone> {
    for percent in [0.0, 50.0, 100.0] {
        if percent > 0.0 {
            tokio::time::sleep(PAUSE).await;
        }
        call.progress(percent, Some(100.0), "on the way").await?;
    }
    Ok("Progress was reported to whoever asked for it.")
}

fn changed(suite: &Suite, change: Change) -> Result<&'static str, ClientGone> {
    suite.changes.tell(change);
    Ok("Whoever listens for it was told.")
}
