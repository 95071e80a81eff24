//! Behaviour, from outside.

mod readme;
mod store_contract;
mod store_crashes;
mod store_faults;
mod store_model;
