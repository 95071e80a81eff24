//! What others put into our entry: a list of tools that the client hides, a set of tools, variables. It stays when the
//! entry is written again.

use std::path::Path;

use serde_json::Value;

use crate::cli::install::entry::{Entry, Member, NAME};

/// The members that `install` writes for some client or transport: those of another one go.
const OURS: [&str; 9] =
    ["args", "bearer_token_env_var", "cmd", "command", "httpUrl", "serverUrl", "type", "uri", "url"];
/// The command that starts the server, and its alias.
const SERVER_WORDS: [&str; 2] = ["mcp", "stdio"];
/// The flags of the server that `install` writes, each with a value.
const FLAGS: [&str; 2] = ["--server", "--token-file"];
/// The parts of `env`, `headers` and the lists of variables that `install` writes.
const PARTS: [&str; 2] = ["Authorization", "FANFARE_TOKEN"];

impl Entry {
    /// Returns this entry with what others put into `there`, the entry in the file, and the names of that.
    pub(crate) fn over(mut self, there: &Value) -> (Entry, Vec<String>) {
        let Some(there) = there.as_object() else { return (self, Vec::new()) };
        let starts_us = starts_us(there);
        let (mut merged, mut kept) = (Entry::default(), Vec::new());
        for (name, value) in there {
            match (self.take(name), value) {
                (Some(ours), _) => {
                    let member = ours.over(name, value, starts_us, &mut kept);
                    merged.members.push((name.clone().into(), member));
                }
                (None, _) if OURS.contains(&name.as_str()) => {}
                (None, Value::Object(_) | Value::Array(_)) if is_shared(name) => {
                    let value = without_ours(value);
                    if !is_empty(&value) {
                        kept.push(name.clone());
                        merged.members.push((name.clone().into(), Member::Kept(value)));
                    }
                }
                (None, value) => {
                    kept.push(name.clone());
                    merged.members.push((name.clone().into(), Member::Kept(value.clone())));
                }
            }
        }
        merged.members.append(&mut self.members);
        merged.keep_toolset(there, &mut kept);
        (merged, kept)
    }

    fn take(&mut self, name: &str) -> Option<Member> {
        let index = self.members.iter().position(|(known, _)| known == name)?;
        Some(self.members.remove(index).1)
    }

    /// Carries a set of tools from a flag to an address, or back, if the transport has changed: the client must not get
    /// more tools by that.
    fn keep_toolset(&mut self, there: &serde_json::Map<String, Value>, kept: &mut Vec<String>) {
        let Some(toolset) = toolset(there) else { return };
        let has_it = |member: &Member| match member {
            Member::List(words) => words.iter().any(|word| word.starts_with("--toolset")),
            Member::Text(text) => text.contains("toolset="),
            Member::Map(_) | Member::Kept(_) => false,
        };
        if self.members.iter().any(|(_, member)| has_it(member)) {
            return;
        }
        for (name, member) in &mut self.members {
            match (&**name, member) {
                ("args", Member::List(words)) => {
                    words.extend(["--toolset".to_owned(), toolset]);
                }
                ("url" | "uri" | "httpUrl" | "serverUrl", Member::Text(url)) => {
                    let mark = if url.contains('?') { '&' } else { '?' };
                    *url = format!("{url}{mark}toolset={toolset}");
                }
                _ => continue,
            }
            kept.push("toolset".to_owned());
            return;
        }
    }
}

impl Member {
    /// Returns this member with the parts of `there` that are not ours.
    fn over(self, name: &str, there: &Value, starts_us: bool, kept: &mut Vec<String>) -> Member {
        match (self, there) {
            (Member::List(ours), Value::Array(there)) if name == "args" => {
                let more = foreign_words(there, starts_us);
                kept.extend((!more.is_empty()).then(|| format!("args {}", more.join(" "))));
                Member::List([ours, more].concat())
            }
            (Member::List(ours), Value::Array(there)) => {
                let more =
                    there.iter().filter_map(Value::as_str).filter(|word| !ours.iter().any(|our| our == word));
                let more: Vec<String> = more.map(str::to_owned).collect();
                kept.extend((!more.is_empty()).then(|| name.to_owned()));
                Member::List([more, ours].concat())
            }
            (Member::Map(ours), Value::Object(there)) => {
                let mut all = there.clone();
                kept.extend(
                    all.keys()
                        .filter(|key| !PARTS.contains(&key.as_str()))
                        .map(|key| format!("{name}.{key}")),
                );
                all.extend(ours.into_iter().map(|(key, text)| (key.to_owned(), Value::from(text))));
                Member::Kept(Value::Object(all))
            }
            (Member::Text(url), Value::String(there)) if url.contains("://") && !url.contains('?') => {
                match there.split_once('?') {
                    Some((_, query)) => {
                        kept.push(format!("?{query}"));
                        Member::Text(format!("{url}?{query}"))
                    }
                    None => Member::Text(url),
                }
            }
            (ours, _) => ours,
        }
    }
}

/// Returns whether the command of an entry is this program, and not one that starts it, such as `npx`.
fn starts_us(entry: &serde_json::Map<String, Value>) -> bool {
    let command = ["command", "cmd"].into_iter().find_map(|name| entry.get(name)?.as_str());
    command.is_some_and(|command| Path::new(command).file_stem().is_some_and(|stem| stem == NAME))
}

/// Returns the flags of the server in `args`, without those that `install` writes. The words before its command are
/// flags of this program only if the entry `starts_us`; otherwise they belong to the program that starts it.
fn foreign_words(args: &[Value], starts_us: bool) -> Vec<String> {
    let args: Vec<&str> = args.iter().filter_map(Value::as_str).collect();
    let Some(command) = args.iter().position(|word| SERVER_WORDS.contains(word)) else { return Vec::new() };
    let before = if starts_us { &args[..command] } else { &[] };
    let mut words = before.iter().chain(&args[command + 1..]).copied();
    let mut foreign = Vec::new();
    while let Some(word) = words.next() {
        match FLAGS.iter().find(|flag| word.starts_with(**flag)) {
            Some(flag) if word == *flag => drop(words.next()),
            Some(flag) if word[flag.len()..].starts_with('=') => {}
            Some(_) | None => foreign.push(word.to_owned()),
        }
    }
    foreign
}

/// Returns the set of tools that an entry asks for.
fn toolset(entry: &serde_json::Map<String, Value>) -> Option<String> {
    let words: Vec<&str> =
        entry.get("args").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (index, word) in words.iter().enumerate() {
        match word.strip_prefix("--toolset") {
            Some("") => return words.get(index + 1).map(|set| (*set).to_owned()),
            Some(set) if set.starts_with('=') => return Some(set[1..].to_owned()),
            Some(_) | None => {}
        }
    }
    let urls =
        ["url", "uri", "httpUrl", "serverUrl"].into_iter().filter_map(|name| entry.get(name)?.as_str());
    let queries = urls.filter_map(|url| url.split_once('?')).map(|(_, query)| query);
    queries
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("toolset="))
        .map(str::to_owned)
}

/// Returns whether a member can have parts of ours beside those of others.
fn is_shared(name: &str) -> bool {
    matches!(name, "env" | "env_keys" | "env_vars" | "headers")
}

fn without_ours(value: &Value) -> Value {
    match value {
        Value::Array(items) => items
            .iter()
            .filter(|item| !item.as_str().is_some_and(|text| PARTS.contains(&text)))
            .cloned()
            .collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| !PARTS.contains(&key.as_str()));
            Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Returns the texts in `value`, which may be secrets.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::cli::install::entry::Entry;

    fn stdio() -> Entry {
        Entry::default().text("command", "/bin/fanfare").list("args", vec!["mcp".to_owned()])
    }

    fn http() -> Entry {
        Entry::default().text("type", "http").text("url", "http://new/mcp").map(
            "headers",
            "Authorization",
            "Bearer ${FANFARE_TOKEN}",
        )
    }

    #[test]
    fn what_others_put_there_stays_and_what_is_ours_is_ours() {
        for (there, entry, merged, kept) in [
            (
                json!({"command": "old", "args": ["mcp", "--server", "http://x", "--toolset", "readonly"], "trust": true}),
                stdio(),
                json!({"command": "/bin/fanfare", "args": ["mcp", "--toolset", "readonly"], "trust": true}),
                "args --toolset readonly, trust",
            ),
            (
                json!({"disabledTools": ["push_webhook"], "env": {"A": "secret", "FANFARE_TOKEN": "t"}, "command": "old"}),
                stdio(),
                json!({"disabledTools": ["push_webhook"], "env": {"A": "secret"}, "command": "/bin/fanfare", "args": ["mcp"]}),
                "disabledTools, env",
            ),
            (
                json!({"command": "/usr/bin/fanfare", "args": ["--config", "/etc/f.toml", "--server", "x", "mcp", "-v"]}),
                stdio(),
                json!({"command": "/bin/fanfare", "args": ["mcp", "--config", "/etc/f.toml", "-v"]}),
                "args --config /etc/f.toml -v",
            ),
            // Another program, whose words mean nothing to ours, with and without our command.
            (
                json!({"command": "npx", "args": ["-y", "fanfare", "mcp", "-v"]}),
                stdio(),
                json!({"command": "/bin/fanfare", "args": ["mcp", "-v"]}),
                "args -v",
            ),
            (
                json!({"command": "docker", "args": ["run", "--rm", "fanfare"]}),
                stdio(),
                json!({"command": "/bin/fanfare", "args": ["mcp"]}),
                "",
            ),
            (
                json!({"type": "stdio", "command": "old", "args": ["mcp", "--toolset=readonly"], "env": {"FANFARE_TOKEN": "t"}}),
                http(),
                json!({"type": "http", "url": "http://new/mcp?toolset=readonly", "headers": {"Authorization": "Bearer ${FANFARE_TOKEN}"}}),
                "toolset",
            ),
            (
                json!({"url": "http://old/mcp?toolset=readonly", "headers": {"X-Team": "a", "authorization": "b"}}),
                http(),
                json!({
                    "url": "http://new/mcp?toolset=readonly",
                    "headers": {"X-Team": "a", "authorization": "b", "Authorization": "Bearer ${FANFARE_TOKEN}"},
                    "type": "http",
                }),
                "?toolset=readonly, headers.X-Team, headers.authorization",
            ),
            (
                json!({"url": "http://old/mcp?toolset=readonly", "headers": {"Authorization": "b"}, "tools": {"x": {"approval_mode": "approve"}}}),
                stdio(),
                json!({
                    "tools": {"x": {"approval_mode": "approve"}},
                    "command": "/bin/fanfare",
                    "args": ["mcp", "--toolset", "readonly"],
                }),
                "tools, toolset",
            ),
            (json!("nonsense"), stdio(), stdio().value(), ""),
        ] {
            let (entry, names) = entry.over(&there);
            assert_eq!((entry.value(), names.join(", ")), (merged.clone(), kept.to_owned()), "{there}");
            // A second time, nothing changes.
            let again: Value = stdio().over(&merged).0.value();
            if merged["command"] == "/bin/fanfare" {
                assert_eq!(again, merged);
            }
        }
    }
}
