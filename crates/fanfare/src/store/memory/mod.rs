//! Memory, for tests and demos.
