//! Items that are sent at once.

use bytes::Bytes;
use fanfare_hub::item::{Item, Wire};
use fanfare_hub::subscription::Subscription;

/// Joins what `subscription` has not sent of the first of `items` with others, as long as all of it has at most `len_max`
/// bytes; returns the bytes and the number of items, or `None` if `items` is empty. A single item can be longer: it is not
/// copied but shared by all its readers.
pub fn join(
    subscription: &Subscription,
    items: &[Item],
    wire: Wire,
    len_max: usize,
) -> Option<(Bytes, usize)> {
    let (first, rest) = items.split_first()?;
    let first = subscription.unsent(first, wire);
    let (mut count, mut joined) = (1, Vec::new());
    for item in rest {
        let more = subscription.unsent(item, wire);
        if first.len().max(joined.len()) + more.len() > len_max {
            break;
        }
        if joined.is_empty() {
            joined.extend_from_slice(&first);
        }
        joined.extend_from_slice(&more);
        count += 1;
    }
    Some((if joined.is_empty() { first } else { joined.into() }, count))
}
