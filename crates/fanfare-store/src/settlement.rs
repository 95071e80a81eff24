//! Which appends happened and which never will, for engines that append in their own process: there, whoever asks is
//! behind the append in one queue.

use std::collections::VecDeque;

use crate::{APPENDS_REMEMBERED, AppendId, Appended};

/// The newest appends, and those that were given up.
#[derive(Debug, Default)]
pub struct Settlement {
    made: VecDeque<Made>,
    given_up: VecDeque<AppendId>,
}

/// An append that happened.
#[derive(Debug, Clone)]
pub struct Made {
    id: AppendId,
    /// Where each of its events stands, and whether it stood there before.
    pub events: Box<[(u64, bool)]>,
}

impl Made {
    /// Notes what an append came to.
    pub fn new(id: AppendId, appended: &[Appended]) -> Made {
        let events = appended.iter().map(|one| (one.event.position.seq, one.repeated)).collect();
        Made { id, events }
    }

    /// Returns whether it is this append.
    pub fn is(&self, id: AppendId) -> bool {
        self.id == id
    }
}

impl Settlement {
    /// Returns whether an append was given up.
    pub fn is_given_up(&self, id: AppendId) -> bool {
        // Mostly there are none.
        self.given_up.contains(&id)
    }

    /// Returns what an append came to, if it happened lately.
    pub fn find(&self, id: AppendId) -> Option<&Made> {
        self.made.iter().rev().find(|made| made.is(id))
    }

    /// Remembers an append that happened.
    pub fn note(&mut self, made: Made) {
        if self.made.len() >= APPENDS_REMEMBERED {
            self.made.pop_front();
        }
        self.made.push_back(made);
    }

    /// Notes that an append, which did not happen, must not happen any more.
    pub fn give_up(&mut self, id: AppendId) {
        if self.given_up.len() >= APPENDS_REMEMBERED {
            self.given_up.pop_front();
        }
        self.given_up.push_back(id);
    }
}
