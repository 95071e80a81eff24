//! Facts about a request that a transport needs before the request is answered.

use fanfare_mcp::{Declaration, Era, Error, Method, Request, Version, headers, tools};
use http::HeaderMap;

use crate::mcp::engine::Server;
use crate::mcp::pace::Pace;
use crate::mcp::toolset::Toolset;

/// Returns whether a request starts a session.
pub fn begins_session(request: &Request) -> bool {
    &*request.method == Method::Initialize.as_str()
}

/// Returns whether the answer to a request stays open until one side ends it, with messages before it.
pub fn is_subscription(request: &Request) -> bool {
    &*request.method == Method::Listen.as_str()
}

impl Server {
    /// Returns how long a request takes.
    pub fn pace(&self, request: &Request) -> Pace {
        match tools::called(request) {
            Some(tool) => self.service.pace(&tool),
            None if is_subscription(request) => Pace::Waiting,
            None => Pace::AtOnce,
        }
    }

    /// Returns whether the answer to a request waits for an event.
    pub fn waits(&self, request: &Request) -> bool {
        self.pace(request) == Pace::Waiting
    }

    /// Checks that the headers of a modern request match its body (2026-07-28, "Streamable HTTP"). Returns its
    /// revision, which the body calls `version`.
    pub fn check_headers(
        &self,
        sent: &HeaderMap,
        version: &str,
        request: &Request,
        toolset: Toolset,
    ) -> Result<Version, Error> {
        headers::check(sent, version, &request.method)?;
        let version = Declaration::served(version)?;
        let method = Method::find(&request.method, Era::Modern)?;
        headers::check_name(sent, &request.method, &request.params)?;
        let tools = self.service.tools(toolset);
        if method == Method::ToolsCall && tools.has_headers() {
            let call = tools::Call::read(&request.params)?;
            if let Some(wanted) = tools.headers(&call.name) {
                headers::check_params(sent, wanted, call.arguments())?;
            }
        }
        Ok(version)
    }
}
