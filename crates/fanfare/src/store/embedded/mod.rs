//! SQLite, in the file that the operator names.
