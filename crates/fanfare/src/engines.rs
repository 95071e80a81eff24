//! The store to open: the value of `--store`.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use fanfare_store::memory::Memory;
use fanfare_store::{Clock, Retention, Store};
use fanfare_store_embedded::Embedded;
pub use fanfare_store_embedded::OpenError;

/// A store to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreSpec {
    /// The embedded engine, with this file.
    Embedded(PathBuf),
    /// The memory engine.
    Memory,
}

/// Opens a store, with the clock that stamps its events. Blocks: the embedded engine reads its file.
pub fn open(spec: &StoreSpec, retention: Retention, clock: Clock) -> Result<Store, OpenError> {
    match spec {
        StoreSpec::Embedded(path) => Ok(Store::new(Embedded::open_with_clock(path, retention, clock)?)),
        StoreSpec::Memory => Ok(Store::new(Memory::with_clock(retention, clock))),
    }
}

impl FromStr for StoreSpec {
    type Err = Infallible;

    /// Reads `memory`, or anything else as a path; a file of that name is `./memory`.
    fn from_str(text: &str) -> Result<StoreSpec, Infallible> {
        match text {
            "memory" => Ok(StoreSpec::Memory),
            path => Ok(StoreSpec::Embedded(PathBuf::from(path))),
        }
    }
}

impl fmt::Display for StoreSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreSpec::Embedded(path) => path.display().fmt(f),
            StoreSpec::Memory => f.write_str("memory"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::StoreSpec;

    #[test]
    fn a_spec_reads_back_as_it_was_written() {
        for text in ["memory", "./memory", "/var/lib/fanfare/log.db", "log.db"] {
            let Ok(spec) = text.parse::<StoreSpec>();
            assert_eq!(spec.to_string(), text);
        }
        let Ok(spec) = "./memory".parse::<StoreSpec>();
        assert_eq!(spec, StoreSpec::Embedded(Path::new("./memory").to_owned()));
    }
}
