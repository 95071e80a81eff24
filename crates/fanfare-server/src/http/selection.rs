//! The part of the history that a query selects.

use fanfare_core::start::Moment;
use fanfare_core::{Code, Filter, Invalid, Position, Principal, Start};

use crate::http::query::Params;
use crate::problem::Problem;
use fanfare_hub::Hub;
use fanfare_hub::values::{Head, Order, Read};

/// The events that a query selects.
#[derive(Debug)]
pub(super) struct Selection {
    filter: Filter,
    after: Option<Position>,
    before: Option<Position>,
    since: Option<Start>,
    until: Option<Moment>,
    order: Order,
    cursor: Option<Position>,
}

impl Selection {
    /// Removes and parses the parameters of a selection.
    pub(super) fn of(params: &mut Params) -> Result<Selection, Problem> {
        Ok(Selection {
            filter: filter(params)?,
            after: params.read("after", str::parse)?,
            before: params.read("before", str::parse)?,
            since: params.read("since", Start::since)?,
            until: params.read("until", str::parse)?,
            order: params.read("order", order)?.unwrap_or(Order::Newest),
            cursor: params.cursor()?,
        })
    }

    /// Removes and parses the parameters of a selection by time, which is read from the newest event on.
    pub(super) fn by_time(params: &mut Params) -> Result<Selection, Problem> {
        Ok(Selection {
            filter: filter(params)?,
            after: None,
            before: None,
            since: params.read("since", Start::since)?,
            until: params.read("until", str::parse)?,
            order: Order::Newest,
            cursor: None,
        })
    }

    /// Returns the times between which it lies, as far as they are given.
    pub(super) fn times(&self) -> (Option<Moment>, Option<Moment>) {
        let since = match self.since {
            Some(Start::Since(moment)) => Some(moment),
            Some(Start::After(_) | Start::Earliest | Start::Live | Start::Unreadable) | None => None,
        };
        (since, self.until)
    }

    /// Returns the filter.
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Returns whether a later event can be part of it.
    pub(super) fn is_open(&self) -> bool {
        let is_behind_cursor = self.order == Order::Newest && self.cursor.is_some();
        self.before.is_none() && self.until.is_none() && !is_behind_cursor
    }

    /// Finds the selection in the log as it is now.
    pub(super) async fn locate(
        &self,
        hub: &Hub,
        by: &Principal,
        limit: usize,
    ) -> Result<(Head, Read), Problem> {
        let extent = hub.extent();
        let mut read = Read {
            epoch: extent.epoch,
            after: extent.before_oldest(),
            until: extent.last,
            filter: self.filter.clone(),
            order: self.order,
            limit,
            told: extent.removed(),
        };
        if let Some(after) = self.after {
            read.after = read.after.max(seq_in(hub, after, "after")?);
        }
        if let Some(before) = self.before {
            read.until = read.until.min(seq_in(hub, before, "before")?.saturating_sub(1));
        }
        match self.since {
            Some(Start::Since(moment)) => {
                read.after = read.after.max(hub.seq_before(by, hub.arrival(moment)).await?);
            }
            Some(Start::After(_) | Start::Earliest | Start::Live | Start::Unreadable) | None => {}
        }
        if let Some(until) = self.until {
            read.until = read.until.min(hub.seq_before(by, hub.arrival(until)).await?);
        }
        if let Some(cursor) = self.cursor {
            let seq = seq_in(hub, cursor, "cursor")?;
            match self.order {
                Order::Newest => read.until = read.until.min(seq.saturating_sub(1)),
                Order::Oldest => read.after = read.after.max(seq),
            }
        }
        Ok((extent, read))
    }
}

/// Removes and parses the filter of a read of the past, which can search everything.
fn filter(params: &mut Params) -> Result<Filter, Problem> {
    let filter = params.filter(true)?;
    let searching = |text: &str| filter.clone().searching(text);
    let found = params.read("search", searching)?;
    Ok(found.unwrap_or(filter))
}

fn seq_in(hub: &Hub, position: Position, name: &str) -> Result<u64, Problem> {
    position.check_log(hub.epoch()).map_err(|invalid| invalid.at(format!("?{name}")))?;
    Ok(position.seq)
}

fn order(value: &str) -> Result<Order, Invalid> {
    match value {
        "newest" => Ok(Order::Newest),
        "oldest" => Ok(Order::Oldest),
        _ => Err(Invalid::new(
            Code::InvalidQuery,
            "`order` must be `newest` or `oldest`",
            "write `order=newest` or `order=oldest`",
        )),
    }
}
