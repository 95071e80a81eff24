//! Behaviour, from outside.

mod store_contract;
mod store_model;
