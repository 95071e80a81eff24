//! The start of a conversation: `initialize` (legacy) and `server/discover` (modern).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::outcome::{Cache, Outcome, Scope};
use crate::version::Version;

/// The identity and capabilities of a server.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The name for programs.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The version of the software.
    pub version: String,
    /// The instructions that a model should read before it uses the server.
    pub instructions: String,
    /// The capabilities declared to legacy clients.
    pub legacy_capabilities: Value,
    /// The capabilities declared to modern clients.
    pub modern_capabilities: Value,
}

impl Identity {
    /// Returns name, title and version as JSON.
    pub fn server_info(&self) -> String {
        json!({ "name": self.name, "title": self.title, "version": self.version }).to_string()
    }

    /// Returns the response to `initialize`.
    pub fn initialized(&self, version: Version) -> Outcome {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct InitializeResult<'a> {
            protocol_version: &'static str,
            capabilities: &'a Value,
            server_info: Value,
            #[serde(skip_serializing_if = "str::is_empty")]
            instructions: &'a str,
        }
        let mut server_info = json!({ "name": self.name, "version": self.version });
        // `title` was added in 2025-06-18.
        if version >= Version::V2025_06_18 {
            server_info["title"] = Value::from(self.title.as_str());
        }
        Outcome::complete(&InitializeResult {
            protocol_version: version.as_str(),
            capabilities: &self.legacy_capabilities,
            server_info,
            instructions: &self.instructions,
        })
    }

    /// Returns the response to `server/discover`.
    pub fn discovered(&self) -> Outcome {
        /// The identity only changes when another version of the server is installed.
        const CACHE: Cache = Cache { ttl_ms: 3_600_000, scope: Scope::Public };
        let supported: Vec<_> = Version::ALL.iter().map(|version| version.as_str()).collect();
        Outcome::complete(&json!({
            "supportedVersions": supported,
            "capabilities": self.modern_capabilities,
            "instructions": self.instructions,
        }))
        .cached(CACHE)
    }
}

/// The parameters with which a legacy client starts.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Initialize {
    /// The revision that the client requests.
    pub protocol_version: String,
    /// The client's capabilities.
    #[serde(default)]
    pub capabilities: Option<Box<RawValue>>,
    /// What the client says of its software. Only people read it, so no form of it is an error.
    #[serde(default)]
    pub client_info: Option<Box<RawValue>>,
}

/// The name and version of a client's software.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Software {
    /// The name.
    pub name: Option<String>,
    /// The version.
    pub version: Option<String>,
}

impl Initialize {
    /// Returns the client's software, as far as the client names it.
    pub fn software(&self) -> Software {
        let info = self.client_info.as_ref().and_then(|info| serde_json::from_str::<Value>(info.get()).ok());
        let text = |name: &str| Some(info.as_ref()?.get(name)?.as_str()?.to_owned());
        Software { name: text("name"), version: text("version") }
    }
}
