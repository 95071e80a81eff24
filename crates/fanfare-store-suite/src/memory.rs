//! The engine in memory: the model that other engines are compared with.

use std::path::Path;

use fanfare_store::memory::Memory;
use fanfare_store::{Clock, Retention, Store};

use crate::harness::Setup;

/// The setup that opens stores in memory.
#[derive(Debug, Clone, Copy)]
pub struct InMemory;

impl Setup for InMemory {
    fn open(&self, _directory: &Path, retention: Retention, clock: Clock) -> Store {
        Store::new(Memory::with_clock(retention, clock))
    }

    fn survives(&self) -> bool {
        false
    }

    fn shares_commits(&self) -> bool {
        false
    }

    fn orphans(&self, _directory: &Path) -> u64 {
        0
    }
}
