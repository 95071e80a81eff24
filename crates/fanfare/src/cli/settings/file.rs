//! Configuration files, written in TOML. An unknown key is an error.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::cli::failure::Failure;
use crate::cli::settings::key::Key;
use crate::cli::settings::{Origin, explained};
use crate::cli::suggestion::closest;
use fanfare_server::mcp::gateway::declared::{Declaration, Tools};

/// A configuration file and its values.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) values: Vec<(Key, Vec<String>)>,
    /// The tools that it declares.
    pub(crate) tools: Vec<Declaration>,
}

/// The name of the list of tools.
pub(crate) const TOOL: &str = "tool";

impl File {
    /// Parses the text of the file at `path`. Fails on an unknown key or an invalid value, and says where it is.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<File, Failure> {
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
            Failure::usage(format!("`{}` is not valid TOML", path.display()))
                .at(format!("line {line}"))
                .why(error.message().to_owned())
                .fix("see the example in `fanfare help settings`")
        })?;
        let tools = table.remove(TOOL).map(|tools| declared(path, tools)).transpose()?.unwrap_or_default();
        let mut values = Vec::new();
        collect(path, "", &table, &mut values)?;
        Ok(File { path: path.to_owned(), values, tools })
    }
}

/// Reads the tools of a file, and checks them as a gateway does.
fn declared(path: &Path, tools: Value) -> Result<Vec<Declaration>, Failure> {
    let Value::Array(tables) = tools else {
        return Err(Failure::usage(format!("`{TOOL}` is not a list of tables"))
            .at(path.display().to_string())
            .fix(format!("write `[[{TOOL}]]`, once for each tool")));
    };
    let refused = |problem: String| {
        Failure::usage(problem)
            .at(format!("`[[{TOOL}]]` in {}", path.display()))
            .fix("see docs/adding-a-tool.md")
    };
    let mut declarations = Vec::new();
    for table in tables {
        let name = table.get("name").and_then(Value::as_str).unwrap_or("without a name").to_owned();
        let read: Result<Declaration, _> = table.try_into();
        let declaration = read.map_err(|error: toml::de::Error| {
            refused(format!("the tool `{}`: {}", name.escape_debug(), error.message()))
        })?;
        declarations.push(declaration);
    }
    Tools::with(declarations.clone()).map_err(refused)?;
    Ok(declarations)
}

fn collect(
    path: &Path,
    prefix: &str,
    table: &Table,
    values: &mut Vec<(Key, Vec<String>)>,
) -> Result<(), Failure> {
    for (name, value) in table {
        let name = format!("{prefix}{name}");
        match (Key::from_name(&name), value) {
            (None, Value::Table(table)) if prefix.is_empty() && name == "serve" => {
                collect(path, "serve.", table, values)?;
            }
            (None, _) => return Err(unknown(path, &name)),
            (Some(Key::Token), _) => {
                return Err(Failure::usage("a token does not belong in this file")
                    .why("configuration files are often shared")
                    .at(format!("`token` in {}", path.display()))
                    .fix("put it in a file of its own and write `token-file = \"…\"`"));
            }
            (Some(key), _) if key.is_secret() => {
                return Err(Failure::usage("a secret does not belong in this file")
                    .why("configuration files are often shared")
                    .at(format!("`{name}` in {}", path.display()))
                    .fix(format!("put it in the gateway's environment as {}", key.variable())));
            }
            (Some(key), value) => {
                let texts = texts(key, value).map_err(|what| {
                    Failure::usage(format!("`{name}` is {what}"))
                        .at(path.display().to_string())
                        .fix(format!("write {}", example(key)))
                })?;
                key.check(&texts)
                    .map_err(|invalid| explained(&Origin::File(path.to_owned()), key, invalid))?;
                values.push((key, texts));
            }
        }
    }
    Ok(())
}

fn texts(key: Key, value: &Value) -> Result<Vec<String>, &'static str> {
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Integer(number) => Ok(vec![number.to_string()]),
        Value::Boolean(switch) => Ok(vec![switch.to_string()]),
        Value::Array(parts) if key.is_list() => parts
            .iter()
            .map(|part| part.as_str().map(str::to_owned).ok_or("a list of something other than text"))
            .collect(),
        Value::Array(_) => Err("a list, but only one value is allowed"),
        Value::Datetime(_) => Err("a date"),
        Value::Float(_) => Err("a number with a fraction"),
        Value::Table(_) => Err("a table"),
    }
}

/// Returns the line that sets `key` to its default.
fn example(key: Key) -> String {
    let value = key.default_text().unwrap_or_else(|| "…".to_owned());
    if key.is_list() {
        format!("a list of texts: `{} = [\"{value}\"]`", key.flag())
    } else {
        format!("one value: `{} = \"{value}\"`", key.flag())
    }
}

fn unknown(path: &Path, name: &str) -> Failure {
    // The table may be missing as well.
    let bare = name.trim_start_matches("serve.");
    let file_keys = Key::ALL.into_iter().filter(|key| !key.is_secret());
    let candidates = file_keys.flat_map(|key| [(key, key.name(), name), (key, key.flag(), bare)]);
    let failure = Failure::usage(format!("unknown setting `{name}`")).at(path.display().to_string());
    match closest(candidates) {
        Some(key) if key.name().starts_with("serve.") => {
            failure.fix(format!("did you mean `{}` in the table `[serve]`?", key.flag()))
        }
        Some(key) => failure.fix(format!("did you mean `{}`?", key.name())),
        None => failure.fix("list all settings with `fanfare config show`"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{File, Key};
    use crate::cli::failure::Failure;

    fn read(text: &str) -> Result<File, Failure> {
        File::parse(Path::new("fanfare.toml"), text)
    }

    #[test]
    fn keys_are_the_long_flags() {
        let file = read(
            "server = \"http://10.0.0.1:8000\"\n[serve]\nretention-count = 5\ncors = [\"http://a\", \"http://b\"]\nno-auth = true\n",
        )
        .expect("fine");
        let texts =
            |key| file.values.iter().find(|(other, _)| *other == key).map(|(_, texts)| texts.join(" "));
        assert_eq!(texts(Key::Server).as_deref(), Some("http://10.0.0.1:8000"));
        assert_eq!(texts(Key::RetentionCount).as_deref(), Some("5"));
        assert_eq!(texts(Key::Cors).as_deref(), Some("http://a http://b"));
        assert_eq!(texts(Key::NoAuth).as_deref(), Some("true"));
    }

    #[test]
    fn an_error_names_the_place_and_the_fix() {
        for (text, what, at, fix) in [
            ("sever = \"x\"", "unknown setting `sever`", "fanfare.toml", "did you mean `server`?"),
            (
                "listen = \"x\"",
                "unknown setting `listen`",
                "fanfare.toml",
                "did you mean `listen` in the table `[serve]`?",
            ),
            (
                "nosuch = 1",
                "unknown setting `nosuch`",
                "fanfare.toml",
                "list all settings with `fanfare config show`",
            ),
            (
                "[x]\ny = 1",
                "unknown setting `x`",
                "fanfare.toml",
                "list all settings with `fanfare config show`",
            ),
            (
                "timeout = \"0s\"",
                "the duration is 0",
                "`timeout` in fanfare.toml",
                "use a longer one, such as `30s`",
            ),
            (
                "token = \"secret\"",
                "a token does not belong in this file",
                "`token` in fanfare.toml",
                "put it in a file of its own and write `token-file = \"…\"`",
            ),
            (
                "[serve]\ningest-secret-github = \"it's a secret\"",
                "a secret does not belong in this file",
                "`serve.ingest-secret-github` in fanfare.toml",
                "put it in the gateway's environment as FANFARE_INGEST_SECRET_GITHUB",
            ),
            (
                "\nserver = [\"x\"]",
                "`server` is a list, but only one value is allowed",
                "fanfare.toml",
                "write one value: `server = \"http://127.0.0.1:8000\"`",
            ),
            (
                "[serve]\nlisten = [1]",
                "`serve.listen` is a list of something other than text",
                "fanfare.toml",
                "write a list of texts: `listen = [\"127.0.0.1:8000\"]`",
            ),
            (
                "[serve]\ncors = \"example.com\"",
                "`example.com` is not an origin",
                "`serve.cors` in fanfare.toml",
                "write `https://app.example.com`, or `*` for any origin",
            ),
        ] {
            let failure = read(text).expect_err(text);
            assert_eq!(
                (&*failure.what, failure.at.as_deref(), failure.fix.as_deref()),
                (what, Some(at), Some(fix))
            );
        }
        assert_eq!(read("a = 1\nb = ").expect_err("no TOML").at.as_deref(), Some("line 2"));
    }
}
