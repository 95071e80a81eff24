//! The embedded engine: the contracts, and what only a file can go through.

mod contract;
mod crashes;
mod faults;
mod full_disk;
mod upgrade;
