//! The scenario's questions in rmcp's words.

use anyhow::{Context, Result, bail, ensure};
use futures_util::{FutureExt, StreamExt};
use rmcp::ClientHandler;
use rmcp::handler::client::progress::ProgressDispatcher;
use rmcp::model::{
    CallToolRequest, ClientRequest, ErrorData, ProgressNotificationParam, ResourceUpdatedNotificationParam,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RoleClient, ServiceError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::connect::Service;
use crate::subscribed::Subscribed;

/// More than any step is told of.
const UPDATES_MAX: usize = 16;

pub struct Client {
    service: Service,
    /// What legacy subscriptions tell.
    updates: mpsc::Receiver<String>,
}

/// What a question has come to, as it was on the wire: the result, or the server's refusal.
pub type Answer = Result<Value, ErrorData>;

pub struct Handler {
    progress: ProgressDispatcher,
    updates: mpsc::Sender<String>,
}

impl Handler {
    pub fn new() -> (Self, mpsc::Receiver<String>) {
        let (updates, told) = mpsc::channel(UPDATES_MAX);
        (Self { progress: ProgressDispatcher::new(), updates }, told)
    }
}

impl ClientHandler for Handler {
    async fn on_progress(&self, told: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.progress.handle_notification(told).await;
    }

    async fn on_resource_updated(
        &self,
        told: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        // Nobody listens any more once the run has ended.
        self.updates.send(told.uri).await.ok();
    }
}

impl Client {
    pub fn new(service: Service, updates: mpsc::Receiver<String>) -> Self {
        Self { service, updates }
    }

    pub fn server(&self) -> Result<Value> {
        let about = self.service.peer_info().context("the server has not said who it is")?;
        let info = about.server_info.as_ref().context("the server has no name")?;
        let instructions = about.instructions.as_deref();
        Ok(
            json!({ "name": info.name, "version": info.version, "instructions": instructions, "revision": about.protocol_version }),
        )
    }

    pub async fn ask(&self, method: &str, params: Value) -> Result<Answer> {
        let rmcp = &self.service;
        match method {
            "tools/list" => answer(rmcp.list_tools(None).await),
            "tools/call" => answer(rmcp.call_tool(read(params)?).await),
            "resources/list" => answer(rmcp.list_resources(None).await),
            "resources/templates/list" => answer(rmcp.list_resource_templates(None).await),
            "resources/read" => answer(rmcp.read_resource(read(params)?).await),
            "prompts/list" => answer(rmcp.list_prompts(None).await),
            "prompts/get" => answer(rmcp.get_prompt(read(params)?).await),
            "completion/complete" => answer(rmcp.complete(read(params)?).await),
            _ => bail!("scenario.json asks for the unknown method `{method}`"),
        }
    }

    /// Gives what was told while it waited, too. Only requests that are sent by hand give out their progress token.
    pub async fn ask_with_progress(&self, method: &str, params: Value) -> Result<(Answer, Vec<Value>)> {
        ensure!(method == "tools/call", "only tools tell their progress, not `{method}`");
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(read(params)?));
        let asked = self.service.send_cancellable_request(request, PeerRequestOptions::no_options()).await?;
        let mut progress = self.service.service().progress.subscribe(asked.progress_token.clone()).await;
        let answer = answer(asked.await_response().await)?;
        let mut told = Vec::new();
        while let Some(Some(each)) = progress.next().now_or_never() {
            told.push(serde_json::to_value(each)?);
        }
        Ok((answer, told))
    }

    pub async fn subscribe(&mut self, uri: &str) -> Result<Subscribed<'_>> {
        Subscribed::begin(&self.service, &mut self.updates, uri).await
    }

    pub async fn close(mut self) -> Result<()> {
        self.service.close().await?;
        Ok(())
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T> {
    serde_json::from_value(params).context("rmcp has other members for these params")
}

fn answer<T: Serialize>(answer: Result<T, ServiceError>) -> Result<Answer> {
    match answer {
        Ok(result) => Ok(Ok(serde_json::to_value(result)?)),
        Err(ServiceError::McpError(refused)) => Ok(Err(refused)),
        Err(problem) => Err(problem.into()),
    }
}
