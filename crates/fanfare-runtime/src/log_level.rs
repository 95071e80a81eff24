//! How much the program logs, and changing that while it runs.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_core::{Code, Invalid};

/// A level of the log; each logs what the ones before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Failures of the gateway.
    Error,
    /// What an operator should look at.
    Warn,
    /// What a gateway normally logs.
    Info,
    /// Connections and subscriptions as well.
    Debug,
    /// Everything.
    Trace,
}

/// The level of the log; cheap to clone.
#[derive(Clone)]
pub struct LogLevel(Arc<Shared>);

/// Makes the log use a filter.
type Apply = dyn Fn(&str) -> Result<(), String> + Send + Sync;

struct Shared {
    apply: Box<Apply>,
    /// Guards the filters; held while one is applied, so the filter that is shown is the one in use.
    filters: Mutex<Filters>,
}

/// Filters as `FANFARE_LOG` has them, such as `warn,fanfare=debug`.
#[derive(Debug)]
struct Filters {
    /// The filter at the start.
    first: String,
    now: String,
}

impl Level {
    const ALL: [Level; 5] = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }

    /// Returns the filter. Detailed logs of other libraries do not help an operator.
    pub fn filter(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "warn,fanfare=info",
            Level::Debug => "warn,fanfare=debug",
            Level::Trace => "info,fanfare=trace",
        }
    }
}

impl FromStr for Level {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Level, Invalid> {
        Level::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| {
            let what = format!("`{}` is not a level of the log", text.escape_debug());
            Invalid::new(Code::InvalidQuery, what, "use `error`, `warn`, `info`, `debug` or `trace`")
        })
    }
}

impl LogLevel {
    /// Creates the handle of a log with the filter `first`; `apply` changes it.
    pub fn new(
        first: String,
        apply: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
    ) -> LogLevel {
        let filters = Filters { now: first.clone(), first };
        LogLevel(Arc::new(Shared { apply: Box::new(apply), filters: Mutex::new(filters) }))
    }

    /// Returns the filter, and its level if it matches one.
    pub fn now(&self) -> (String, Option<Level>) {
        let filter = self.filters().now.clone();
        let level = Level::ALL.into_iter().find(|level| level.filter() == filter);
        (filter, level)
    }

    /// Sets the level; `None` is the filter at the start.
    pub fn set(&self, level: Option<Level>) {
        let mut filters = self.filters();
        let filter = level.map_or_else(|| filters.first.clone(), |level| level.filter().to_owned());
        self.apply(&mut filters, filter);
    }

    /// Sets the level to debug, or back to that of the start if it is debug already.
    pub fn toggle(&self) {
        let mut filters = self.filters();
        let filter = match filters.now == Level::Debug.filter() {
            true => filters.first.clone(),
            false => Level::Debug.filter().to_owned(),
        };
        self.apply(&mut filters, filter);
    }

    fn apply(&self, filters: &mut Filters, filter: String) {
        match (self.0.apply)(&filter) {
            Ok(()) => {
                tracing::info!(filter, "changed the log level");
                filters.now = filter;
            }
            Err(error) => tracing::error!(error, filter, "could not change the log level"),
        }
    }

    fn filters(&self) -> MutexGuard<'_, Filters> {
        self.0.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogLevel").field(&self.filters().now).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Level, LogLevel};

    #[test]
    fn a_level_is_set_and_goes_back_to_what_it_was_at_the_start() {
        let applied: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&applied);
        let level = LogLevel::new("hyper=info".to_owned(), move |filter| {
            seen.lock().expect("whole").push(filter.to_owned());
            Ok(())
        });
        assert_eq!(level.now(), ("hyper=info".to_owned(), None));
        level.toggle();
        assert_eq!(level.now().1, Some(Level::Debug));
        level.toggle();
        level.set(Some(Level::Warn));
        level.set(None);
        assert_eq!(level.now().0, "hyper=info");
        assert_eq!(
            *applied.lock().expect("whole"),
            ["warn,fanfare=debug", "hyper=info", "warn", "hyper=info"]
        );
    }

    #[test]
    fn a_filter_that_is_refused_changes_nothing() {
        let level = LogLevel::new("warn".to_owned(), |_| Err("gone".to_owned()));
        level.set(Some(Level::Debug));
        assert_eq!(level.now(), ("warn".to_owned(), Some(Level::Warn)));
    }
}
