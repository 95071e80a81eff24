//! Settings. Flags override the environment, which overrides `./fanfare.toml`, which overrides the user's
//! configuration, which overrides the defaults. Each value knows where it came from. A file that is named, and the user's
//! own, may set everything; `./fanfare.toml` may set what is [trusted](trust).

pub(crate) mod file;
pub(crate) mod key;
pub(crate) mod secrets;
pub(crate) mod trust;
pub(crate) mod values;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;
use fanfare_core::Invalid;

use crate::cli::failure::Failure;
use crate::cli::settings::file::File;
use fanfare_client::{Api, Target};
use fanfare_server::mcp::gateway::declared::Declaration;

pub(crate) use key::Key;

/// Name of the configuration file in the working directory.
const PROJECT_FILE: &str = "fanfare.toml";

/// How long to wait for a response, by default.
pub(crate) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The default.
    Default,
    /// The environment variable of this name.
    Environment(&'static str),
    /// The configuration file at this path.
    File(PathBuf),
    /// The command line.
    Flag(Key),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Flag(key) => write!(f, "flag --{}", key.flag()),
        }
    }
}

/// A value as text; a list has several texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) texts: Vec<String>,
    pub(crate) origin: Origin,
}

/// The settings of all layers.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    flags: Vec<(Key, Vec<String>)>,
    environment: Vec<(Key, Vec<String>)>,
    /// The configuration files that exist, in order of precedence.
    files: Vec<File>,
    /// The file given instead of the usual ones.
    named: Option<PathBuf>,
}

/// Returns the paths of the configuration files, in order of precedence: only `named` if there is one, otherwise
/// the project's file and the user's.
pub(crate) fn paths(named: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = named {
        return vec![path.to_owned()];
    }
    let user =
        etcetera::choose_base_strategy().ok().map(|base| base.config_dir().join("fanfare/config.toml"));
    std::iter::once(project_file()).chain(user).collect()
}

/// Returns the path of the project's file, which need not exist.
pub(crate) fn project_file() -> PathBuf {
    PathBuf::from(".").join(PROJECT_FILE)
}

/// Returns whether a usual file that cannot be read counts as none. Programs that start others often leave them the HOME
/// of somebody else, or one that is not a directory.
fn is_passed_over(path: &Path, problem: ErrorKind) -> bool {
    let is_foreign = matches!(problem, ErrorKind::NotADirectory | ErrorKind::PermissionDenied);
    problem == ErrorKind::NotFound || (is_foreign && path != project_file())
}

/// Returns the directory of what this user's programs keep between runs.
pub(crate) fn state_dir() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().and_then(|base| base.state_dir()).map(|dir| dir.join("fanfare"))
}

/// Returns the directory of the log file.
pub(crate) fn data_dir() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|base| base.data_dir().join("fanfare"))
}

/// Returns the help text of a flag, with the default of the setting that it sets.
pub(crate) fn with_default(text: &str, key: Key) -> String {
    match key.default_text() {
        Some(default) => format!("{text} [default: {default}]"),
        None => text.to_owned(),
    }
}

impl Settings {
    /// Loads the flags, the environment and the configuration files. Fails if a value is invalid, or if the file
    /// `named` does not exist, or if the project's file sets what was not trusted.
    pub(crate) fn load(flags: Vec<(Key, Vec<String>)>, named: Option<&Path>) -> Result<Settings, Failure> {
        let mut files = Vec::new();
        for path in paths(named) {
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    let file = File::parse(&path, &text)?;
                    if named.is_none() && path == project_file() {
                        trust::check(&file, &text)?;
                    }
                    files.push(file);
                }
                Err(error) if named.is_none() && is_passed_over(&path, error.kind()) => {}
                Err(error) => {
                    return Err(Failure::file("read", &path, &error).fix("choose another file with --config"));
                }
            }
        }
        let named = named.map(Path::to_owned);
        let settings = Settings { flags, environment: environment(), files, named };
        for key in Key::ALL {
            if let Some(value) = settings.value(key) {
                key.check(&value.texts).map_err(|invalid| explained(&value.origin, key, invalid))?;
            }
        }
        Ok(settings)
    }

    /// Loads the same settings again: the files may have changed.
    pub(crate) fn again(&self) -> Result<Settings, Failure> {
        Settings::load(self.flags.clone(), self.named.as_deref())
    }

    /// Returns the value for `key` that overrides the others.
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
        .or_else(|| key.default_text().map(|text| Value { texts: vec![text], origin: Origin::Default }))
    }

    /// Returns the first text for `key`; a setting that is not a list has only one.
    pub(crate) fn text(&self, key: Key) -> Option<String> {
        self.value(key).and_then(|value| value.texts.into_iter().next())
    }

    /// Returns all texts for `key`.
    pub(crate) fn texts(&self, key: Key) -> Vec<String> {
        self.value(key).map(|value| value.texts).unwrap_or_default()
    }

    /// Returns the value for `key`, parsed by `parse`. An error says where the value was set.
    pub(crate) fn parsed<T>(
        &self,
        key: Key,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let Some(text) = value.texts.first() else { return Ok(None) };
        parse(text).map(Some).map_err(|invalid| explained(&value.origin, key, invalid))
    }

    /// Returns the tools that are declared in the file with the highest precedence that has any.
    pub(crate) fn tools(&self) -> Vec<Declaration> {
        self.files.iter().map(|file| &file.tools).find(|tools| !tools.is_empty()).cloned().unwrap_or_default()
    }

    /// Returns whether the switch `key` is on.
    pub(crate) fn is_on(&self, key: Key) -> bool {
        self.text(key).as_deref() == Some("true")
    }

    /// Returns how long to wait for a response.
    pub(crate) fn timeout(&self) -> Result<Duration, Failure> {
        Ok(self.parsed(Key::Timeout, values::positive)?.unwrap_or(TIMEOUT_DEFAULT))
    }

    /// Returns the gateway to call, with the token and the timeout.
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        let timeout = self.timeout()?;
        let server = self.parsed(Key::Server, values::server)?.unwrap_or_default();
        Ok(Target { token: self.token(&server)?, server, timeout })
    }

    /// Returns a client of the gateway.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        Ok(Api::new(self.target()?)?)
    }

    /// Returns whether `key` has a value other than the default.
    pub(crate) fn is_chosen(&self, key: Key) -> bool {
        self.value(key).is_some_and(|value| value.origin != Origin::Default)
    }

    /// Returns whether a token that was set at `origin` is for `server`: a place that names a server of its own means
    /// that one and no other.
    fn belongs(&self, origin: &Origin, server: &str) -> bool {
        let layer = match origin {
            Origin::Default => None,
            Origin::Environment(_) => Some(&self.environment),
            Origin::File(path) => self.files.iter().find(|file| file.path == *path).map(|file| &file.values),
            Origin::Flag(_) => Some(&self.flags),
        };
        let own = layer.and_then(|layer| layer.iter().find(|(key, _)| *key == Key::Server));
        own.and_then(|(_, texts)| texts.first()).is_none_or(|own| have_one_origin(own, server))
    }

    /// Returns the token for `server`. The flag for its file overrides the token in the environment, which overrides a
    /// file that was set elsewhere.
    fn token(&self, server: &str) -> Result<Option<String>, Failure> {
        let belongs = |token: &Value| self.belongs(&token.origin, server);
        let file = self.value(Key::TokenFile).filter(belongs);
        let is_flag = file.as_ref().is_some_and(|file| matches!(file.origin, Origin::Flag(_)));
        if !is_flag && let Some(token) = self.value(Key::Token).filter(belongs) {
            let text = token.texts.into_iter().next().unwrap_or_default();
            return checked_token(&text, &token.origin.to_string()).map(Some);
        }
        let Some(file) = file else { return Ok(None) };
        let path = Path::new(file.texts.first().map(String::as_str).unwrap_or_default());
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::file("read the token in", path, &error)
                .at(file.origin.to_string())
                .fix("set the path of the token's file with --token-file or FANFARE_TOKEN_FILE")
        })?;
        checked_token(&text, &path.display().to_string()).map(Some)
    }
}

/// Returns whether two URLs have the same scheme, host and port.
fn have_one_origin(one: &str, other: &str) -> bool {
    let origin = |url: &str| reqwest::Url::parse(url).ok().map(|url| url.origin());
    one == other || origin(one).is_some_and(|one| one.is_tuple() && Some(one) == origin(other))
}

/// Returns the token in `text`. An error does not repeat the text.
fn checked_token(text: &str, place: &str) -> Result<String, Failure> {
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage("expected a token and nothing else")
            .at(place)
            .fix("put only the token there, on one line"));
    }
    Ok(token.to_owned())
}

fn environment() -> Vec<(Key, Vec<String>)> {
    let read = |key: Key| {
        // Containers often set a variable to nothing when they mean to leave it unset.
        if key.is_ingest_secret() {
            let texts = secrets::from_environment(key);
            return (!texts.is_empty()).then_some((key, texts));
        }
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

/// Returns the error for an invalid value, with the place where the value was set.
pub(crate) fn explained(origin: &Origin, key: Key, invalid: Invalid) -> Failure {
    let at = match origin {
        Origin::File(path) => format!("`{}` in {}", key.name(), path.display()),
        origin => origin.to_string(),
    };
    Failure::usage(invalid.what).at(at).fix(invalid.fix)
}
