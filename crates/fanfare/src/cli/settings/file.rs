//! Configuration files: TOML, in which every key must be known.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::cli::failure::Failure;
use crate::cli::settings::key::Key;
use crate::cli::settings::{Origin, explained};

/// A file that was read.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) values: Vec<(Key, Vec<String>)>,
}

impl File {
    /// Reads `text`; what is not known or cannot be used is an error that says where it is.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<File, Failure> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
            Failure::usage(format!("`{}` is no TOML", path.display()))
                .at(format!("line {line}"))
                .why(error.message().to_owned())
                .fix("see the example in `fanfare help settings`")
        })?;
        let mut values = Vec::new();
        collect(path, "", &table, &mut values)?;
        Ok(File { path: path.to_owned(), values })
    }
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
                return Err(Failure::usage("a token does not belong into this file")
                    .at(format!("`token` in {}", path.display()))
                    .fix("put it into a file of its own, and write `token-file = \"…\"`"));
            }
            (Some(key), _) if key.is_secret() => {
                return Err(Failure::usage("a secret does not belong into this file")
                    .at(format!("`{name}` in {}", path.display()))
                    .fix(format!("put it into the gateway's environment, as {}", key.variable())));
            }
            (Some(key), value) => {
                let texts = texts(key, value).map_err(|what| {
                    Failure::usage(format!("`{name}` is {what}"))
                        .at(path.display().to_string())
                        .fix(format!("give {}", key.meaning()))
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
            .map(|part| part.as_str().map(str::to_owned).ok_or("a list of something else than text"))
            .collect(),
        Value::Array(_) => Err("a list, where one value is meant"),
        Value::Datetime(_) => Err("a date"),
        Value::Float(_) => Err("a number with a fraction"),
        Value::Table(_) => Err("a table"),
    }
}

fn unknown(path: &Path, name: &str) -> Failure {
    const ALIKE: f64 = 0.75;
    let closest = Key::ALL
        .into_iter()
        .flat_map(|key| {
            // Somebody may have forgotten the table, too.
            let full = strsim::jaro_winkler(key.name(), name);
            let flag = strsim::jaro_winkler(key.flag(), name.trim_start_matches("serve."));
            [(key, full), (key, flag)]
        })
        .max_by(|(_, one), (_, two)| one.total_cmp(two))
        .filter(|(_, likeness)| *likeness > ALIKE);
    let failure = Failure::usage(format!("there is no setting `{name}`")).at(path.display().to_string());
    match closest.map(|(key, _)| key) {
        Some(key) if key.name().starts_with("serve.") => {
            failure.fix(format!("did you mean `{}`, in the table `[serve]`?", key.flag()))
        }
        Some(key) => failure.fix(format!("did you mean `{}`?", key.name())),
        None => failure.fix("`fanfare config show` lists all settings"),
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
    fn what_is_wrong_is_said_with_the_place_and_the_fix() {
        for (text, what, at, fix) in [
            ("sever = \"x\"", "there is no setting `sever`", "fanfare.toml", "did you mean `server`?"),
            (
                "listen = \"x\"",
                "there is no setting `listen`",
                "fanfare.toml",
                "did you mean `listen`, in the table `[serve]`?",
            ),
            (
                "[x]\ny = 1",
                "there is no setting `x`",
                "fanfare.toml",
                "`fanfare config show` lists all settings",
            ),
            (
                "timeout = \"soon\"",
                "`soon` is not a duration",
                "`timeout` in fanfare.toml",
                "write a number with a unit, such as `90s`, `10m`, `1h30m` or `7d`",
            ),
            (
                "token = \"secret\"",
                "a token does not belong into this file",
                "`token` in fanfare.toml",
                "put it into a file of its own, and write `token-file = \"…\"`",
            ),
            (
                "[serve]\ningest-secret-github = \"it's a secret\"",
                "a secret does not belong into this file",
                "`serve.ingest-secret-github` in fanfare.toml",
                "put it into the gateway's environment, as FANFARE_INGEST_SECRET_GITHUB",
            ),
            (
                "\nserver = [\"x\"]",
                "`server` is a list, where one value is meant",
                "fanfare.toml",
                "give the gateway to call",
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
