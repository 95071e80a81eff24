//! The options of a registration: nothing panics, every refusal names the place and the fix, accepted options come back
//! from the store, and no header ends its line.

#![no_main]

use fanfare_core::Invalid;
use fanfare_webhook::options::Options;
use fanfare_webhook::patch::{Patch, Registration};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    match Registration::parse(body) {
        Ok(registration) => {
            let mut options = Options::default();
            options.apply(registration.options).expect("a registration does not contradict itself");
            check(&options);
        }
        Err(error) => explains(&error),
    }
    match Patch::parse(body) {
        Ok(patch) => {
            let mut options = Options::default();
            match options.apply(patch) {
                Ok(()) => check(&options),
                Err(error) => {
                    explains(&error);
                    assert_eq!(options, Options::default(), "what is refused changes nothing");
                }
            }
        }
        Err(error) => explains(&error),
    }
});

fn check(options: &Options) {
    assert_eq!(Options::from_stored(&options.to_stored()).as_ref(), Ok(options));
    assert!((1..=options.concurrency).contains(&options.in_flight_max()));
    for (name, value) in options.headers.reveal() {
        assert!(value.bytes().chain(name.bytes()).all(|byte| (b' '..=b'~').contains(&byte)), "{name:?}");
        assert!(
            !["host", "content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str())
        );
    }
    if let Some(auth) = &options.auth {
        assert!(!auth.header_value().contains(['\r', '\n']));
    }
}

fn explains(error: &Invalid) {
    assert!(!error.what.is_empty() && !error.fix.is_empty());
    assert!(error.at.is_empty() || error.at.starts_with('/'), "{}", error.at);
    assert!(error.what.len() < 2000, "an answer does not repeat the question");
}
