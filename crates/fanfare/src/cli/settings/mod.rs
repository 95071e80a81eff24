//! Settings: flags before environment before `./fanfare.toml` before the user's configuration before what is
//! built in; each value knows where it came from.

pub(crate) mod file;
pub(crate) mod key;

use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;
use fanfare_core::Invalid;

use crate::cli::failure::Failure;
use crate::cli::settings::file::File;
use fanfare_client::{Api, Target};

pub(crate) use key::Key;

/// The file in the working directory.
const PROJECT_FILE: &str = "fanfare.toml";

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// What applies when nobody says anything.
    BuiltIn,
    /// The environment variable of this name.
    Environment(&'static str),
    /// This file.
    File(PathBuf),
    /// The command line.
    Flag(Key),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str("built in"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Flag(key) => write!(f, "flag --{}", key.flag()),
        }
    }
}

/// A value as text: several for the keys that are lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) texts: Vec<String>,
    pub(crate) origin: Origin,
}

/// All layers.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    flags: Vec<(Key, Vec<String>)>,
    environment: Vec<(Key, Vec<String>)>,
    /// Those that exist, the stronger first.
    files: Vec<File>,
}

/// The files that are looked at, the stronger first: the one that was named alone, or else the project's and
/// the user's.
pub(crate) fn paths(named: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = named {
        return vec![path.to_owned()];
    }
    let user =
        etcetera::choose_base_strategy().ok().map(|base| base.config_dir().join("fanfare/config.toml"));
    std::iter::once(PathBuf::from(".").join(PROJECT_FILE)).chain(user).collect()
}

/// Gives the directory of the embedded store.
pub(crate) fn data_dir() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|base| base.data_dir().join("fanfare"))
}

impl Settings {
    /// Takes the flags that were given, and reads the environment and the files. A file that was named must be
    /// there.
    pub(crate) fn load(flags: Vec<(Key, Vec<String>)>, named: Option<&Path>) -> Result<Settings, Failure> {
        let mut files = Vec::new();
        for path in paths(named) {
            match std::fs::read_to_string(&path) {
                Ok(text) => files.push(File::parse(&path, &text)?),
                Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Failure::file("read", &path, &error).fix("name another file with --config"));
                }
            }
        }
        let settings = Settings { flags, environment: environment(), files };
        for key in Key::ALL {
            if let Some(value) = settings.value(key) {
                key.check(&value.texts).map_err(|invalid| explained(&value.origin, key, invalid))?;
            }
        }
        Ok(settings)
    }

    /// Gives the strongest value for `key`.
    pub(crate) fn value(&self, key: Key) -> Option<Value> {
        let of = |layer: &[(Key, Vec<String>)]| {
            layer.iter().find(|(other, _)| *other == key).map(|(_, texts)| texts.clone())
        };
        let flag = of(&self.flags).map(|texts| Value { texts, origin: Origin::Flag(key) });
        flag.or_else(|| {
            of(&self.environment).map(|texts| Value { texts, origin: Origin::Environment(key.variable()) })
        })
        .or_else(|| {
            self.files.iter().find_map(|file| {
                of(&file.values).map(|texts| Value { texts, origin: Origin::File(file.path.clone()) })
            })
        })
        .or_else(|| key.built_in().map(|text| Value { texts: vec![text], origin: Origin::BuiltIn }))
    }

    /// Gives the one text for `key`.
    pub(crate) fn text(&self, key: Key) -> Option<String> {
        self.value(key).and_then(|value| value.texts.into_iter().next())
    }

    /// Gives all texts for `key`.
    pub(crate) fn texts(&self, key: Key) -> Vec<String> {
        self.value(key).map(|value| value.texts).unwrap_or_default()
    }

    /// Gives the value for `key`, read by `parse`; the error says where the value stands.
    pub(crate) fn parsed<T>(
        &self,
        key: Key,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let Some(text) = value.texts.first() else { return Ok(None) };
        parse(text).map(Some).map_err(|invalid| explained(&value.origin, key, invalid))
    }

    /// Says whether a switch is on.
    pub(crate) fn is_on(&self, key: Key) -> bool {
        self.text(key).as_deref() == Some("true")
    }

    /// Gives how long to wait for an answer.
    pub(crate) fn timeout(&self) -> Result<Duration, Failure> {
        Ok(self.parsed(Key::Timeout, key::positive)?.unwrap_or(Duration::from_secs(30)))
    }

    /// Gives the gateway to call.
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        let timeout = self.timeout()?;
        let server = self.parsed(Key::Server, key::server)?.unwrap_or_default();
        Ok(Target { server, token: self.token()?, timeout })
    }

    /// Makes ready to call the gateway.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        Ok(Api::new(self.target()?)?)
    }

    /// Says whether somebody chose the value for `key`.
    pub(crate) fn is_chosen(&self, key: Key) -> bool {
        self.value(key).is_some_and(|value| value.origin != Origin::BuiltIn)
    }

    /// Gives the token: the one in the environment, unless a file was named on the command line.
    fn token(&self) -> Result<Option<String>, Failure> {
        let file = self.value(Key::TokenFile);
        let is_flag = file.as_ref().is_some_and(|file| matches!(file.origin, Origin::Flag(_)));
        if !is_flag && let Some(token) = self.value(Key::Token) {
            let text = token.texts.into_iter().next().unwrap_or_default();
            return checked_token(&text, &token.origin.to_string()).map(Some);
        }
        let Some(file) = file else { return Ok(None) };
        let path = Path::new(file.texts.first().map(String::as_str).unwrap_or_default());
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::file("read the token in", path, &error)
                .at(file.origin.to_string())
                .fix("name the file that holds the token: --token-file, or FANFARE_TOKEN_FILE")
        })?;
        checked_token(&text, &path.display().to_string()).map(Some)
    }
}

/// Takes the token out of `text`; an error never repeats it.
fn checked_token(text: &str, place: &str) -> Result<String, Failure> {
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage("there is no token, or more than that")
            .at(place)
            .fix("put the token there alone, on one line"));
    }
    Ok(token.to_owned())
}

fn environment() -> Vec<(Key, Vec<String>)> {
    let read = |key: Key| {
        // An empty variable is how a container says that it has nothing to say.
        let text = std::env::var(key.variable()).ok().filter(|text| !text.is_empty())?;
        let texts = if key.is_list() {
            text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        } else {
            vec![text]
        };
        Some((key, texts))
    };
    Key::ALL.into_iter().filter_map(read).collect()
}

/// Says where the value stands that cannot be used.
pub(crate) fn explained(origin: &Origin, key: Key, invalid: Invalid) -> Failure {
    let at = match origin {
        Origin::File(path) => format!("`{}` in {}", key.name(), path.display()),
        origin => origin.to_string(),
    };
    Failure::usage(invalid.what).at(at).fix(invalid.fix)
}
