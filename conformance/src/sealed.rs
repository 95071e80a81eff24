//! State that a client carries for us between two rounds: sealed, so that it cannot be changed, used for another
//! request, by another caller, or late (2026-07-28, multi-round-trip requests, "Security").

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare_mcp::Error;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum time for a user to answer.
const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Maximum length of a state that is examined; ours are a few hundred bytes.
const SEALED_LEN_MAX: usize = 4096;

/// The key, which lives as long as the process.
#[derive(Debug)]
pub(crate) struct Seal(hmac::Key);

/// The sealed content.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    /// The tool that it is for.
    tool: String,
    /// The caller that it is for.
    principal: String,
    /// Until when, in seconds since 1970.
    until: u64,
    /// The state to remember.
    state: Value,
}

impl Seal {
    /// Draws a key.
    pub(crate) fn new() -> anyhow::Result<Seal> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new());
        key.map(Seal).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))
    }

    /// Seals `state` for a later round of the same tool and principal.
    pub(crate) fn close(&self, tool: &str, principal: &str, state: Value) -> String {
        self.close_at(now(), tool, principal, state)
    }

    fn close_at(&self, now: u64, tool: &str, principal: &str, state: Value) -> String {
        let until = now + LIFETIME.as_secs();
        let sealed = Sealed { tool: tool.to_owned(), principal: principal.to_owned(), until, state };
        let text = serde_json::to_vec(&sealed).expect("names and values are JSON");
        let tag = hmac::sign(&self.0, &text);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(tag))
    }

    /// Opens a state that [`Seal::close`] sealed; the error is the same for every defect.
    pub(crate) fn open(&self, tool: &str, principal: &str, text: &str) -> Result<Value, Error> {
        self.open_at(now(), tool, principal, text).ok_or_else(|| {
            Error::invalid_params("`requestState` is not what this server gave, or is too old; begin anew")
        })
    }

    fn open_at(&self, now: u64, tool: &str, principal: &str, text: &str) -> Option<Value> {
        let (text, tag) = text.split_once('.').filter(|_| text.len() <= SEALED_LEN_MAX)?;
        let (text, tag) = (URL_SAFE_NO_PAD.decode(text).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
        hmac::verify(&self.0, &text, &tag).ok()?;
        let sealed: Sealed = serde_json::from_slice(&text).ok()?;
        let is_for_this = sealed.tool == tool && sealed.principal == principal && now <= sealed.until;
        is_for_this.then_some(sealed.state)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LIFETIME, Seal};

    #[test]
    fn only_what_was_sealed_here_for_this_and_not_too_long_ago_is_opened() {
        let seal = Seal::new().unwrap();
        let text = seal.close_at(100, "tool", "me", json!({ "n": 1 }));
        let late = 100 + LIFETIME.as_secs();
        assert_eq!(seal.open_at(late, "tool", "me", &text), Some(json!({ "n": 1 })));
        assert_eq!(seal.open_at(late + 1, "tool", "me", &text), None, "too old");
        assert_eq!(seal.open_at(100, "other", "me", &text), None, "another tool");
        assert_eq!(seal.open_at(100, "tool", "you", &text), None, "somebody else");
        let elsewhere = Seal::new().unwrap();
        assert_eq!(elsewhere.open_at(100, "tool", "me", &text), None, "another key");
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(seal.open_at(100, "tool", "me", &changed), None, "changed at {at}");
        }
        assert_eq!(seal.open_at(100, "tool", "me", &format!("{text}-TAMPERED")), None);
    }
}
