//! The tool `push_stream` on rmcp, over HTTP and stdio: what Fanfare's `tools/call` is compared with.
//!
//! It has what an author would write who wants rmcp fast: modern JSON answers, `TCP_NODELAY`, pipes without a thread
//! hand-off. Behind the tool are a log in memory and a broadcast to whoever listens, and less than Fanfare does:
//! no rules for names, no limits, no other doors.

use std::{io::Write, sync::Arc};

use anyhow::{Context, Result, bail};
use axum::serve::ListenerExt;
use rmcp::{
    ServiceExt,
    transport::{
        stdio, stdio_pipes,
        streamable_http_server::{
            StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
        },
    },
};

use gateway::Gateway;

mod gateway;
mod log;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let gateway = Gateway::new();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["http", listen] => serve_http(gateway, listen).await,
        ["stdio"] => {
            gateway.serve(stdio_pipes()).await?.waiting().await?;
            Ok(())
        }
        // What rmcp's documents show first: each read and write on a thread of the blocking pool.
        ["stdio-blocking"] => {
            gateway.serve(stdio()).await?.waiting().await?;
            Ok(())
        }
        _ => bail!("usage: rmcp-server http HOST:PORT | stdio | stdio-blocking"),
    }
}

async fn serve_http(gateway: Gateway, listen: &str) -> Result<()> {
    let service = StreamableHttpService::new(
        move || Ok(gateway.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default().with_json_response(true).enforce_origin_validation(),
    );
    let listener =
        tokio::net::TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    writeln!(std::io::stderr(), "listening on http://{}", listener.local_addr()?)?;
    let listener = listener.tap_io(|socket| {
        // A socket that is closed already has nothing to be sent without delay.
        let _ = socket.set_nodelay(true);
    });
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await?;
    Ok(())
}
