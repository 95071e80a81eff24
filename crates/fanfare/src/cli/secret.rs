//! Secrets. They are read from a file, stdin or the environment, but never from the command line, where every program
//! on this machine can read them.

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::str::FromStr;

use fanfare_core::{Code, Invalid};
use fanfare_webhook::secret::Secret;

use crate::cli::failure::{Failure, said};

/// Variable that holds a webhook's secret if no other place is given.
pub(crate) const VARIABLE: &str = "FANFARE_WEBHOOK_SECRET";

/// Maximum size of a file with a secret, a token or headers. A token has at most 4 KiB.
const LEN_MAX: u64 = 16 * 1024;

/// Maximum size of a request body, the same as the gateway's.
const BODY_LEN_MAX: u64 = 4 * 1024 * 1024;

/// The place that a secret is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file.
    File(PathBuf),
    /// Stdin.
    Stdin,
    /// A variable of the environment.
    Variable(String),
}

impl FromStr for Place {
    type Err = Invalid;

    /// Parses the place. A secret itself is refused, and the error does not repeat it.
    fn from_str(text: &str) -> Result<Place, Invalid> {
        const FIX: &str =
            "put it in a file and pass its path, or use `env:NAME` for a variable, or `-` for stdin";
        if ["whsec_", "whsk_"].iter().any(|prefix| text.starts_with(prefix)) {
            let what = "a secret on the command line can be read by every program on this machine";
            return Err(Invalid::new(Code::InvalidQuery, what, FIX));
        }
        match text.strip_prefix("env:") {
            Some(name) if is_name(name) => Ok(Place::Variable(name.to_owned())),
            Some(_) => Err(Invalid::new(
                Code::InvalidQuery,
                "`env:` must be followed by a variable name",
                "write it like `env:HOOK_SECRET`",
            )),
            None if text.is_empty() => Err(Invalid::new(Code::InvalidQuery, "no file was given", FIX)),
            None if text == "-" => Ok(Place::Stdin),
            None => Ok(Place::File(text.into())),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Stdin => f.write_str("stdin"),
            Place::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

impl Place {
    /// Reads the secret, without the newline at its end.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        self.text_up_to(LEN_MAX)
    }

    /// Reads a webhook's secret of any form: which forms are allowed depends on the webhook.
    pub(crate) fn webhook_secret(&self) -> Result<Secret, Failure> {
        Secret::any(&self.text()?).map_err(|invalid| Failure::from(invalid).at(self.to_string()))
    }

    /// Reads the body of a request, which is not secret and may be longer.
    pub(crate) fn long_text(&self) -> Result<String, Failure> {
        self.text_up_to(BODY_LEN_MAX)
    }

    fn text_up_to(&self, len_max: u64) -> Result<String, Failure> {
        let bounded = |from: &mut dyn Read| {
            let mut text = String::new();
            from.take(len_max + 1).read_to_string(&mut text).map(|_| text)
        };
        let text = match self {
            Place::Variable(name) => std::env::var(name).map_err(|_| {
                Failure::usage(format!("the variable {name} is not set or is not text"))
                    .fix(format!("set it with `export {name}=…`, or use a file instead"))
            })?,
            Place::File(path) => {
                let read = std::fs::File::open(path).and_then(|mut file| bounded(&mut file));
                read.map_err(|error| Failure::file("read", path, &error))?
            }
            Place::Stdin => bounded(&mut io::stdin().lock())
                .map_err(|error| Failure::usage("cannot read stdin").why(said(&error)))?,
        };
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            return Err(Failure::usage("it is empty").at(self.to_string()).fix("put only the value there"));
        }
        if text.len() as u64 > len_max {
            return Err(Failure::usage(format!("this is over {} KiB", len_max / 1024)).at(self.to_string()));
        }
        Ok(text.to_owned())
    }

    /// Reads and parses the secret.
    pub(crate) fn value<T: FromStr<Err = Invalid>>(&self) -> Result<T, Failure> {
        let text = self.text()?;
        text.parse().map_err(|invalid| Failure::from(invalid).at(self.to_string()))
    }
}

/// Returns the given place, or else [`VARIABLE`] if it is set.
pub(crate) fn named_or_variable(named: Option<&Place>) -> Option<Place> {
    let is_set = || std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty());
    named.cloned().or_else(|| is_set().then(|| Place::Variable(VARIABLE.to_owned())))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
        for text in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsk_abc"] {
            let error = text.parse::<Place>().expect_err("a secret");
            assert!(!format!("{error:?}").contains(text), "{error:?}");
        }
    }

    #[test]
    fn places_are_files_variables_and_stdin() {
        assert_eq!("hook.secret".parse(), Ok(Place::File("hook.secret".into())));
        assert_eq!("env:HOOK_1".parse(), Ok(Place::Variable("HOOK_1".to_owned())));
        assert_eq!("-".parse(), Ok(Place::Stdin));
        for text in ["", "env:", "env:A=B"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
