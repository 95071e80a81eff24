//! Watches the log: a test in which something logged an error has failed, whatever it asserted.

use std::fmt;
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The name of the thread, and the logged text.
static ERRORS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

struct Errors;

#[derive(Default)]
struct Words(String);

/// Starts to watch; further calls change nothing.
pub(crate) fn listen() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Errors);
        // Another listener in this process would have to be of the tests themselves.
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens to the log");
    });
}

/// Removes and returns the errors of threads whose names start with `prefix`, and those of reactors, which are shared
/// by all tests.
pub(crate) fn take(prefix: &str) -> Vec<String> {
    let mut errors = ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
    let is_ours = |thread: &str| thread == prefix || thread.starts_with("reactor-");
    let ours = errors.iter().filter(|(thread, _)| is_ours(thread)).map(|(_, words)| words.clone()).collect();
    errors.retain(|(thread, _)| !is_ours(thread));
    ours
}

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        let mut words = Words::default();
        event.record(&mut words);
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        ERRORS.lock().unwrap_or_else(PoisonError::into_inner).push((thread, words.0));
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}
