//! Revisions of the protocol, and the two eras they fall into.

use std::fmt;

/// A revision of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 2024-11-05: stdio and HTTP+SSE.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches.
    V2025_03_26,
    /// 2025-06-18: structured results, no batches.
    V2025_06_18,
    /// 2025-11-25: the last one with sessions.
    V2025_11_25,
    /// 2026-07-28: no sessions; every request carries its `_meta`.
    V2026_07_28,
}

/// The era of a revision, which decides how a request is read and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// 2025-11-25 and earlier.
    Legacy,
    /// 2026-07-28 and later.
    Modern,
}

impl Version {
    /// All revisions, newest first.
    pub const ALL: [Version; 5] = [
        Version::V2026_07_28,
        Version::V2025_11_25,
        Version::V2025_06_18,
        Version::V2025_03_26,
        Version::V2024_11_05,
    ];
    /// The newest revision that `initialize` can lead to.
    pub const NEWEST_LEGACY: Version = Version::V2025_11_25;
    /// The revision of a request over HTTP without `MCP-Protocol-Version` (2025-11-25, transports, "Protocol Version
    /// Header").
    pub const UNSAID: Version = Version::V2025_03_26;

    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V2024_11_05 => "2024-11-05",
            Version::V2025_03_26 => "2025-03-26",
            Version::V2025_06_18 => "2025-06-18",
            Version::V2025_11_25 => "2025-11-25",
            Version::V2026_07_28 => "2026-07-28",
        }
    }

    /// Parses a name that [`Version::as_str`] returned.
    pub fn from_name(name: &str) -> Option<Version> {
        Version::ALL.into_iter().find(|version| version.as_str() == name)
    }

    /// Returns the era of the revision.
    pub fn era(self) -> Era {
        match self {
            Version::V2024_11_05 | Version::V2025_03_26 | Version::V2025_06_18 | Version::V2025_11_25 => {
                Era::Legacy
            }
            Version::V2026_07_28 => Era::Modern,
        }
    }

    /// Returns the revision for the response to `initialize`: the requested one if it has sessions and we support it,
    /// otherwise the newest with sessions (2025-11-25, lifecycle, "Version Negotiation").
    pub fn negotiate(requested: &str) -> Version {
        Version::from_name(requested)
            .filter(|version| version.era() == Era::Legacy)
            .unwrap_or(Version::NEWEST_LEGACY)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Era, Version};

    #[test]
    fn initialize_never_leads_to_a_modern_revision() {
        for version in Version::ALL {
            assert_eq!(Version::from_name(version.as_str()), Some(version));
            let negotiated = Version::negotiate(version.as_str());
            assert_eq!(negotiated.era(), Era::Legacy);
            assert_eq!(negotiated == version, version.era() == Era::Legacy);
        }
        assert_eq!(Version::negotiate("1999-01-01"), Version::NEWEST_LEGACY);
    }
}
