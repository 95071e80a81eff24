//! The files of the repository as they lie in the folders: a copy without `.git` is tested, too, and so is a clone of
//! somebody else, about which git says nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders of third-party and generated files, by name.
const OTHERS: &[&str] = &[".git", ".test", "node_modules", "target"];

/// Returns the repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// Returns the text files in `folder` and below it for which `is_wanted` is true: each with its path below `folder`,
/// `/` between the parts, and its text.
pub(crate) fn texts_below(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            let below = path.strip_prefix(folder).expect("below").to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                let name = path.file_name().expect("a name").to_string_lossy();
                if !OTHERS.contains(&&*name) {
                    folders.push(path);
                }
            } else if is_wanted(&below)
                && let Ok(text) = fs::read_to_string(&path)
            {
                found.push((below, text));
            }
        }
    }
    found
}
