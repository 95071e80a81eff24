//! A small disk of its own, for tests in which the disk is full or cannot be written.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// Returns whether this process may change any file and mount disks.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Runs a program; returns whether it succeeded.
pub fn run(program: &str, arguments: &[&OsStr]) -> bool {
    Command::new(program).args(arguments).status().is_ok_and(|status| status.success())
}

/// Reports that a check was left out, bypassing the test runner, which would swallow it.
pub fn not_checked(why: &str) {
    let _ = writeln!(std::io::stderr(), "{why}");
}

/// A small disk of its own, gone when dropped.
#[derive(Debug)]
pub struct Disk {
    directory: tempfile::TempDir,
}

impl Disk {
    /// Mounts a disk; `None` if this process may not.
    pub fn mount(size: &str) -> Option<Disk> {
        let directory = tempfile::tempdir().expect("a directory");
        let size = format!("size={size}");
        let arguments = ["-t", "tmpfs", "-o", &size, "tmpfs"].map(OsStr::new);
        let mounted = is_root() && run("mount", &[&arguments[..], &[directory.path().as_os_str()]].concat());
        mounted.then_some(Disk { directory })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Makes the disk read-only.
    pub fn make_read_only(&self) {
        let options = ["-o", "remount,ro"].map(OsStr::new);
        assert!(run("mount", &[&options[..], &[self.path().as_os_str()]].concat()), "remounted");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &[self.path().as_os_str()]);
    }
}
