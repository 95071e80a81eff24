//! Errors of a gateway in this process: why it did not start or had to stop, and what to do about it.

use std::time::Duration;

use fanfare_client::{Api, Target};
use fanfare_core::Endpoint;
use fanfare_runtime::parts;
use fanfare_server::net::listeners;
use fanfare_store as store;

use crate::cli::{Failure, failure};
use crate::engines::OpenError;

/// The next step if the file of the log cannot be used.
const CHOOSE_ANOTHER: &str = "choose another file with --store PATH or FANFARE_STORE";

/// Returns the error for a gateway that did not start on the addresses `listen`.
pub(crate) async fn cannot_start(error: &anyhow::Error, listen: &[Endpoint]) -> Failure {
    if let Some(error) = error.downcast_ref::<OpenError>() {
        return open_failure(error);
    }
    if let Some(error) = error.downcast_ref::<store::Error>() {
        return store_failure(error);
    }
    let cause = error.downcast_ref::<std::io::Error>();
    let failure = Failure::failed(error.to_string());
    let Some(cause) = cause else { return failure };
    let failure = failure.why(failure::said(cause));
    if cause.kind() == std::io::ErrorKind::PermissionDenied {
        return failure.fix("use a port above 1023, or allow binding to lower ones");
    }
    if cause.kind() != std::io::ErrorKind::AddrInUse {
        return failure.fix("list the addresses of this machine with `ip address`");
    }
    let failure = failure.fix("pick a free port: --listen 127.0.0.1:0");
    for endpoint in listen {
        if let Some(version) = gateway_at(endpoint).await {
            let url = listeners::url(endpoint);
            let why = format!("a Fanfare gateway (version {version}) is already running at {url}");
            return failure.why(why).fix("use that one, or pick a free port: --listen 127.0.0.1:0");
        }
    }
    failure
}

/// Returns the version of the gateway that already uses `endpoint`, if one does.
async fn gateway_at(endpoint: &Endpoint) -> Option<String> {
    const PATIENCE: Duration = Duration::from_secs(1);
    let target = Target { server: listeners::url(endpoint), token: None, timeout: PATIENCE };
    let api = Api::new(target).ok()?;
    api.status().await.ok().map(|status| status.value.version.into_owned())
}

/// Returns the error for a gateway that had to stop.
pub(crate) fn gateway_failure(failure: &parts::Failure) -> Failure {
    match failure.error::<store::Error>() {
        Some(error) => store_failure(error),
        None => Failure::failed(format!("the gateway had to stop: {failure}"))
            .fix("start it again; the log lines before this error say more"),
    }
}

/// Returns the error for a file that cannot be opened as the log.
pub(crate) fn open_failure(error: &OpenError) -> Failure {
    match error {
        OpenError::Corrupt { path, problem } => Failure::failed(format!("`{}` is damaged", path.display()))
            .why(problem.as_str())
            .fix("restore it from a backup, or move it away to start a new log"),
        OpenError::DiskFull { path } => Failure::failed("the disk is full")
            .fix(format!("free space on the volume of `{}`", path.display())),
        OpenError::Foreign { path, problem } => {
            Failure::failed(format!("`{}` is not a Fanfare store", path.display()))
                .why(problem.as_str())
                .fix(CHOOSE_ANOTHER)
        }
        OpenError::Io { path, problem } => Failure::failed(format!("cannot use `{}`", path.display()))
            .why(problem.as_str())
            .fix(CHOOSE_ANOTHER),
        OpenError::Locked { path, owner } => {
            let failure = Failure::failed(format!("`{}` is in use by another process", path.display()));
            let failure = match owner {
                Some(owner) => failure.why(format!("its owner is {owner}")),
                None => failure,
            };
            failure.fix(format!("stop that process, or {CHOOSE_ANOTHER}"))
        }
        OpenError::Other { problem } => Failure::failed("cannot open the log").why(problem.as_str()),
        OpenError::TooNew { path, found, known } => {
            Failure::failed(format!("`{}` was written by a later version of Fanfare", path.display()))
                .why(format!("its schema is {found}, and this version knows up to {known}"))
                .fix("use the version that wrote it")
        }
    }
}

/// Returns the error for a log that failed after it was opened.
pub(crate) fn store_failure(error: &store::Error) -> Failure {
    use store::Error;
    match error {
        Error::Damaged { problem } => Failure::failed("the log is damaged")
            .why(problem.as_str())
            .fix("restore it from a backup, or move it away to start a new log"),
        Error::DiskFull { path } => Failure::failed("the disk is full")
            .fix(format!("free space on the volume of `{}`", path.display())),
        // These have no next step that belongs to the command line.
        Error::Closed
        | Error::EpochChanged { .. }
        | Error::Fatal { .. }
        | Error::Fenced { .. }
        | Error::NameTaken { .. }
        | Error::Other { .. }
        | Error::Purged { .. }
        | Error::Settled { .. }
        | Error::IdempotencyConflict { .. }
        | Error::TooManyChannels { .. }
        | Error::TooManyPurgedChannels { .. }
        | Error::TooManyNewChannels { .. }
        | Error::TooManyReaders { .. }
        | Error::TooManySources { .. }
        | Error::TooManyWebhooks { .. }
        | Error::Unavailable { .. }
        | Error::Unknown { .. }
        | Error::UrlTaken { .. }
        | Error::WebhookChanged { .. } => Failure::failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::open_failure;
    use crate::engines::OpenError;

    #[test]
    fn a_path_is_shown_whole_whatever_it_contains() {
        let path = "a; b/x.db";
        let failure = open_failure(&OpenError::Io { path: path.into(), problem: "no; such".to_owned() });
        assert_eq!(&*failure.what, "cannot use `a; b/x.db`");
        assert_eq!(failure.why.as_deref(), Some("no; such"));
        assert_eq!(failure.fix.as_deref(), Some("choose another file with --store PATH or FANFARE_STORE"));
    }
}
