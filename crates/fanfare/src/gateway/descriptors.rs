//! Open files and sockets: their maximum, and their distribution.

use super::Config;

/// Descriptors that are kept for files and pipes.
const RESERVED: u64 = 256;
/// Connections to webhooks can use one in this many descriptors.
const WEBHOOKS_SHARE: usize = 4;

/// The maximum numbers of sockets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descriptors {
    /// Connections to webhooks.
    pub(super) to_webhooks: usize,
    /// Connections that are accepted.
    pub(super) for_connections: usize,
}

impl Descriptors {
    /// Distributes what the system allows, up to what the configuration asks for.
    pub(super) fn shared_out(config: &Config) -> Descriptors {
        let allowed = allowed();
        let to_webhooks = config.webhooks.sockets_max.min(allowed / WEBHOOKS_SHARE);
        let for_connections = config.http.max_connections.min(allowed.saturating_sub(to_webhooks));
        Descriptors { to_webhooks, for_connections }
    }
}

/// Raises the limit of open descriptors as far as it goes, and returns how many connections that allows.
fn allowed() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let allowed = allowed.map_or(u64::MAX, |allowed| allowed.saturating_sub(RESERVED));
    usize::try_from(allowed).unwrap_or(usize::MAX)
}
