//! How rmcp's client comes to the gateway: over which transport, and by which of its ways to begin.

use std::process::Stdio;

use anyhow::{Context, Result};
use rmcp::model::ProtocolVersion;
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientLifecycleMode, ClientServiceExt};
use tokio::process::ChildStderr;

use crate::client::Handler;
use crate::gateway;
use crate::plan::Era;

pub type Service = RunningService<RoleClient, Handler>;

pub async fn over_http(url: &str, era: Era, handler: Handler) -> Result<Service> {
    let transport = StreamableHttpClientTransport::from_uri(format!("{url}/mcp"));
    Ok(handler.serve_with_lifecycle(transport, lifecycle(era)).await?)
}

/// `fanfare mcp`, which attaches to the gateway at `url`.
pub async fn over_stdio(url: &str, era: Era, handler: Handler) -> Result<Service> {
    let mut command = gateway::program()?;
    command.arg("mcp").env("FANFARE_URL", url);
    let (transport, _) = TokioChildProcess::builder(command).stderr(Stdio::null()).spawn()?;
    Ok(handler.serve_with_lifecycle(transport, lifecycle(era)).await?)
}

/// `fanfare mcp` where no gateway is, so that it hosts one; and where that one listens.
pub async fn hosting(era: Era, handler: Handler) -> Result<(Service, String)> {
    let mut command = gateway::program()?;
    command.args(["mcp", "--store", "memory", "--listen", "127.0.0.1:0", "--toolset", "all"]);
    let (transport, stderr) = TokioChildProcess::builder(command).stderr(Stdio::piped()).spawn()?;
    let said = where_it_hosts(stderr.context("its standard error")?);
    let (service, url) = tokio::join!(handler.serve_with_lifecycle(transport, lifecycle(era)), said);
    Ok((service?, url?))
}

async fn where_it_hosts(stderr: ChildStderr) -> Result<String> {
    gateway::where_it_listens(stderr, r#"hosting the gateway at (http://[\d.]+:\d+)"#).await
}

/// `Initialize` is how rmcp begins when nothing is said, and then it asks for a revision that has no `initialize`.
fn lifecycle(era: Era) -> ClientLifecycleMode {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    match era {
        Era::Modern => ClientLifecycleMode::Discover { preferred_versions },
        Era::Auto => ClientLifecycleMode::Auto { preferred_versions, legacy_version: None },
        Era::Legacy => ClientLifecycleMode::Initialize,
    }
}
