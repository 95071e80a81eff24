//! The server log, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, reload};

use crate::cli::output::Output;
use crate::cli::{Exit, Failure};
use fanfare_runtime::log_level::{Level, LogLevel};

/// Log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Text,
}

/// Starts logging, and returns a handle for changing the level. As JSON, the log has everything that goes to
/// stderr, panics included. The filter is `FANFARE_LOG` (such as `fanfare=debug`); without it, `-v` and
/// `--quiet` decide.
pub(crate) fn start(format: Format, output: Output) -> LogLevel {
    let level = match (output.quiet, output.verbose) {
        (true, _) => Level::Error,
        (false, 0) => Level::Info,
        (false, 1) => Level::Debug,
        (false, _) => Level::Trace,
    };
    let chosen = std::env::var("FANFARE_LOG").ok().filter(|text| text.parse::<EnvFilter>().is_ok());
    let filter = chosen.unwrap_or_else(|| level.filter().to_owned());
    let has_color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let lines = match format {
        Format::Json => {
            std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
            fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).boxed()
        }
        Format::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(has_color && std::io::stderr().is_terminal())
            .with_target(output.verbose > 0)
            .boxed(),
    };
    let (filtering, handle) = reload::Layer::new(EnvFilter::new(&filter));
    // This fails if logging has already been started, which then stays.
    let _ = tracing_subscriber::registry().with(filtering).with(lines).try_init();
    LogLevel::new(filter, move |filter| {
        handle.reload(EnvFilter::new(filter)).map_err(|error| error.to_string())
    })
}

/// Logs why the program ends, and returns its exit code.
pub(crate) fn log_failure(failure: &Failure) -> Exit {
    let Failure { exit, code, what, why, fix, at, .. } = failure;
    tracing::error!(code, at = at.as_deref(), cause = why.as_deref(), fix = fix.as_deref(), "{what}");
    *exit
}
