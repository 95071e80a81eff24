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
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    lasting: usize,
    by_place: HashMap<Place, Count>,
    /// The connections themselves, by number.
    entries: HashMap<u64, (Place, Arc<Activity>)>,
    next: u64,
    /// The time of the last search that found nothing idle.
    looked: Option<Instant>,
}

#[derive(Debug, Default)]
struct Count {
    open: usize,
    lasting: usize,
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
    ) -> Arc<Connections> {
        let open = Mutex::default();
        Arc::new(Connections { in_all_max, limited_by, per_address_max, open, gauge })
    }

    /// Counts one more connection from `peer`.
    pub fn admit(self: &Arc<Self>, peer: &Peer) -> Result<Permit, Problem> {
        let place = Place::of(*peer);
        let mut open = self.open();
        self.count(&mut open, place)?;
        let (number, activity) = (open.next, Activity::new());
        open.next += 1;
        open.entries.insert(number, (place, Arc::clone(&activity)));
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
        if self.looked.is_some_and(|looked| now < looked + LOOK_INTERVAL) {
            return;
        }
        let fullest = self.by_place.iter().max_by_key(|(_, count)| count.open).map(|(place, _)| *place);
        let mut idle: Vec<_> = self.idle(place.or(fullest));
        if idle.is_empty() && place.is_none() {
            idle = self.idle(None);
        }
        self.looked = idle.is_empty().then_some(now);
        idle.sort_unstable();
        // A connection that has received a request since the search keeps its place.
        let spared = idle.into_iter().filter_map(|(_, number)| {
            let (place, activity) = self.entries.get(&number)?;
            activity.give_up().then_some((number, *place))
        });
        let spared: Vec<_> = spared.take(SPARED_MAX).collect();
        for (number, place) in spared {
            self.entries.remove(&number);
            self.leave(place);
        }
    }

    /// Returns the idle connections of `place`, or all idle ones, with the time since which each is idle.
    fn idle(&self, place: Option<Place>) -> Vec<(Duration, u64)> {
        let entries = self.entries.iter().filter(|(_, (of, _))| place.is_none_or(|place| *of == place));
        entries.filter_map(|(number, (_, activity))| Some((activity.idle_since()?, *number))).collect()
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

impl Permit {
    /// Counts a stream of this connection as one more connection.
    pub(super) fn another(&self) -> Result<Another, Problem> {
        self.connections.count(&mut self.connections.open(), self.place)?;
        self.connections.gauge.inc();
        Ok(Another { connections: Arc::clone(&self.connections), place: self.place })
    }

    /// Records that a request has begun; the connection keeps its place until the request is over. Fails if the
    /// connection has given up its place, and there is no other.
    pub(super) fn begin(&self) -> Result<Running, Problem> {
        let (running, has_given_up) = self.activity.begin();
        if has_given_up {
            let mut open = self.connections.open();
            // Another request of the connection may have taken a place first.
            if !open.entries.contains_key(&self.number) {
                self.connections.count(&mut open, self.place)?;
                open.entries.insert(self.number, (self.place, Arc::clone(&self.activity)));
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
        if open.entries.remove(&self.number).is_some() {
            open.leave(self.place);
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
        open.change(self.place, |count| count.lasting -= 1);
    }
}
