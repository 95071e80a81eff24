//! The table of connections, with the limits on their number: in total, from one place, and of those that last.
//!
//! A connection that lasts (an event stream, a WebSocket, a wait) cannot be used by anyone else. So a part of
//! all connections is reserved for requests that are answered at once: even if one caller takes every stream,
//! others can push, and an operator can ask what is wrong. Connections without a request give up their places
//! to new ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fanfare_core::caller::Place;
use fanfare_core::{Code, Peer};
use prometheus_client::metrics::gauge::Gauge;

use crate::net::activity::{Activity, Running};
use crate::net::limits::LimitedBy;
use crate::problem::Problem;

/// One in this many connections is reserved for requests that are answered at once.
const KEPT_FOR_SHORT: usize = 8;
/// One in this many lasting connections is reserved for places other than the one with the most.
const KEPT_FOR_OTHERS: usize = 4;
/// Number of connections that make room at once, because finding the longest idle ones needs a look at all.
/// While they close, the limit can be exceeded by this number.
const SPARED_MAX: usize = 64;
/// Minimum interval between searches for idle connections after one that found none.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// When to try again.
const LATER: Duration = Duration::from_secs(5);

/// Counts connections.
#[derive(Debug)]
pub struct Connections {
    in_all_max: usize,
    limited_by: LimitedBy,
    /// The limit for each place that is not on this machine: behind a local proxy, all clients share one place.
    per_address_max: usize,
    /// Guards the table; held for one look-up, or for one search for idle connections.
    open: Mutex<Open>,
    gauge: Gauge,
    /// Those of them that last.
    lasting: Gauge,
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    lasting: usize,
    by_place: HashMap<Place, Count>,
    next: u64,
    /// The time of the last search at the limit for all that found nothing idle.
    looked: Option<Instant>,
}

/// The connections of one place.
#[derive(Debug, Default)]
struct Count {
    /// Includes the streams that count as connections.
    open: usize,
    lasting: usize,
    /// The connections themselves, by number: a place at its own limit is searched alone.
    entries: HashMap<u64, Arc<Activity>>,
    /// The time of the last search at the limit of the place that found nothing idle: it must not keep another place
    /// from a search.
    looked: Option<Instant>,
}

/// The right to one connection; released on drop.
#[derive(Debug)]
pub struct Permit {
    connections: Arc<Connections>,
    place: Place,
    /// The number in the table.
    number: u64,
    activity: Arc<Activity>,
}

/// The right to one stream of a connection that has one already; released on drop.
#[derive(Debug)]
pub struct Another {
    connections: Arc<Connections>,
    place: Place,
}

/// The right of a connection to last; released on drop.
#[derive(Debug)]
pub struct Lasting {
    connections: Arc<Connections>,
    place: Place,
}

impl Connections {
    /// Creates the limits.
    pub fn new(
        in_all_max: usize,
        limited_by: LimitedBy,
        per_address_max: usize,
        gauge: Gauge,
        lasting: Gauge,
    ) -> Arc<Connections> {
        let open = Mutex::default();
        Arc::new(Connections { in_all_max, limited_by, per_address_max, open, gauge, lasting })
    }

    /// Counts one more connection from `peer`.
    pub fn admit(self: &Arc<Self>, peer: &Peer) -> Result<Permit, Problem> {
        let place = Place::of(*peer);
        let mut open = self.open();
        self.count(&mut open, place)?;
        let (number, activity) = (open.next, Activity::new());
        open.next += 1;
        open.enter(place, number, &activity);
        self.gauge.inc();
        Ok(Permit { connections: Arc::clone(self), place, number, activity })
    }

    /// Returns `place` if it is at the limit for one place.
    fn one_place(&self, open: &Open, place: Place) -> Option<Place> {
        let in_place = open.by_place.get(&place).map_or(0, |count| count.open);
        (!place.is_local() && in_place >= self.per_address_max).then_some(place)
    }

    fn check(&self, open: &Open, place: Place) -> Result<(), Problem> {
        if open.in_all >= self.in_all_max {
            return Err(Problem::new(
                Code::TooManyConnections,
                format!("the gateway is at its limit of {} connections", self.in_all_max),
                match self.limited_by {
                    LimitedBy::MaxConnections => {
                        "try again later; the operator can raise `--max-connections`"
                    }
                    LimitedBy::OpenFiles => "try again later; the operator can raise the limit on open files",
                },
            )
            .over("connections", LATER));
        }
        if self.one_place(open, place).is_some() {
            return Err(Problem::new(
                Code::TooManyConnections,
                format!("this IP address already has {} connections", self.per_address_max),
                "close some; the operator can raise `--max-connections-per-address`",
            )
            .over("connections_per_address", LATER));
        }
        Ok(())
    }

    /// Counts one more in `place`; at the limit, connections without a request give up theirs.
    fn count(&self, open: &mut Open, place: Place) -> Result<(), Problem> {
        if self.check(open, place).is_err() {
            let in_place = self.one_place(open, place);
            open.make_room(in_place);
            self.check(open, place)?;
        }
        open.in_all += 1;
        open.by_place.entry(place).or_default().open += 1;
        Ok(())
    }

    /// Counts one more connection that lasts.
    fn last(self: &Arc<Self>, open: &mut Open, place: Place) -> Result<Lasting, Problem> {
        let most = |kept: usize| self.in_all_max - self.in_all_max / kept;
        let (in_all_max, each_max) = (most(KEPT_FOR_SHORT), most(KEPT_FOR_OTHERS));
        let count = open.by_place.get(&place).map_or(0, |count| count.lasting);
        let (limit, what) = match () {
            () if open.lasting >= in_all_max => {
                ("streams", format!("the gateway is at its limit of {in_all_max} streams, sockets and waits"))
            }
            () if count >= each_max => (
                "streams_per_caller",
                format!("you have {each_max} streams, sockets and waits, the maximum for one caller"),
            ),
            () => {
                open.lasting += 1;
                self.lasting.inc();
                open.by_place.entry(place).or_default().lasting += 1;
                return Ok(Lasting { connections: Arc::clone(self), place });
            }
        };
        let fix = "close some, or try again later; the operator can raise `--max-connections`";
        Err(Problem::new(Code::TooManyConnections, what, fix).over(limit, LATER))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Asks the longest-idle connections without a request to end, and frees their places at once. Looks at
    /// those of `place`; without one, at those of the place with the most connections, and then at all.
    fn make_room(&mut self, place: Option<Place>) {
        let now = Instant::now();
        let looked = self.looked(place).is_some_and(|looked| now < looked + LOOK_INTERVAL);
        if looked {
            return;
        }
        let fullest = self.by_place.iter().max_by_key(|(_, count)| count.open).map(|(place, _)| *place);
        let mut idle = match place.or(fullest) {
            Some(place) => self.by_place.get(&place).map_or_else(Vec::new, |count| count.idle(place)),
            None => Vec::new(),
        };
        if idle.is_empty() && place.is_none() {
            idle = self.by_place.iter().flat_map(|(place, count)| count.idle(*place)).collect();
        }
        *self.looked(place) = idle.is_empty().then_some(now);
        idle.sort_unstable_by_key(|idle| (idle.since, idle.number));
        // A connection that has received a request since the search keeps its place.
        let spared = idle.into_iter().filter(|idle| idle.activity.give_up()).take(SPARED_MAX);
        for Idle { place, number, .. } in spared {
            self.exit(place, number);
        }
    }

    /// Returns the time of the last search for idle connections of `place`, or of all, that found nothing.
    fn looked(&mut self, place: Option<Place>) -> &mut Option<Instant> {
        match place.and_then(|place| self.by_place.get_mut(&place)) {
            Some(count) => &mut count.looked,
            None => &mut self.looked,
        }
    }

    fn has(&self, place: Place, number: u64) -> bool {
        self.by_place.get(&place).is_some_and(|count| count.entries.contains_key(&number))
    }

    /// Adds a connection that has been counted.
    fn enter(&mut self, place: Place, number: u64, activity: &Arc<Activity>) {
        self.by_place.entry(place).or_default().entries.insert(number, Arc::clone(activity));
    }

    /// Removes a connection, and counts one less.
    fn exit(&mut self, place: Place, number: u64) {
        self.change(place, |count| _ = count.entries.remove(&number));
        self.leave(place);
    }

    /// Counts one less in `place`.
    fn leave(&mut self, place: Place) {
        self.in_all -= 1;
        self.change(place, |count| count.open -= 1);
    }

    fn change(&mut self, place: Place, change: impl FnOnce(&mut Count)) {
        if let Some(count) = self.by_place.get_mut(&place) {
            change(count);
            if count.open == 0 && count.lasting == 0 {
                self.by_place.remove(&place);
            }
        }
    }
}

/// A connection without a request.
struct Idle {
    since: Duration,
    place: Place,
    number: u64,
    activity: Arc<Activity>,
}

impl Count {
    /// Returns the connections without a request.
    fn idle(&self, place: Place) -> Vec<Idle> {
        let idle = |(number, activity): (&u64, &Arc<Activity>)| {
            let since = activity.idle_since()?;
            Some(Idle { since, place, number: *number, activity: Arc::clone(activity) })
        };
        self.entries.iter().filter_map(idle).collect()
    }
}

impl Permit {
    /// Counts a stream of this connection as one more connection.
    pub(super) fn another(&self) -> Result<Another, Problem> {
        self.connections.count(&mut self.connections.open(), self.place)?;
        self.connections.gauge.inc();
        Ok(Another { connections: Arc::clone(&self.connections), place: self.place })
    }

    /// Records that a request has begun; the connection keeps its place until the request is over. Fails if the
    /// connection has given up its place and no other is free.
    pub(super) fn begin(&self) -> Result<Running, Problem> {
        let (running, has_given_up) = self.activity.begin();
        if has_given_up {
            let mut open = self.connections.open();
            // Another request of the connection may have taken a place first.
            if !open.has(self.place, self.number) {
                self.connections.count(&mut open, self.place)?;
                open.enter(self.place, self.number, &self.activity);
                self.activity.stay();
            }
        }
        Ok(running)
    }

    /// Returns whether the connection has no request.
    pub(super) fn is_idle(&self) -> bool {
        self.activity.is_idle()
    }

    /// Counts this connection, or one of its streams, as one that lasts, during a request.
    pub(super) fn last(&self) -> Result<Lasting, Problem> {
        self.connections.last(&mut self.connections.open(), self.place)
    }

    /// Waits until the connection should end, because others need its place.
    pub(super) async fn asked_to_leave(&self) {
        self.activity.asked_to_leave().await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        // A connection that has given up its place no longer counts.
        if open.has(self.place, self.number) {
            open.exit(self.place, self.number);
        }
        drop(open);
        self.connections.gauge.dec();
    }
}

impl Drop for Another {
    fn drop(&mut self) {
        self.connections.open().leave(self.place);
        self.connections.gauge.dec();
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.lasting -= 1;
        self.connections.lasting.dec();
        open.change(self.place, |count| count.lasting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_core::Peer;
    use prometheus_client::metrics::gauge::Gauge;

    use super::{Connections, Permit};
    use crate::net::limits::LimitedBy;

    const LOCAL: [u8; 4] = [127, 0, 0, 1];
    const REMOTE: [u8; 4] = [192, 0, 2, 1];

    fn connections(in_all_max: usize, per_address_max: usize) -> Arc<Connections> {
        Connections::new(
            in_all_max,
            LimitedBy::MaxConnections,
            per_address_max,
            Gauge::default(),
            Gauge::default(),
        )
    }

    fn admit(connections: &Arc<Connections>, address: [u8; 4]) -> Option<Permit> {
        connections.admit(&Peer::from(std::net::SocketAddr::from((address, 1)))).ok()
    }

    #[test]
    fn a_request_that_begins_too_late_takes_a_place_again_or_is_refused() {
        let connections = connections(2, 2);
        let open = || connections.open().in_all;
        let (first, second) =
            (admit(&connections, LOCAL).expect("room"), admit(&connections, LOCAL).expect("room"));
        let third = admit(&connections, LOCAL).expect("the others are idle");
        assert_eq!(open(), 1, "both have given up their places");
        let running = third.begin().expect("a place");
        let again = first.begin().expect("a place");
        assert_eq!(open(), 2);
        second.begin().expect_err("no room");
        drop((again, running));
        assert_eq!(open(), 2, "a place is kept until the connection ends");
        drop((first, second, third));
        assert_eq!(open(), 0);
    }

    #[test]
    fn a_place_at_its_own_limit_does_not_stop_others_from_making_room() {
        let connections = connections(4, 2);
        let remote: Vec<_> = (0..2).map(|_| admit(&connections, REMOTE).expect("room")).collect();
        let running: Vec<_> = remote.iter().map(|permit| permit.begin().expect("a place")).collect();
        let local: Vec<_> = (0..2).map(|_| admit(&connections, LOCAL).expect("room")).collect();
        assert!(admit(&connections, REMOTE).is_none(), "it is at its limit, and nothing there is idle");
        assert!(admit(&connections, LOCAL).is_some(), "the idle ones make room");
        drop((running, remote, local));
    }
}
