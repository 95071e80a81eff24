//! Limits the open connections to receivers: in total, because each costs a descriptor, and to each host,
//! because the webhooks of many people could otherwise overwhelm it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use fanfare_webhook::url::TargetHost;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum connections by default: with more concurrent requests, the machine has other bottlenecks.
pub const SOCKETS_MAX: usize = 4_096;
/// Maximum connections to one host: a sixteenth of all.
pub const HOST_SOCKETS_MAX: usize = 256;
/// Number of hosts from which on those without an open connection are forgotten.
const HOSTS_KEPT: usize = 1_024;

/// The permits for open connections.
#[derive(Debug, Clone)]
pub struct Sockets {
    all: Permits,
    each_max: usize,
    /// Guards the permits of the hosts; held for one look-up.
    hosts: Arc<Mutex<Hosts>>,
}

#[derive(Debug)]
struct Hosts {
    each: HashMap<TargetHost, Weak<Semaphore>>,
    /// Number of hosts at which those without a connection are forgotten: twice as many as then remain, so that a
    /// look through all of them is rare, however many are in use.
    forget_at: usize,
}

#[derive(Debug, Clone)]
struct Permits {
    free: Arc<Semaphore>,
    /// The number of permits that idle connections leave free for requests.
    reserved: usize,
}

/// A permit for one connection, held until it is dropped.
#[derive(Debug)]
pub struct Socket {
    all: Permits,
    host: Permits,
    _permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Sockets {
    /// Creates `most` permits for all hosts together, and `each` per host; at least one of both.
    pub fn new(most: usize, each: usize) -> Sockets {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let all = Permits::new(Arc::new(Semaphore::new(most)), most);
        let hosts = Hosts { each: HashMap::new(), forget_at: HOSTS_KEPT };
        Sockets { all, each_max: each.clamp(1, most), hosts: Arc::new(Mutex::new(hosts)) }
    }

    /// Waits for a permit to connect to `host`.
    pub(super) async fn take(&self, host: &TargetHost) -> Socket {
        let host = self.of_host(host);
        // The host's permit comes first: a request waiting for a busy host must not hold a permit that other
        // hosts could use.
        let of_host = host.take().await;
        let of_all = self.all.take().await;
        Socket { all: self.all.clone(), host, _permits: [of_host, of_all] }
    }

    fn of_host(&self, host: &TargetHost) -> Permits {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = hosts.each.get(host).and_then(Weak::upgrade);
        let free = known.unwrap_or_else(|| {
            if hosts.each.len() >= hosts.forget_at {
                hosts.each.retain(|_, free| free.strong_count() > 0);
                hosts.forget_at = HOSTS_KEPT.max(2 * hosts.each.len());
            }
            let free = Arc::new(Semaphore::new(self.each_max));
            hosts.each.insert(host.clone(), Arc::downgrade(&free));
            free
        });
        Permits::new(free, self.each_max)
    }
}

impl Permits {
    fn new(free: Arc<Semaphore>, most: usize) -> Permits {
        Permits { free, reserved: most.div_ceil(4) }
    }

    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    fn are_others_left(&self) -> bool {
        self.free.available_permits() >= self.reserved
    }
}

impl Socket {
    /// Returns `true` if enough permits are left for others.
    pub(super) fn are_others_left(&self) -> bool {
        self.all.are_others_left() && self.host.are_others_left()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use fanfare_webhook::url::TargetHost;

    use super::{HOST_SOCKETS_MAX, HOSTS_KEPT, SOCKETS_MAX, Sockets};

    #[test]
    fn hosts_are_looked_through_rarely_however_many_are_in_use() {
        const IN_USE: u32 = 4_000;
        let sockets = Sockets::new(SOCKETS_MAX, HOST_SOCKETS_MAX);
        let host = |number: u32| TargetHost::Ip(Ipv4Addr::from(number).into());
        let known = || sockets.hosts.lock().expect("no panic").each.len();
        let in_use: Vec<_> = (0..IN_USE).map(|number| sockets.of_host(&host(number))).collect();
        let mut looks = 0;
        for number in IN_USE..4 * IN_USE {
            let before = known();
            drop(sockets.of_host(&host(number)));
            looks += u32::from(known() <= before);
        }
        assert!((1..=3).contains(&looks), "{looks} looks at all hosts");
        drop(in_use);
        for number in 0..3 * IN_USE {
            sockets.of_host(&host(number));
        }
        assert!(known() <= HOSTS_KEPT, "what was in use is forgotten later");
    }
}
