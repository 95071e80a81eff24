//! The server log, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::Subscriber;

use crate::cli::output::Output;
use crate::cli::{Exit, Failure};

/// Log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Text,
}

/// Starts to log. As JSON, the log has all that goes to stderr, panics included. The filter is `FANFARE_LOG` (such as `fanfare=debug`); without it, `-v` and `--quiet` decide.
pub(crate) fn start(format: Format, output: Output) {
    let level = match (output.quiet, output.verbose) {
        (true, _) => "error",
        (false, 0) => "warn,fanfare=info",
        (false, 1) => "warn,fanfare=debug",
        (false, _) => "info,fanfare=trace",
    };
    let filter = EnvFilter::try_from_env("FANFARE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let has_color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let builder = Subscriber::builder().with_env_filter(filter).with_writer(std::io::stderr);
    // This fails if a log was started before, which then stays.
    let _ = match format {
        Format::Json => {
            std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
            builder.json().flatten_event(true).try_init()
        }
        Format::Text => builder
            .with_ansi(has_color && std::io::stderr().is_terminal())
            .with_target(output.verbose > 0)
            .try_init(),
    };
}

/// Logs why the program ends, and returns its exit code.
pub(crate) fn log_failure(failure: &Failure) -> Exit {
    let Failure { exit, code, what, why, fix, at, .. } = failure;
    tracing::error!(code, at = at.as_deref(), cause = why.as_deref(), fix = fix.as_deref(), "{what}");
    *exit
}
