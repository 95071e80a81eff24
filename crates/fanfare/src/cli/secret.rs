//! Secrets: from a file, from stdin or from the environment, never from the command line, where every program of this
//! machine can read them.

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::str::FromStr;

use fanfare_core::{Code, Invalid};

use crate::cli::failure::{Failure, said};

/// The variable that holds a webhook's secret when nothing else is said.
pub(crate) const VARIABLE: &str = "FANFARE_WEBHOOK_SECRET";

/// Longest secret, token or password with what surrounds it: 4 KiB are allowed to be sent.
const LEN_MAX: u64 = 16 * 1024;

/// Longest body of a request: what the gateway takes.
const BODY_LEN_MAX: u64 = 4 * 1024 * 1024;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file.
    File(PathBuf),
    /// On stdin.
    Stdin,
    /// In a variable of the environment.
    Variable(String),
}

impl FromStr for Place {
    type Err = Invalid;

    /// A secret in the place of a place is refused without being repeated.
    fn from_str(text: &str) -> Result<Place, Invalid> {
        const FIX: &str = "put it into a file and name that, or `env:NAME` for a variable, or `-` for stdin";
        if ["whsec_", "whsk_"].iter().any(|prefix| text.starts_with(prefix)) {
            let what = "a secret on a command line can be read by every program of this machine";
            return Err(Invalid::new(Code::InvalidQuery, what, FIX));
        }
        match text.strip_prefix("env:") {
            Some(name) if is_name(name) => Ok(Place::Variable(name.to_owned())),
            Some(_) => Err(Invalid::new(
                Code::InvalidQuery,
                "`env:` is followed by no variable's name",
                "write it like `env:HOOK_SECRET`",
            )),
            None if text.is_empty() => Err(Invalid::new(Code::InvalidQuery, "no file is named", FIX)),
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
    /// Gives what is there, without the line break at its end.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        self.text_up_to(LEN_MAX)
    }

    /// The same for what is no secret, and may be as long as the body of a request.
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
                Failure::usage(format!("there is no text in the variable {name}"))
                    .fix(format!("set it: export {name}=…   or name a file instead"))
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
            return Err(Failure::usage("there is nothing in it")
                .at(self.to_string())
                .fix("put it there, alone"));
        }
        if text.len() as u64 > len_max {
            return Err(Failure::usage("this is too long").at(self.to_string()));
        }
        Ok(text.to_owned())
    }

    /// Reads what is there as a value.
    pub(crate) fn value<T: FromStr<Err = Invalid>>(&self) -> Result<T, Failure> {
        let text = self.text()?;
        text.parse().map_err(|invalid| Failure::from(invalid).at(self.to_string()))
    }
}

/// Gives the place that was named, or [`VARIABLE`] when that is set.
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
    fn a_secret_itself_is_no_place_and_is_not_repeated() {
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
