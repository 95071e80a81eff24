//! Errors as people and programs read them: what failed, why, and how to fix it.

use std::io;
use std::path::Path;
use std::time::Duration;

use fanfare_core::Invalid;
use serde::Serialize;

use crate::cli::exit::Exit;
use fanfare_client as client;

/// An error that ends a command.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// Exit code of the program.
    pub(crate) exit: Exit,
    /// Stable name of the error, for programs.
    pub(crate) code: Box<str>,
    /// What failed, in lowercase and without a full stop.
    pub(crate) what: Box<str>,
    /// The cause.
    pub(crate) why: Option<Box<str>>,
    /// The next step, if possible as a command to paste.
    pub(crate) fix: Option<Box<str>>,
    /// The part of the input that caused the error.
    pub(crate) at: Option<Box<str>>,
    /// The program that read our output has exited. That is not an error, and nothing is printed.
    pub(crate) is_broken_pipe: bool,
}

impl Failure {
    fn new(exit: Exit, code: &str, what: impl Into<Box<str>>) -> Failure {
        Failure {
            exit,
            code: code.into(),
            what: what.into(),
            why: None,
            fix: None,
            at: None,
            is_broken_pipe: false,
        }
    }

    /// Creates an error for an invalid command line or configuration.
    pub(crate) fn usage(what: impl Into<Box<str>>) -> Failure {
        Failure::new(Exit::Usage, "usage", what)
    }

    /// Creates an error for something that did not work.
    pub(crate) fn failed(what: impl Into<Box<str>>) -> Failure {
        Failure::new(Exit::Failed, "failed", what)
    }

    /// Creates an error for a name that matches nothing. It looks like the gateway's own error for an unknown id,
    /// which cannot resolve the names that the command line accepts.
    pub(crate) fn not_found(what: impl Into<Box<str>>) -> Failure {
        Failure::new(Exit::Refused, "not_found", what)
    }

    /// Creates an error for a file that cannot be read or written.
    pub(crate) fn file(doing: &str, path: &Path, error: &io::Error) -> Failure {
        Failure::new(Exit::Usage, "file", format!("cannot {doing} `{}`", path.display())).why(said(error))
    }

    #[must_use]
    pub(crate) fn why(mut self, why: impl Into<Box<str>>) -> Failure {
        self.why = Some(why.into());
        self
    }

    #[must_use]
    pub(crate) fn fix(mut self, fix: impl Into<Box<str>>) -> Failure {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub(crate) fn at(mut self, at: impl Into<Box<str>>) -> Failure {
        self.at = Some(at.into());
        self
    }

    /// Replaces the stable name of the error.
    #[must_use]
    pub(crate) fn coded(mut self, code: &str) -> Failure {
        self.code = code.into();
        self
    }

    fn waiting(self, retry_after: Option<Duration>) -> Failure {
        match retry_after {
            Some(delay) => self.why(format!("the gateway asks you to wait {} s", delay.as_secs())),
            None => self,
        }
    }

    /// Returns the error as one line of JSON.
    pub(crate) fn json(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            error: Members<'a>,
        }
        #[derive(Serialize)]
        struct Members<'a> {
            code: &'a str,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            why: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            at: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            fix: Option<&'a str>,
            exit_code: u8,
        }
        let members = Members {
            code: &self.code,
            message: &self.what,
            why: self.why.as_deref(),
            at: self.at.as_deref(),
            fix: self.fix.as_deref(),
            exit_code: self.exit.number(),
        };
        serde_json::to_string(&Line { error: members }).expect("text and a number are JSON")
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Failure {
        let exit = Exit::from_client(&error);
        match error {
            client::Error::Refused(problem) => Failure {
                at: some(&problem.at),
                fix: some(&problem.fix).or_else(|| {
                    (exit == Exit::Auth)
                        .then(|| "pass a token with --token-file FILE or FANFARE_TOKEN".into())
                }),
                ..Failure::new(exit, &problem.code, problem.detail)
            }
            .waiting(problem.retry_after),
            client::Error::Unreachable { url, problem } => {
                Failure::new(exit, "unreachable", format!("cannot reach {url}"))
                    .why(problem)
                    .fix("start a gateway with `fanfare serve`, or choose another with --server URL")
            }
            client::Error::TimedOut { url, after } => {
                Failure::new(exit, "timed_out", format!("{url} did not respond in time"))
                    .why(format!("waited {} s", after.as_secs_f32()))
                    .fix("retry, or wait longer with --timeout 2m")
            }
            client::Error::AnswerLost { url, problem } => {
                Failure::new(exit, "answer_lost", format!("{url} closed the connection without a response"))
                    .why(problem)
                    .fix("run the same command again")
            }
            client::Error::OtherScheme { url } => {
                let (meant, other) = match url.split_once(':') {
                    Some(("https", rest)) => ("https", format!("http:{rest}")),
                    Some((_, rest)) => ("http", format!("https:{rest}")),
                    None => ("http", url.clone()),
                };
                Failure::new(exit, "other_scheme", format!("{url} does not speak {meant}"))
                    .fix(format!("write {other} in --server or FANFARE_URL"))
            }
            client::Error::NotFanfare { url, problem } => {
                Failure::new(exit, "not_fanfare", format!("{url} does not respond like a Fanfare gateway"))
                    .why(problem)
                    .fix("check the URL in --server or FANFARE_URL")
            }
        }
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Failure {
        Failure {
            at: some(&invalid.at),
            ..Failure::new(Exit::Usage, invalid.code.as_str(), invalid.what).fix(invalid.fix)
        }
    }
}

impl From<io::Error> for Failure {
    /// Converts an error of our own output. For files, use [`Failure::file`].
    fn from(error: io::Error) -> Failure {
        let is_broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Failure { is_broken_pipe, ..Failure::failed("cannot write the output").why(said(&error)) }
    }
}

fn some(text: &str) -> Option<Box<str>> {
    (!text.is_empty()).then(|| text.into())
}

/// Returns the system's description of an error, without the error number.
pub(crate) fn said(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
