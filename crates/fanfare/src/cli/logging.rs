//! The log, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::Subscriber;

use crate::cli::output::Output;

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Text,
}

/// Begins to log: what `FANFARE_LOG` says (such as `fanfare=debug`), or else by the number of `-v`.
pub(crate) fn start(format: Format, output: Output) {
    let level = match (output.quiet, output.verbose) {
        (true, _) => "error",
        (false, 0) => "warn,fanfare=info",
        (false, 1) => "warn,fanfare=debug",
        (false, _) => "info,fanfare=trace",
    };
    let filter = EnvFilter::try_from_env("FANFARE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let builder = Subscriber::builder().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails when a log has been started already: then that one stays.
    let _ = match format {
        Format::Json => builder.json().flatten_event(true).try_init(),
        Format::Text => builder
            .with_ansi(colours && std::io::stderr().is_terminal())
            .with_target(output.verbose > 0)
            .try_init(),
    };
}
