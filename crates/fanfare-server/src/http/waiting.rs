//! Waiting for the first event of a selection.
//!
//! A wait is a subscription that lasts as long as the request: nothing is polled, and a client that hangs up
//! ends it. It counts as a lasting connection; `net/connections.rs` limits their number.

use std::time::Duration;

use fanfare_core::notice::Notice;
use fanfare_core::{Caller, Code, Principal, Start};
use tokio::time::Instant;

use crate::http::selection::Selection;
use crate::problem::Problem;
use fanfare_hub::Hub;
use fanfare_hub::client::NewClient;
use fanfare_hub::item::Item;
use fanfare_hub::subscribe::Request;
use fanfare_hub::subscription::Subscription;

/// Waits until the log has an event of `selection`, at most for `time`, or until the gateway stops or an
/// operator disconnects the client.
pub(super) async fn first_of(
    selection: &Selection,
    hub: &Hub,
    by: &Principal,
    caller: &Caller,
    client: NewClient,
    time: Duration,
) -> Result<(), Problem> {
    if !selection.is_open() {
        return Err(Problem::new(
            Code::InvalidQuery,
            "`wait` waits for a new event, and `before`, `until` or the `cursor` selects only old ones",
            "leave one of them out",
        )
        .at("?wait"));
    }
    let deadline = Instant::now() + time;
    let mut subscription = None;
    loop {
        let (extent, read) = selection.locate(hub, by, 1).await?;
        {
            // Dropped before this waits, and with it the place of the caller.
            let found = hub.collect(by, caller, read).await?;
            // Without an event, but with more to look at: the client looks on with the cursor.
            if !found.events.is_empty() || found.next.is_some() {
                return Ok(());
            }
        }
        // From the end of what was looked at, so that no event falls between the two.
        let start = Start::After(extent.position());
        let waiting = match &mut subscription {
            Some(waiting) => waiting,
            None => subscription.insert(subscribe(selection, hub, by, client.clone(), start).await?),
        };
        match tokio::time::timeout_at(deadline, arrival(waiting)).await {
            Ok(Ok(Arrival::Something)) => {}
            Ok(Ok(Arrival::Stop)) | Err(_) => return Ok(()),
            Ok(Err(problem)) => return Err(problem),
        }
    }
}

async fn subscribe(
    selection: &Selection,
    hub: &Hub,
    by: &Principal,
    client: NewClient,
    start: Start,
) -> Result<Subscription, Problem> {
    let request =
        Request { filter: Some(selection.filter().clone()), start, conflate: false, shed: false, client };
    Ok(hub.subscribe(by, request).await?)
}

/// What ended a wait.
enum Arrival {
    /// An event passes the filter, or the log was replaced.
    Something,
    /// The gateway is stopping.
    Stop,
}

/// Waits for something.
async fn arrival(subscription: &mut Subscription) -> Result<Arrival, Problem> {
    let mut items = Vec::new();
    while subscription.ready(&mut items).await? {
        let mut has_arrived = false;
        for item in &items {
            match item {
                Item::Notice(Notice::Closing { .. }) => return Ok(Arrival::Stop),
                Item::Notice(Notice::CaughtUp { .. } | Notice::Gap { .. } | Notice::ReaderFilter { .. }) => {}
                Item::Notice(Notice::Reset { .. }) | Item::Events(_) => has_arrived = true,
            }
            subscription.advance(item, item.len());
        }
        if has_arrived {
            return Ok(Arrival::Something);
        }
    }
    Ok(Arrival::Stop)
}
