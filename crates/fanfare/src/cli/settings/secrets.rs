//! The secrets that senders sign with. Each kind has several while one is being replaced: in several variables, or in a
//! file. Any character can be part of a secret, so none separates two of them.

use std::path::Path;

use fanfare_webhook::ingest::Secrets;
use fanfare_webhook::ingest::spellings::{self, SECRETS_MAX};

use crate::cli::failure::Failure;
use crate::cli::settings::{Key, Settings};

/// The prefix of the variables that have secrets of senders.
pub(crate) const VARIABLE_PREFIX: &str = "FANFARE_INGEST_SECRET_";
/// The end of the names of variables that have the path of a file.
const FILE_SUFFIX: &str = "_FILE";
/// Maximum length of a file with secrets, in bytes: far more than all of them.
const FILE_LEN_MAX: u64 = 64 * 1024;

/// Returns the secrets of `key` in the environment: those in its variable, and in `…_2`, `…_OLD` and the like.
pub(super) fn from_environment(key: Key) -> Vec<String> {
    let mut variables: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
        .filter(|(name, _)| {
            let rest = name.strip_prefix(key.variable());
            rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('_') && !is_of_file(rest)))
        })
        .collect();
    variables.sort();
    let lines = |text: &String| spellings::lines(text).map(str::to_owned).collect::<Vec<_>>();
    variables.iter().flat_map(|(_, text)| lines(text)).collect()
}

/// Returns whether the end of a variable's name says that its value is a path, which must not be taken for a secret.
fn is_of_file(rest: &str) -> bool {
    rest.starts_with(FILE_SUFFIX) || rest.ends_with(FILE_SUFFIX)
}

/// Returns the secrets of all kinds. Fails if one cannot be read, without repeating it.
pub(crate) fn read(settings: &Settings) -> Result<Secrets, Failure> {
    let mut standard_webhooks = Vec::new();
    for (place, line) in texts(settings, Key::IngestSecretStandardWebhooks)? {
        let keys = spellings::standard(&line)
            .map_err(|invalid| Failure::usage(invalid.what).at(place).fix(invalid.fix))?;
        standard_webhooks.extend(keys);
    }
    let github = texts(settings, Key::IngestSecretGithub)?;
    let stripe = texts(settings, Key::IngestSecretStripe)?;
    Ok(Secrets {
        github: github.iter().filter_map(|(_, line)| spellings::plain(line)).collect(),
        standard_webhooks,
        stripe: stripe.iter().flat_map(|(_, line)| spellings::stripe(line)).collect(),
    })
}

/// Returns what to tell the operator about secrets with a comma: it used to separate two of them.
pub(crate) fn warnings(settings: &Settings) -> Vec<String> {
    let kinds = [Key::IngestSecretGithub, Key::IngestSecretStandardWebhooks, Key::IngestSecretStripe];
    let mut warnings = Vec::new();
    for key in kinds {
        warnings.extend(ignored(key));
        for (place, line) in texts(settings, key).unwrap_or_default() {
            // GitHub's own secrets have no form, so there a comma never separates two.
            let is_listed = key != Key::IngestSecretGithub && spellings::listed(&line).is_some();
            let variable = key.variable();
            if is_listed {
                warnings.push(format!(
                    "{place} has several secrets with commas between them; put each into a variable of its own \
                     ({variable}, {variable}_2) or on a line of {variable}_FILE"
                ));
            } else if line.trim().split_once(',').is_some_and(|(start, _)| !matches!(start, "v1" | "v1a")) {
                warnings.push(format!(
                    "the comma in {place} belongs to the secret; if it separates two secrets, put the second one \
                     into {variable}_2"
                ));
            }
        }
    }
    warnings
}

/// Returns what to tell the operator about variables such as `…_2_FILE`: a kind has one file.
fn ignored(key: Key) -> Vec<String> {
    let variable = key.variable();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_ignored = |name: &String| {
        let rest = name.strip_prefix(variable).filter(|rest| rest.starts_with('_'));
        rest.is_some_and(|rest| is_of_file(rest) && rest != FILE_SUFFIX)
    };
    let mut names: Vec<_> = names.filter(is_ignored).collect();
    names.sort();
    let warning =
        |name| format!("{name} is ignored; put its secrets on lines of the file in {variable}{FILE_SUFFIX}");
    names.into_iter().map(warning).collect()
}

/// Returns the secrets of `key` with the place of each.
fn texts(settings: &Settings, key: Key) -> Result<Vec<(String, String)>, Failure> {
    let mut texts: Vec<(String, String)> = Vec::new();
    if let Some(value) = settings.value(key) {
        texts.extend(value.texts.into_iter().map(|text| (value.origin.to_string(), text)));
    }
    let file = match key {
        Key::IngestSecretGithub => Key::IngestSecretGithubFile,
        Key::IngestSecretStripe => Key::IngestSecretStripeFile,
        _ => Key::IngestSecretStandardWebhooksFile,
    };
    if let Some(path) = settings.text(file) {
        let place = path.clone();
        let lines = lines_of(Path::new(&path), file, settings)?;
        texts.extend(lines.into_iter().map(|line| (place.clone(), line)));
    }
    if texts.len() > SECRETS_MAX {
        return Err(Failure::usage(format!("{} has {} secrets", key.variable(), texts.len()))
            .fix(format!("keep at most {SECRETS_MAX}, and remove those that no sender uses")));
    }
    Ok(texts)
}

fn lines_of(path: &Path, file: Key, settings: &Settings) -> Result<Vec<String>, Failure> {
    let refuse = |error: &std::io::Error| {
        let origin = settings.value(file).map(|value| value.origin.to_string()).unwrap_or_default();
        Failure::file("read the secrets in", path, error)
            .at(origin)
            .fix(format!("set {} to a file that the gateway can read", file.variable()))
    };
    let is_short = |path: &Path| std::fs::metadata(path).map(|file| file.len() <= FILE_LEN_MAX);
    if !is_short(path).map_err(|error| refuse(&error))? {
        return Err(refuse(&std::io::Error::other(format!("it is longer than {FILE_LEN_MAX} bytes"))));
    }
    let text = std::fs::read_to_string(path).map_err(|error| refuse(&error))?;
    let lines: Vec<String> = spellings::lines(&text).map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(refuse(&std::io::Error::other("it has no secret")));
    }
    Ok(lines)
}
