//! The appends that happened and those that never will, for engines that append in their own process: there, a question
//! queues behind the append.

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
    /// The seq of each event, and whether it was there before.
    pub events: Box<[(u64, bool)]>,
}

impl Made {
    /// Records the outcome of an append.
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
        // Usually there are none.
        self.given_up.contains(&id)
    }

    /// Returns the outcome of an append, if it happened recently.
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

    /// Records that the log lost the events after `at`: an append of which it does not have all did not happen.
    pub fn lose(&mut self, at: u64) {
        let made = std::mem::take(&mut self.made);
        let has_all = |made: &Made| made.events.iter().all(|(seq, _)| *seq <= at);
        let (kept, lost): (VecDeque<_>, VecDeque<_>) = made.into_iter().partition(has_all);
        self.made = kept;
        lost.into_iter().for_each(|made| self.give_up(made.id));
    }

    /// Records that an append that did not happen must no longer happen.
    pub fn give_up(&mut self, id: AppendId) {
        if self.given_up.len() >= APPENDS_REMEMBERED {
            self.given_up.pop_front();
        }
        self.given_up.push_back(id);
    }
}
