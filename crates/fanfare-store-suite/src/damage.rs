//! Damage to a file, as a disk does it.

use std::fs;
use std::path::Path;

/// Flips a bit of `text` in the file at `path`, wherever it is there: where a tree of SQLite has grown, there is another
/// copy that nobody reads.
pub fn flip_a_bit(path: &Path, text: &str) {
    let mut file = fs::read(path).expect("a file");
    let places: Vec<_> = (0..file.len()).filter(|at| file[*at..].starts_with(text.as_bytes())).collect();
    assert!(!places.is_empty(), "`{text}` is not in it");
    for at in places {
        file[at] ^= 1;
    }
    fs::write(path, file).expect("written");
}
