//! Long work on a file: it shows its progress, and can be stopped.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cli::output::Output;
use crate::cli::output::style::DIM;
use crate::cli::signals::Stop;
use crate::cli::text::{count, size};
use crate::cli::{Context, Failure, block_on};
use fanfare_store_embedded::maintenance::{Error, Phase, Progress, Watch};

/// Time between two reports at a terminal, which overwrite each other.
const REPORTS_APART: Duration = Duration::from_millis(100);

/// Time between two reports in a log file, where each is a line.
const LINES_APART: Duration = Duration::from_secs(10);

/// Runs `work` on a blocking thread. Ctrl-C stops it, and nothing is left behind.
pub(crate) fn work<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce(&Watch) -> Result<T, Error> + Send + 'static,
) -> Result<T, Failure> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let (reporter, stopped) = (Mutex::new(Reporter::new(context.output)), is_stopped.clone());
    let watch: Watch = Arc::new(move |progress| {
        reporter.lock().unwrap_or_else(PoisonError::into_inner).report(progress);
        !stopped.load(Ordering::Relaxed)
    });
    block_on(async {
        let mut stop = Stop::new()?;
        let mut running = tokio::task::spawn_blocking(move || work(&watch));
        let ended = |result: Result<Result<T, Error>, tokio::task::JoinError>| match result {
            Ok(result) => result.map_err(Failure::from),
            Err(error) => Err(Failure::failed("the work ended early").why(error.to_string())),
        };
        tokio::select! {
            result = &mut running => ended(result),
            exit = stop.asked() => {
                is_stopped.store(true, Ordering::Relaxed);
                ended(running.await).map_err(|failure| Failure { exit, ..failure })
            }
        }
    })
}

/// Reports the progress of the work.
struct Reporter {
    output: Output,
    is_terminal: bool,
    last: Instant,
    /// Whether the last line of the terminal is ours.
    is_shown: bool,
}

impl Reporter {
    fn new(output: Output) -> Reporter {
        let is_terminal = std::io::stderr().is_terminal() && !output.agent;
        Reporter { output, is_terminal, last: Instant::now(), is_shown: false }
    }

    fn report(&mut self, progress: Progress) {
        let apart = if self.is_terminal { REPORTS_APART } else { LINES_APART };
        if self.output.quiet || self.output.mode.is_json() || self.last.elapsed() < apart {
            return;
        }
        self.last = Instant::now();
        match self.is_terminal {
            true => {
                self.is_shown = true;
                show(&format!("\r\x1b[K{DIM}{}{DIM:#}", said(progress)));
            }
            false => self.output.note(said(progress)),
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if self.is_shown {
            show("\r\x1b[K");
        }
    }
}

fn show(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
}

fn said(progress: Progress) -> String {
    let Progress { phase, done, total } = progress;
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(0).min(100);
    match phase {
        Phase::Copying => format!("copying · {percent} % of {}", size(total)),
        Phase::CheckingStructure => "checking the structure".to_owned(),
        Phase::CheckingEvents => format!("checking · {percent} % of {}", count(total, "event")),
    }
}

#[cfg(test)]
mod tests {
    use fanfare_store_embedded::maintenance::{Phase, Progress};

    use super::said;

    #[test]
    fn progress_is_in_percent() {
        let at = |phase, done, total| said(Progress { phase, done, total });
        assert_eq!(at(Phase::Copying, 1 << 20, 4 << 20), "copying · 25 % of 4.0 MiB");
        assert_eq!(at(Phase::CheckingEvents, 1_500, 3_000), "checking · 50 % of 3,000 events");
        assert_eq!(at(Phase::CheckingEvents, 0, 0), "checking · 0 % of 0 events");
    }
}
