//! The caller, its address and its era: decided once for each message.

use std::sync::Arc;

use fanfare_mcp::{Declaration, Error, Meta, Request, Version};

use crate::mcp::client::Client;
use crate::mcp::session::Session;
use fanfare_hub::client::{NewClient, Transport};

/// A caller and its protocol revision.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The identity and address of the caller.
    pub client: Client,
    /// The protocol revision; it decides the era.
    pub version: Version,
    /// Between messages: of a legacy connection, and of one that carries messages both ways.
    pub session: Option<Arc<Session>>,
}

impl Caller {
    /// Returns the caller as a subscriber to the log.
    pub fn subscriber(&self) -> NewClient {
        NewClient {
            transport: Transport::Mcp,
            address: self.client.address,
            agent: self.client.agent.clone(),
            reader: None,
            session: self.session.as_ref().and_then(|session| session.number()),
        }
    }
}

/// The revision in which a request is answered, and the metadata of the request.
#[derive(Debug)]
pub struct Terms {
    /// The revision.
    pub version: Version,
    /// The request's metadata; a legacy client's capabilities are in its session.
    pub meta: Meta,
}

/// Decides the era of a request on a connection without headers: modern if the request says so, otherwise the revision
/// that the session agreed on, otherwise the newest legacy one.
pub fn terms(request: &Request, session: &Session) -> Result<Terms, Error> {
    match Declaration::read(&request.params)? {
        Declaration::Legacy(meta) => {
            let version = session.version().unwrap_or(Version::NEWEST_LEGACY);
            Ok(Terms { version, meta })
        }
        Declaration::Modern { version, meta } => Ok(Terms { version: Declaration::served(&version)?, meta }),
    }
}
