//! Detects whether a coding agent, not a person, is the caller. For an agent, output has no color and help says how
//! to get JSON.

/// Variables that agents set for the commands they run. `fanfare help environment` lists them.
const MARKS: [&str; 3] = ["CLAUDECODE", "CURSOR_AGENT", "GEMINI_CLI"];

/// Prefix of further variables that agents set.
const MARK_PREFIX: &str = "CODEX_";

/// Paragraph that help shows to agents.
pub(crate) const GUIDANCE: &str = "\
[Agent guidance] Use `-o json` (one JSON object on stdout; streams: one per
line; errors: one JSON line on stderr with `code` and `fix`). `fanfare listen
--limit N` and `--once` exit on their own. FANFARE_AGENT=0 turns this off.";

/// Returns whether the environment looks like an agent's. `FANFARE_AGENT` decides if it is set.
pub(crate) fn is_agent(variables: impl IntoIterator<Item = (String, String)>) -> bool {
    let mut found = false;
    for (name, value) in variables {
        if name == "FANFARE_AGENT" && !value.is_empty() {
            return value != "0";
        }
        found |= !value.is_empty() && (MARKS.contains(&name.as_str()) || name.starts_with(MARK_PREFIX));
    }
    found
}

/// Returns the variables of the environment that are text; the others cannot be marks.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::is_agent;

    #[test]
    fn agents_are_known_by_their_variables() {
        let environment = |pairs: &[(&str, &str)]| {
            is_agent(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
        };
        assert!(environment(&[("CLAUDECODE", "1")]));
        assert!(environment(&[("CODEX_SANDBOX", "seatbelt")]));
        assert!(!environment(&[("CLAUDECODE", "")]));
        assert!(!environment(&[("HOME", "/root")]));
        assert!(!environment(&[("CLAUDECODE", "1"), ("FANFARE_AGENT", "0")]));
        assert!(environment(&[("FANFARE_AGENT", "1")]));
    }
}
