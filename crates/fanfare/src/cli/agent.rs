//! Whether the caller is a coding agent rather than a person: then there is no colour, and help says how to get
//! JSON.

/// Variables that agents set for the commands they run.
const MARKS: [&str; 3] = ["CLAUDECODE", "CURSOR_AGENT", "GEMINI_CLI"];

/// Beginnings of such variables.
const MARK_PREFIX: &str = "CODEX_";

/// What help says to agents.
pub(crate) const GUIDANCE: &str = "\
[Agent guidance] Use `-o json` (one JSON object on stdout; streams: one per
line; errors: one JSON line on stderr with `code` and `fix`). `fanfare listen
--limit N` and `--once` end by themselves. FANFARE_AGENT=0 turns this off.";

/// Says whether the environment looks like an agent's. `FANFARE_AGENT` decides when it is set.
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

/// Gives the environment as text; what is no text cannot be a mark.
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
