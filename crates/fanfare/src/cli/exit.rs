//! Exit codes, which tell scripts how a command ended.

use std::process::ExitCode;

use fanfare_core::Code;

use fanfare_client as client;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The caller is not authenticated.
    Auth,
    /// The command of `run` ended with this code.
    Child(u8),
    /// A check failed or an unexpected error occurred.
    Failed,
    /// Ctrl-C stopped the program.
    Interrupted,
    /// The command succeeded.
    Ok,
    /// The gateway refused the request.
    Refused,
    /// SIGTERM stopped the program.
    Terminated,
    /// The gateway did not respond, or not in time.
    Unreachable,
    /// The command line or the configuration is invalid.
    Usage,
}

impl Exit {
    /// Returns the number that the operating system gets.
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

    /// Returns the exit code for an error code of the gateway.
    pub(crate) fn from_code(code: Code) -> Exit {
        match code {
            Code::Unauthorized => Exit::Auth,
            Code::OutcomeUnknown => Exit::Failed,
            Code::ShuttingDown => Exit::Unreachable,
            Code::BodyTooLarge
            | Code::BodyTooSlow
            | Code::ClientDenied
            | Code::ClientIsHost
            | Code::EmptyBatch
            | Code::HostNotAllowed
            | Code::Internal
            | Code::InvalidAudience
            | Code::InvalidChannel
            | Code::InvalidData
            | Code::InvalidDuration
            | Code::InvalidHeader
            | Code::IdempotencyConflict
            | Code::InvalidIdempotencyKey
            | Code::InvalidJson
            | Code::InvalidKey
            | Code::InvalidMessage
            | Code::InvalidOp
            | Code::InvalidPattern
            | Code::InvalidPosition
            | Code::InvalidPriority
            | Code::InvalidQuery
            | Code::InvalidReader
            | Code::InvalidSignature
            | Code::InvalidSource
            | Code::InvalidTime
            | Code::InvalidType
            | Code::InvalidUrl
            | Code::InvalidWebhook
            | Code::LoopDetected
            | Code::MethodNotAllowed
            | Code::NotFound
            | Code::NotLocal
            | Code::OriginNotAllowed
            | Code::PositionGone
            | Code::PreconditionFailed
            | Code::RateLimited
            | Code::SecretMissing
            | Code::StoreDamaged
            | Code::StoreFailed
            | Code::StoreUnavailable
            | Code::TargetRefused
            | Code::TooManyBytesInFlight
            | Code::TooManyChannels
            | Code::TooManyConnections
            | Code::TooManyEvents
            | Code::TooManyReaders
            | Code::TooManySources
            | Code::TooManyWebhooks
            | Code::UnknownField
            | Code::UnsupportedMediaType
            | Code::WebhookExists => Exit::Refused,
        }
    }

    /// Returns the exit code for an error of the client.
    pub(crate) fn from_client(error: &client::Error) -> Exit {
        match error {
            client::Error::AnswerLost { .. }
            | client::Error::NotFanfare { .. }
            | client::Error::OtherScheme { .. }
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
pub(crate) const TABLE: &str = r"  0    success
  1    a check failed or an unexpected error occurred
  2    invalid command line or configuration
  3    not authenticated: see --token-file
  4    no response from the gateway, or none in time
  5    the gateway refused the request and said why
  130  stopped by Ctrl-C
  143  stopped by SIGTERM
  n    `fanfare run` exits with the code of its command, 128 + n if
       signal n ended it, 127 if the command is not found, 126 if it
       cannot be run

After a clean shutdown, `serve`, `mcp` and `demo` exit with 0, even if
Ctrl-C or SIGTERM asked for it.
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
