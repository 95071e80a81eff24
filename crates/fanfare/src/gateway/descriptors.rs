//! Open files and sockets: their maximum, and their distribution.

use anyhow::ensure;
use fanfare_server::net::limits::LimitedBy;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Config;

/// Descriptors that are kept for files and pipes, or half of all if there are few. A gateway that serves nobody has
/// about 40 open.
const RESERVED: usize = 256;
/// Fewest open files that a gateway can run with.
const OPEN_FILES_MIN: usize = 128;
/// Connections to webhooks can use one in this many descriptors.
const WEBHOOKS_SHARE: usize = 4;
/// The number of connections below which the operator is told of the limit.
const FEW: usize = 1_024;

/// The maximum numbers of sockets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descriptors {
    /// Connections to webhooks.
    pub(super) to_webhooks: usize,
    /// Connections that are accepted.
    pub(super) for_connections: usize,
    /// What keeps it from being more.
    pub(super) limited_by: LimitedBy,
}

impl Descriptors {
    /// Distributes what the system allows, up to what the configuration asks for. Fails if that is too little to run.
    pub(super) fn shared_out(config: &Config) -> anyhow::Result<Descriptors> {
        Descriptors::of(open_files_max(), config.webhooks.sockets_max, config.http.max_connections)
    }

    fn of(open_files: usize, sockets_max: usize, connections_max: usize) -> anyhow::Result<Descriptors> {
        ensure!(
            open_files >= OPEN_FILES_MIN,
            "the limit on open files is {open_files}, and a gateway needs {OPEN_FILES_MIN}; raise it with `ulimit -n`, \
             or with `LimitNOFILE` in a systemd unit"
        );
        let allowed = open_files - RESERVED.min(open_files / 2);
        let to_webhooks = sockets_max.min(allowed / WEBHOOKS_SHARE);
        let left = allowed - to_webhooks;
        let limited_by =
            if left < connections_max { LimitedBy::OpenFiles } else { LimitedBy::MaxConnections };
        if left < connections_max.min(FEW) {
            tracing::warn!(connections = left, open_files, "the limit on open files allows few connections");
        }
        Ok(Descriptors { to_webhooks, for_connections: connections_max.min(left), limited_by })
    }
}

/// Raises the limit of open descriptors as far as it goes, and returns it.
fn open_files_max() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    allowed.and_then(|allowed| usize::try_from(allowed).ok()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use fanfare_server::net::limits::LimitedBy;

    use super::Descriptors;

    #[test]
    fn few_open_files_leave_room_for_connections_or_are_refused() {
        for (open_files, expected) in [
            (usize::MAX, Some((4_096, 65_536, LimitedBy::MaxConnections))),
            (1_024, Some((192, 576, LimitedBy::OpenFiles))),
            (256, Some((32, 96, LimitedBy::OpenFiles))),
            (128, Some((16, 48, LimitedBy::OpenFiles))),
            (127, None),
            (0, None),
        ] {
            let found = Descriptors::of(open_files, 4_096, 65_536).ok();
            let found = found.map(|found| (found.to_webhooks, found.for_connections, found.limited_by));
            assert_eq!(found, expected, "{open_files}");
        }
    }
}
