//! Who calls, from where, in which era: decided once for each message.

use std::sync::Arc;

use fanfare_mcp::{Declared, Error, Meta, Request, Version};

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

/// What the message says of itself.
#[derive(Debug)]
pub struct Decided {
    /// The revision.
    pub version: Version,
    /// The rest; a legacy client's capabilities are in its session.
    pub meta: Meta,
}

/// Decides the era of a request on a connection without headers: modern when it says so, otherwise what the session
/// agreed on, otherwise the newest legacy one.
pub fn decide(request: &Request, session: &Session) -> Result<Decided, Error> {
    match Declared::read(&request.params)? {
        Declared::Legacy(meta) => {
            let version = session.version().unwrap_or(Version::NEWEST_LEGACY);
            Ok(Decided { version, meta })
        }
        Declared::Modern { version, meta } => Ok(Decided { version: Declared::served(&version)?, meta }),
    }
}
