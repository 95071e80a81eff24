//! Unix sockets as files: created for their owner and group, and not left behind.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use tokio::net::UnixListener;

use crate::net::limits::BACKLOG;

/// The mode of the socket, before the umask. There is no authentication: everyone who can connect can push.
const MODE: Mode = Mode::RUSR.union(Mode::WUSR).union(Mode::RGRP).union(Mode::WGRP);

/// Listens at `path`. An existing socket that nobody listens on was left behind, and is replaced.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    let left_behind = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if left_behind {
        fs::remove_file(path)?;
    }
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // Set before the file exists, so that nobody connects in between: the file gets the mode of the socket
    // (unix(7)).
    rustix::fs::fchmod(&socket, MODE)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    UnixListener::from_std(std::os::unix::net::UnixListener::from(std::os::fd::OwnedFd::from(socket)))
}

/// The file of a socket that this process has made, also as the program that it ran before; dropping this removes the
/// file, unless another one has replaced it.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Its device and inode: another process may have replaced it.
    identity: (u64, u64),
}

impl SocketFile {
    /// Notes the file at `path`.
    pub fn at(path: &Path) -> io::Result<SocketFile> {
        Ok(SocketFile { path: path.to_owned(), identity: identity(path)? })
    }

    /// Returns the file at `path` if a process that passed its socket on gave it this name: the file of any other socket
    /// that is passed, as by systemd, is not for its new owner to remove.
    pub fn named(name: &str, path: &Path) -> Option<SocketFile> {
        let identity = identity(path).ok().filter(|identity| name_of(*identity) == name)?;
        Some(SocketFile { path: path.to_owned(), identity })
    }

    /// Returns the name of the socket for a process that it is passed to (`sd_listen_fds_with_names(3)`).
    pub fn name(&self) -> String {
        name_of(self.identity)
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

fn name_of((device, inode): (u64, u64)) -> String {
    format!("fanfare-{device}-{inode}")
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = identity(&self.path).is_ok_and(|identity| identity == self.identity);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "could not remove the socket {}", self.path.display());
        }
    }
}
