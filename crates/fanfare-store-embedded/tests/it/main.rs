//! The embedded engine: the contracts, and the cases that only a file can have.

mod contract;
mod crashes;
mod damage;
mod export;
mod faults;
mod floor;
mod full_disk;
mod import;
mod originals;
mod purge;
mod replaced;
mod restore;
mod upgrade;
