//! What the trials share that look for faults: a seed, so that one can be run again, and a place for their files.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::report::say;

#[derive(Clone, Debug, clap::Args)]
// Its name would be that of the options that it is a part of.
#[group(skip)]
pub(crate) struct Options {
    /// Determines what happens in the trial, as far as this program decides it [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// Directory for the files; those of a trial that found a fault are kept [default: the directory for temporary files]
    #[arg(long)]
    store_dir: Option<PathBuf>,
}

impl Options {
    /// Returns the seed, and says it.
    pub(crate) fn seed(&self) -> u64 {
        let by_time = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_millis() as u64);
        let seed = self.seed.unwrap_or_else(by_time);
        say(format_args!("seed {seed}"));
        seed
    }

    /// Creates a directory, which is removed when it is dropped.
    pub(crate) fn directory(&self) -> Result<TempDir> {
        let directory = match &self.store_dir {
            Some(directory) => TempDir::new_in(directory),
            None => TempDir::new(),
        };
        directory.context("no place for the files")
    }
}
