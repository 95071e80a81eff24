//! Query parameters that are not ours: proxies, browsers and the senders of webhooks add their own to a URL (`_=`,
//! `bodySHA256=`, `utm_source=`). They are ignored, and each is logged once. A name that resembles one of
//! ours is a typo.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Maximum edits between a mistake and the parameter of the route that was meant; a swap of two letters is one.
pub const EDITS_MAX: usize = 2;

/// Maximum edits between a mistake and a parameter of another route. There are many, and with more edits, foreign names
/// such as `date` would resemble one.
const EDITS_ELSEWHERE_MAX: usize = 1;

/// Maximum names that are logged, each once. Callers choose the names, so there could be any number; these show an
/// operator what is ignored.
const LOGGED_MAX: usize = 256;

/// Maximum characters of a name that are logged, remembered or repeated in an error.
const SHOWN_LEN_MAX: usize = 60;

/// The record of the foreign parameters that were logged; cheap to clone.
#[derive(Debug, Clone)]
pub struct ForeignNames(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The names that some route reads.
    ours: HashSet<String>,
    /// At most [`LOGGED_MAX`].
    logged: Mutex<HashSet<String>>,
}

impl ForeignNames {
    /// Creates an empty record; `ours` are the names that some route reads.
    pub fn new(ours: HashSet<String>) -> ForeignNames {
        ForeignNames(Arc::new(Inner { ours, logged: Mutex::default() }))
    }

    /// Returns whether `name` is that of a parameter of some route, or a misspelling of one.
    pub fn is_ours(&self, name: &str) -> bool {
        meant(name, EDITS_ELSEWHERE_MAX, self.0.ours.iter().map(String::as_str)).is_some()
    }

    /// Logs that `name` is ignored, the first time.
    pub fn note(&self, name: &str) {
        let name = shown(name);
        let is_new = {
            let mut logged = self.0.logged.lock().unwrap_or_else(PoisonError::into_inner);
            logged.len() < LOGGED_MAX && logged.insert(name.clone())
        };
        if is_new {
            tracing::info!(parameter = %name, "ignored the unknown query parameter `{name}`");
        }
    }
}

/// Returns the one of `ours` that `name` is, or is a misspelling of. The case of letters and separators do not matter. A
/// name as short as the number of edits resembles everything, so it counts as foreign.
pub fn meant<'a>(name: &str, edits_max: usize, ours: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name of ours is that long; comparing takes the product of both lengths.
    if name.len() > SHOWN_LEN_MAX {
        return None;
    }
    let name = plain(name);
    let len = name.chars().count();
    let edits = ours.into_iter().map(|own| (strsim::osa_distance(&name, &plain(own)), own));
    let near = edits.filter(|(count, _)| *count <= edits_max && *count < len);
    near.min_by_key(|(count, _)| *count).map(|(_, own)| own)
}

/// Returns a name in lowercase and without separators: clients in other languages write `lastEventId`.
pub fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// Returns a name as it is shown: short, and without control characters.
pub fn shown(name: &str) -> String {
    name.chars().take(SHOWN_LEN_MAX).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::{EDITS_MAX, meant};

    #[test]
    fn a_misspelling_has_at_most_two_edits() {
        let ours = ["channel", "type", "min_priority", "last_event_id", "since", "text", "key"];
        for (name, wanted) in [
            ("chanel", Some("channel")),
            ("chnanel", Some("channel")),
            ("channels", Some("channel")),
            ("Channel", Some("channel")),
            ("CHANEL", Some("channel")),
            ("minPriority", Some("min_priority")),
            ("tpye", Some("type")),
            ("last_event", Some("last_event_id")),
            ("lastEvntId", Some("last_event_id")),
            ("sicne", Some("since")),
            // Foreign names.
            ("_", None),
            ("bodySHA256", None),
            ("user_id", None),
            ("user_key", None),
            ("utm_source", None),
            ("access_token", None),
            ("t", None),
            ("k", None),
            ("", None),
            (&"channel".repeat(100_000), None),
        ] {
            assert_eq!(meant(name, EDITS_MAX, ours), wanted, "{name:.60}");
        }
    }
}
