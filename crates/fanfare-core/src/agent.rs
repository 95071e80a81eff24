//! Agents: the name that a caller gives itself.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::limits::AGENT_LEN_MAX;

/// The name that a caller gives itself, such as a `User-Agent`. Anyone can claim any name: it is for people to read,
/// and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Agent(
    /// 1–128 bytes without control characters.
    Arc<str>,
);

impl Agent {
    /// Creates an agent from the first 128 bytes of a claim, without control characters; `None` if nothing is left.
    pub fn claimed(text: &str) -> Option<Agent> {
        let mut kept = String::new();
        for c in text.trim().chars().filter(|c| !c.is_control()) {
            if kept.len() + c.len_utf8() > AGENT_LEN_MAX {
                break;
            }
            kept.push(c);
        }
        (!kept.is_empty()).then(|| Agent(kept.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Agent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Agent;
    use crate::limits::AGENT_LEN_MAX;

    #[test]
    fn what_is_kept_of_a_claim_is_short_and_printable() {
        let kept = |text: &str| Agent::claimed(text).map(|agent| agent.to_string());
        assert_eq!(kept(" curl/8.5.0\n").as_deref(), Some("curl/8.5.0"));
        assert_eq!(kept("a\u{1b}[31mb\r\nc").as_deref(), Some("a[31mbc"));
        assert_eq!((kept(""), kept(" \t\u{0} ")), (None, None));
        let long = kept(&"ü".repeat(AGENT_LEN_MAX)).expect("some of it");
        assert_eq!(long, "ü".repeat(AGENT_LEN_MAX / 2));
        assert_eq!(kept(&long), Some(long.clone()), "what was kept is kept as it is");
    }
}
