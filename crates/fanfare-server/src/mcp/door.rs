//! What the transports over HTTP work with.

use fanfare_mcp::Error;

use crate::mcp::Server;
use crate::mcp::service::Toolset;
use crate::mcp::sessions::Sessions;
use crate::net::heartbeat::Beats;
use fanfare_runtime::budget::Budget;

/// What the transports over HTTP work with; cheap to clone.
#[derive(Debug, Clone)]
pub struct Door {
    /// Answers.
    pub server: Server,
    /// Remembers.
    pub sessions: Sessions,
    /// Counts what is being accepted.
    pub budget: Budget,
    /// Says when a silent stream needs a sign of life.
    pub beats: Beats,
    /// The widest set of tools that a caller may see.
    pub toolset: Toolset,
}

impl Door {
    /// Gives the set of tools that a query asks for: never a wider one than the operator allows. Other parameters
    /// belong to whoever put them into the address.
    pub(super) fn toolset(&self, query: &str) -> Result<Toolset, Error> {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let Some((_, name)) = pairs.find(|(key, _)| key == "toolset") else { return Ok(self.toolset) };
        let toolset = Toolset::from_name(&name).ok_or_else(|| {
            Error::invalid_params("`toolset` in the address is none of `essential`, `all`, `readonly`")
        })?;
        Ok(toolset.min(self.toolset))
    }
}
