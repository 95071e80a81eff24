//! Answers every method of both eras, independent of the transport.

pub mod batch;
pub mod messages;
pub mod requests;
mod watch;

use std::sync::Arc;

use fanfare_mcp::lifecycle::Initialize;
use fanfare_mcp::listen::LogLevel;
use fanfare_mcp::outcome::{Cache, Scope};
use fanfare_mcp::resources::{PageRequest, ResourceRequest};
use fanfare_mcp::tools::Call as ToolCall;
use fanfare_mcp::{Era, Error, Method, Outcome, Request, prompts};
use serde::Deserialize;
use serde_json::json;

use crate::mcp::call::Call;
use crate::mcp::caller::Caller;
use crate::mcp::service::Service;
use crate::mcp::session::Session;
use fanfare_runtime::shutdown::Shutdown;

/// Lists that change when another version is installed.
const STATIC_LIST: Cache = Cache { ttl_ms: 300_000, scope: Scope::Public };

/// Answers requests; cheap to clone.
#[derive(Debug, Clone)]
pub struct Server {
    service: Arc<dyn Service>,
    /// The name and version of the server, as JSON.
    server_info: Arc<str>,
    stop: Shutdown,
}

impl Server {
    /// Serves `service` until `stop`.
    pub fn new(service: Arc<dyn Service>, stop: Shutdown) -> Server {
        let server_info = service.identity().server_info().into();
        Server { service, server_info, stop }
    }

    /// Returns the signal that the server is stopping.
    pub fn stop(&self) -> Shutdown {
        self.stop.clone()
    }

    /// Returns the service.
    pub fn service(&self) -> &dyn Service {
        &*self.service
    }

    /// Answers a request: every method of both eras.
    pub async fn handle(&self, call: &Call, request: &Request) -> Result<Outcome, Error> {
        let (service, params) = (&*self.service, &request.params);
        match Method::find(&request.method, call.era())? {
            Method::Complete => {
                let values = service.complete(&call.caller, &params.read()?).await?;
                Ok(prompts::completed(&values))
            }
            Method::Discover => Ok(service.identity().discovered()),
            Method::Initialize => self.initialize(session(&call.caller)?, request),
            Method::Listen => self.listen(call, params.read()?).await,
            Method::Ping => Ok(Outcome::empty()),
            Method::PromptsGet => service.prompt(call, params.read()?).await,
            Method::PromptsList => {
                params.read::<PageRequest>()?.only_page()?;
                Ok(Outcome::complete(&json!({ "prompts": service.prompts() })).cached(STATIC_LIST))
            }
            Method::ResourcesList => {
                let paged: PageRequest = params.read()?;
                let (resources, next) = service.resources(&call.caller, paged.cursor.as_deref()).await?;
                let mut list = json!({ "resources": resources });
                if let Some(next) = next {
                    list["nextCursor"] = next.into();
                }
                Ok(Outcome::complete(&list).cached(Cache::NONE))
            }
            Method::ResourcesRead => Ok(service.read(call, params.read()?).await?.or_cached(Cache::NONE)),
            Method::ResourcesSubscribe => {
                let ResourceRequest { uri, .. } = params.read()?;
                self.subscribe(&call.caller, session(&call.caller)?, uri).await
            }
            Method::ResourcesTemplates => {
                params.read::<PageRequest>()?.only_page()?;
                let list = json!({ "resourceTemplates": service.templates() });
                Ok(Outcome::complete(&list).cached(STATIC_LIST))
            }
            Method::ResourcesUnsubscribe => {
                let ResourceRequest { uri, .. } = params.read()?;
                session(&call.caller)?.watching.remove(&uri).await;
                Ok(Outcome::empty())
            }
            Method::SetLevel => {
                let SetLevel { level } = params.read()?;
                if let Some(session) = &call.caller.session {
                    session.set_log_level(level);
                }
                Ok(Outcome::empty())
            }
            Method::ToolsCall => {
                let tool = ToolCall::read(params)?;
                if service.tools(call.caller.client.toolset).headers(&tool.name).is_none() {
                    return Err(Error::invalid_params(format!(
                        "unknown tool `{}`; `tools/list` lists them all",
                        tool.name.chars().take(80).collect::<String>()
                    )));
                }
                service.call(call, tool).await
            }
            Method::ToolsList => {
                params.read::<PageRequest>()?.only_page()?;
                Ok(service.tools(call.caller.client.toolset).outcome())
            }
        }
    }

    fn initialize(&self, session: &Session, request: &Request) -> Result<Outcome, Error> {
        let wanted: Initialize = request.params.read()?;
        let version = session.initialize(&wanted)?;
        Ok(self.service.identity().initialized(version))
    }

    /// Answers a request in the format of its era.
    pub async fn answer(&self, call: &Call, request: &Request) -> Result<Vec<u8>, Error> {
        let outcome = self.handle(call, request).await?;
        if outcome.asks_back() && call.era() == Era::Legacy {
            let problem = "this tool asks for input in a way that requires revision 2026-07-28";
            return Err(Error::invalid_request(problem));
        }
        Ok(self.write(&outcome, call))
    }

    /// Writes an outcome as the answer to `call`.
    pub fn write(&self, outcome: &Outcome, call: &Call) -> Vec<u8> {
        outcome.write(&call.id, call.era(), &self.server_info)
    }
}

#[derive(Deserialize)]
struct SetLevel {
    level: LogLevel,
}

fn session(caller: &Caller) -> Result<&Arc<Session>, Error> {
    let problem = "this requires a session; start one with `initialize` and send its `Mcp-Session-Id`";
    caller.session.as_ref().ok_or_else(|| Error::invalid_request(problem))
}
