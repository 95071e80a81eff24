//! A writer that stops: what a template writes beyond the bound is never kept.

use std::io;

/// Bytes up to a bound.
#[derive(Debug)]
pub(super) struct Limited {
    /// What was written.
    pub(super) bytes: Vec<u8>,
    /// Whether more was to be written.
    pub(super) is_full: bool,
    len_max: usize,
}

impl Limited {
    /// Creates an empty writer of at most `len_max` bytes.
    pub(super) fn new(len_max: usize) -> Limited {
        Limited { bytes: Vec::new(), is_full: false, len_max }
    }
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.len_max {
            self.is_full = true;
            return Err(io::Error::other("the bound of the body"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
