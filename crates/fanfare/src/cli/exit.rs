//! Exit codes: what a script learns without reading a word.

use std::process::ExitCode;

use fanfare_core::Code;

use fanfare_client as client;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The gateway does not know the caller.
    Auth,
    /// What `run` or a command of `listen --exec` ended with.
    Child(u8),
    /// A check failed, or something that should not happen.
    Failed,
    /// Ctrl-C.
    Interrupted,
    /// Done.
    Ok,
    /// The gateway answered no.
    Refused,
    /// A signal other than Ctrl-C asked to stop.
    Terminated,
    /// Nobody answered, or not in time.
    Unreachable,
    /// The command line or the configuration cannot be used.
    Usage,
}

impl Exit {
    /// Gives the number.
    pub(crate) fn number(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Auth => 3,
            Exit::Unreachable => 4,
            Exit::Refused => 5,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
            Exit::Child(code) => code,
        }
    }

    /// Gives the exit for a public error code.
    pub(crate) fn from_code(code: Code) -> Exit {
        match code {
            Code::Unauthorized => Exit::Auth,
            Code::ShuttingDown => Exit::Unreachable,
            Code::BodyTooLarge
            | Code::EmptyBatch
            | Code::HostNotAllowed
            | Code::Internal
            | Code::InvalidAudience
            | Code::InvalidChannel
            | Code::InvalidData
            | Code::InvalidExpiry
            | Code::InvalidHeader
            | Code::InvalidIdempotencyKey
            | Code::InvalidJson
            | Code::InvalidKey
            | Code::InvalidMessage
            | Code::InvalidPattern
            | Code::InvalidPosition
            | Code::InvalidPriority
            | Code::InvalidQuery
            | Code::InvalidReader
            | Code::InvalidSignature
            | Code::InvalidTime
            | Code::InvalidType
            | Code::InvalidUrl
            | Code::InvalidWebhook
            | Code::LoopDetected
            | Code::MethodNotAllowed
            | Code::NotFound
            | Code::OriginNotAllowed
            | Code::PositionGone
            | Code::PreconditionFailed
            | Code::RateLimited
            | Code::SecretMissing
            | Code::StoreFailed
            | Code::TargetRefused
            | Code::TooManyBytesInFlight
            | Code::TooManyChannels
            | Code::TooManyConnections
            | Code::TooManyEvents
            | Code::TooManyReaders
            | Code::TooManyWebhooks
            | Code::UnknownField
            | Code::UnsupportedMediaType
            | Code::WebhookExists => Exit::Refused,
        }
    }

    /// Gives the exit for what went wrong with a gateway.
    pub(crate) fn from_client(error: &client::Error) -> Exit {
        match error {
            client::Error::AnswerLost { .. }
            | client::Error::NotFanfare { .. }
            | client::Error::TimedOut { .. }
            | client::Error::Unreachable { .. } => Exit::Unreachable,
            client::Error::Refused(problem) => match problem.known_code() {
                Some(code) => Exit::from_code(code),
                None if matches!(problem.status, 401 | 403) => Exit::Auth,
                None => Exit::Refused,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.number())
    }
}

/// The table that `fanfare help exit-codes` shows.
pub(crate) const TABLE: &str = r"  0    done
  1    a check failed, or something that should not happen
  2    the command line or the configuration cannot be used
  3    the gateway does not know the caller: see --token-file
  4    nobody answered, or not in time
  5    the gateway answered no, and said why
  130  Ctrl-C
  143  asked to stop by SIGTERM
  n    `fanfare run` ends with the code of its command, 128 + n when
       signal n ended it, 127 when there is no such command, 126 when
       it cannot be run
";

#[cfg(test)]
mod tests {
    use super::{Exit, TABLE};

    #[test]
    fn the_table_has_every_code() {
        for exit in [
            Exit::Auth,
            Exit::Failed,
            Exit::Interrupted,
            Exit::Ok,
            Exit::Refused,
            Exit::Terminated,
            Exit::Unreachable,
            Exit::Usage,
        ] {
            let start = format!("  {:<5}", exit.number());
            assert_eq!(TABLE.lines().filter(|line| line.starts_with(&start)).count(), 1, "{exit:?}");
        }
    }
}
