//! Values and rules.
