//! The floor of a durable push: the minimum time in which a disk stores one page.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
    time::Instant,
};

use anyhow::Result;

use crate::histogram::Histogram;

const WRITES: usize = 500;
/// Bytes that a commit of one event appends to the write-ahead log: a page and its header, or a little more.
const PAGE: [u8; 4096 + 24] = [0x5a; 4096 + 24];
/// The write-ahead log is overwritten from its start after each checkpoint, so its file does not grow.
const FILE_LEN: u64 = 4 * 1024 * 1024;

/// Milliseconds for a write and its `fdatasync(2)`, the median of many, in a file of `directory`.
pub(crate) fn sync_p50_ms(directory: &Path) -> Result<f64> {
    let mut file: File = tempfile::tempfile_in(directory)?;
    file.write_all(&vec![0; FILE_LEN as usize])?;
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let mut latency = Histogram::new();
    for _ in 0..WRITES {
        let start = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        latency.record(start.elapsed().as_nanos() as u64);
    }
    Ok(latency.quantile_us(0.5) / 1e3)
}
