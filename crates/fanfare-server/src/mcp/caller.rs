//! Who calls, from where, in which era: decided once for each message.

use std::sync::Arc;

use fanfare_mcp::{Declaration, Error, Meta, Request, Version};

use crate::mcp::client::Client;
use crate::mcp::session::Session;

/// Who calls, in which revision.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who, from where.
    pub client: Client,
    /// In which revision; it decides the era.
    pub version: Version,
    /// Between messages: of a legacy connection, and of one that carries messages both ways.
    pub session: Option<Arc<Session>>,
}

/// In which revision a request is answered, and what it says of itself.
#[derive(Debug)]
pub struct Terms {
    /// The revision.
    pub version: Version,
    /// The rest; a legacy client's capabilities are in its session.
    pub meta: Meta,
}

/// Decides the era of a request on a connection without headers: modern when it says so, otherwise what the session
/// agreed on, otherwise the newest legacy one.
pub fn terms(request: &Request, session: &Session) -> Result<Terms, Error> {
    match Declaration::read(&request.params)? {
        Declaration::Legacy(meta) => {
            let version = session.version().unwrap_or(Version::NEWEST_LEGACY);
            Ok(Terms { version, meta })
        }
        Declaration::Modern { version, meta } => Ok(Terms { version: Declaration::served(&version)?, meta }),
    }
}
