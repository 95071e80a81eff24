//! Trust in project files.
//!
//! `./fanfare.toml` comes with a folder, which may be somebody else's: it could name a server that gets the user's
//! token, a file that is sent as the token, or an address that others can reach. So it sets what does no harm, and
//! anything else once the user has looked at it. Trust is in the content: a file that changes has to be trusted again.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};

use crate::cli::failure::Failure;
use crate::cli::settings::file::{File, TOOL};
use crate::cli::settings::{self, Key};

/// Maximum files that are trusted at once; the newest stay.
const TRUSTED_MAX: usize = 1_000;

/// Returns the settings of a project file that need trust.
pub(crate) fn that_need_trust(file: &File) -> impl Iterator<Item = &(Key, Vec<String>)> {
    file.values.iter().filter(|(key, _)| !key.is_harmless())
}

/// Fails if the project file with this content sets something that the user has not trusted.
pub(super) fn check(file: &File, text: &str) -> Result<(), Failure> {
    let mut names: Vec<String> = that_need_trust(file).map(|(key, _)| format!("`{}`", key.name())).collect();
    // Their descriptions speak to the model.
    names.extend((!file.tools.is_empty()).then(|| format!("`[[{TOOL}]]`")));
    if names.is_empty() || trusted().lines().any(|line| line == hash(text)) {
        return Ok(());
    }
    let path = file.path.display();
    Err(Failure::usage(format!("`{path}` sets {}, and you have not trusted it", names.join(", ")))
        .coded("untrusted")
        .at(path.to_string())
        .why("a file that comes with a folder could send your token elsewhere, or let others in")
        .fix(format!("read it, then run `fanfare config trust`, or name it with `--config {path}`")))
}

/// Trusts the project file with this content.
pub(crate) fn trust(text: &str) -> Result<(), Failure> {
    let Some(path) = path() else {
        return Err(Failure::usage("cannot find your data directory").fix("set HOME or XDG_DATA_HOME"));
    };
    let (before, hash) = (trusted(), hash(text));
    let others = before.lines().filter(|line| *line != hash).take(TRUSTED_MAX - 1);
    let lines: String = std::iter::once(hash.as_str()).chain(others).flat_map(|line| [line, "\n"]).collect();
    replace(&path, &lines).map_err(|error| Failure::file("write", &path, &error))
}

fn path() -> Option<PathBuf> {
    settings::data_dir().map(|directory| directory.join("trusted"))
}

/// Returns the hashes of the trusted files, one per line; none if they cannot be read.
fn trusted() -> String {
    path().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
}

fn hash(text: &str) -> String {
    let mut hex = String::new();
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        write!(hex, "{byte:02x}").expect("a String takes every write");
    }
    hex
}

/// Replaces a file as a whole, so that a reader sees the old or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&new, path)
}
