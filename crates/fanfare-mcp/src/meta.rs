//! `_meta`: what a modern request says about itself, and what tells the eras apart (2026-07-28, "Request metadata").

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::json_rpc::Id;
use crate::listen::LogLevel;
use crate::params::Params;
use crate::version::Version;

/// The key of the revision.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The key of what the client can do.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The key of what the server calls itself, in results.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// The key of the request that a notification belongs to.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// What the parameters say about the request.
#[derive(Debug, Clone)]
pub enum Declaration {
    /// Nothing that makes it modern.
    Legacy(Meta),
    /// Everything a modern request must say. The revision is as it was written: it may be one that is not served.
    Modern {
        /// The revision.
        version: Box<str>,
        /// The rest.
        meta: Meta,
    },
}

/// What either era may say.
#[derive(Debug, Clone, Default)]
pub struct Meta {
    /// What the client can do: an object; legacy clients say it once, in `initialize`.
    pub capabilities: Option<Box<RawValue>>,
    /// From which level on to send log messages; modern only.
    pub log_level: Option<LogLevel>,
    /// What progress is reported under.
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
    /// Reads what `params` declare. One modern key makes a request modern, and then both must be right.
    pub fn read(params: &Params) -> Result<Declaration, Error> {
        let Some(raw) = params.member("_meta")? else { return Ok(Declaration::Legacy(Meta::default())) };
        // Serde would take an array for an object, its members in their order.
        if !raw.get().starts_with('{') {
            return Err(Error::invalid_params("`_meta` is no object"));
        }
        let members: Members = serde_json::from_str(raw.get())
            .map_err(|error| Error::invalid_params(format!("`_meta` does not fit: {error}")))?;
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
                "`_meta[\"{PROTOCOL_VERSION}\"]` is missing or no text"
            )));
        };
        let capabilities = members.capabilities.filter(|object| object.get().starts_with('{'));
        let Some(capabilities) = capabilities else {
            return Err(Error::invalid_params(format!(
                "`_meta[\"{CLIENT_CAPABILITIES}\"]` is missing or no object"
            )));
        };
        let log_level = members.log_level.map(|level| LogLevel::read(level.get())).transpose()?;
        let capabilities = Some(capabilities.to_owned());
        Ok(Declaration::Modern { version, meta: Meta { capabilities, log_level, progress_token } })
    }

    /// Returns the revision of a modern request, when it is served.
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
