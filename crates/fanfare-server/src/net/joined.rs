//! Items that are sent at once.

use bytes::Bytes;
use fanfare_hub::item::{Item, Wire};

/// Maximum bytes that are copied to send them at once. Longer items are shared by all their readers; with
/// copies, each would hold its own.
const JOINED_LEN_MAX: usize = 64 * 1024;

/// Joins the first of `items` with as many others as fit; returns the bytes and the number of items, or `None`
/// if `items` is empty.
pub fn join(items: &[Item], wire: Wire) -> Option<(Bytes, usize)> {
    let (first, rest) = items.split_first()?;
    let first = first.bytes(wire);
    let (mut count, mut joined) = (1, Vec::new());
    for item in rest {
        let more = item.bytes(wire);
        if first.len().max(joined.len()) + more.len() > JOINED_LEN_MAX {
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
