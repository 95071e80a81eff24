//! The log that a command works on.

use std::path::PathBuf;

use crate::cli::settings::Key;
use crate::cli::{Context, Failure, serve};
use crate::engines::StoreSpec;

/// The flag that names the log.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreFlag {
    /// Path of the log [default: that of `fanfare serve`]
    #[arg(long, value_name = "PATH")]
    store: Option<String>,
}

impl StoreFlag {
    /// Returns the setting that was given as a flag.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Key, Vec<String>)> + use<> {
        self.store.clone().into_iter().map(|path| (Key::Store, vec![path]))
    }

    /// Returns the path of the log, from the flag or the other settings.
    pub(crate) fn path(context: &Context) -> Result<PathBuf, Failure> {
        match serve::store_spec(&context.settings)? {
            StoreSpec::Embedded(path) => Ok(path),
            StoreSpec::Memory => Err(Failure::usage("a log in memory has no file")
                .fix("name the file of a log with --store PATH or FANFARE_STORE")),
        }
    }
}
