//! `_meta`: the declarations of a modern request, which tell the eras apart (2026-07-28, "Request metadata").

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::json_rpc::Id;
use crate::listen::LogLevel;
use crate::params::Params;
use crate::version::Version;

/// The key of the revision.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The key of the client's capabilities.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The key of the server's identity, in results.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// The key of the request that a notification belongs to.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// The declarations in the parameters of a request.
#[derive(Debug, Clone)]
pub enum Declaration {
    /// No declaration that makes the request modern.
    Legacy(Meta),
    /// All declarations that a modern request must have. The revision is kept as it was written: it may not be
    /// supported.
    Modern {
        /// The revision.
        version: Box<str>,
        /// The other declarations.
        meta: Meta,
    },
}

/// The declarations that both eras can have.
#[derive(Debug, Clone, Default)]
pub struct Meta {
    /// The client's capabilities: an object; legacy clients declare them once, in `initialize`.
    pub capabilities: Option<Box<RawValue>>,
    /// The minimum level of log messages to send; modern only.
    pub log_level: Option<LogLevel>,
    /// The token under which progress is reported.
    pub progress_token: Option<Id>,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion", borrow)]
    version: Option<&'a RawValue>,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities", borrow)]
    capabilities: Option<&'a RawValue>,
    #[serde(rename = "io.modelcontextprotocol/logLevel", borrow)]
    log_level: Option<&'a RawValue>,
    #[serde(rename = "progressToken", borrow)]
    progress_token: Option<&'a RawValue>,
}

impl Declaration {
    /// Parses the declarations in `params`. A single modern key makes a request modern, and then both must be valid.
    pub fn read(params: &Params) -> Result<Declaration, Error> {
        let Some(raw) = params.member("_meta")? else { return Ok(Declaration::Legacy(Meta::default())) };
        // Serde would accept an array as an object, with its members in order.
        if !raw.get().starts_with('{') {
            return Err(Error::invalid_params("`_meta` is not an object"));
        }
        let members: Members = serde_json::from_str(raw.get())
            .map_err(|error| Error::invalid_params(format!("invalid `_meta`: {error}")))?;
        let progress_token = members.progress_token.map(|token| {
            let problem =
                "`_meta.progressToken` is neither a string of at most 1,024 bytes nor an integer of 64 bits";
            Id::read(token).ok_or_else(|| Error::invalid_params(problem))
        });
        let progress_token = progress_token.transpose()?;
        if members.version.is_none() && members.capabilities.is_none() {
            return Ok(Declaration::Legacy(Meta { progress_token, ..Meta::default() }));
        }
        let version: Option<Box<str>> =
            members.version.and_then(|version| serde_json::from_str(version.get()).ok());
        let Some(version) = version else {
            return Err(Error::invalid_params(format!(
                "`_meta[\"{PROTOCOL_VERSION}\"]` is missing or not a string"
            )));
        };
        let capabilities = members.capabilities.filter(|object| object.get().starts_with('{'));
        let Some(capabilities) = capabilities else {
            return Err(Error::invalid_params(format!(
                "`_meta[\"{CLIENT_CAPABILITIES}\"]` is missing or not an object"
            )));
        };
        let log_level = members.log_level.map(|level| LogLevel::read(level.get())).transpose()?;
        let capabilities = Some(capabilities.to_owned());
        Ok(Declaration::Modern { version, meta: Meta { capabilities, log_level, progress_token } })
    }

    /// Returns the revision of a modern request, if it is supported.
    pub fn served(version: &str) -> Result<Version, Error> {
        Version::from_name(version)
            .filter(|version| version.era() == crate::version::Era::Modern)
            .ok_or_else(|| Error::unsupported_version(version))
    }
}

impl Meta {
    /// Returns whether the client declared `capability`, a path such as `elicitation` or `elicitation.form`.
    pub fn can(&self, capability: &str) -> bool {
        let Some(raw) = &self.capabilities else { return false };
        let Ok(mut value) = serde_json::from_str::<&RawValue>(raw.get()) else { return false };
        for name in capability.split('.') {
            let members: Result<std::collections::HashMap<String, &RawValue>, _> =
                serde_json::from_str(value.get());
            match members.ok().and_then(|members| members.get(name).copied()) {
                Some(member) if member.get() != "null" && member.get() != "false" => value = member,
                _ => return false,
            }
        }
        true
    }
}
