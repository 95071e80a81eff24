//! Listing webhooks, page by page.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use fanfare_core::{Code, Invalid, Principal, Timestamp, WebhookId, page};

use crate::registry::Entry;
use crate::service::Webhooks;

/// The place of a webhook in the list, which is ordered by registration. It outlives the webhook.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    created: Timestamp,
    id: WebhookId,
}

/// A page of webhooks.
#[derive(Debug, Clone)]
pub struct WebhooksPage {
    /// The webhooks, oldest registration first.
    pub webhooks: Vec<Arc<Entry>>,
    /// The place after which the next page starts, if there is one.
    pub next: Option<Place>,
    /// The number of webhooks on all pages.
    pub total: usize,
}

impl Webhooks {
    /// Returns a page of the webhooks of `by` that are wanted: at most `limit` of those after `after`.
    pub fn page(
        &self,
        by: &Principal,
        is_wanted: impl Fn(&Entry) -> bool,
        after: Option<&Place>,
        limit: usize,
    ) -> WebhooksPage {
        let mut webhooks = self.list(by);
        webhooks.retain(|entry| is_wanted(entry));
        let total = webhooks.len();
        webhooks.retain(|entry| after.is_none_or(|after| Place::of(entry) > *after));
        let next = page::cut(&mut webhooks, limit, |entry| Place::of(entry));
        WebhooksPage { webhooks, next, total }
    }
}

impl Place {
    pub(super) fn of(entry: &Entry) -> Place {
        let webhook = entry.webhook();
        Place { created: webhook.created, id: webhook.id.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.created.as_micros(), self.id)
    }
}

impl FromStr for Place {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Place, Invalid> {
        let read = |text: &str| {
            let (created, id) = text.split_once('-')?;
            Some(Place { created: Timestamp::from_micros(created.parse().ok()?), id: id.parse().ok()? })
        };
        read(text).ok_or_else(|| {
            let fix = "use the `next_cursor` of the previous page";
            Invalid::new(Code::InvalidQuery, "this is not a place in the list of webhooks", fix)
        })
    }
}

/// A place in a list of rows that belong to webhooks, such as deliveries: webhook by webhook, in the order of
/// [`Place`]. It outlives the row and the webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPlace<T> {
    /// The webhook.
    pub webhook: Place,
    /// The row; `None` for the end of the webhook's rows.
    pub row: Option<T>,
}

impl<T: fmt::Display> fmt::Display for RowPlace<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.row {
            Some(row) => write!(f, "{}.{row}", self.webhook),
            None => write!(f, "{}", self.webhook),
        }
    }
}

impl<T: FromStr<Err = Invalid>> FromStr for RowPlace<T> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<RowPlace<T>, Invalid> {
        let (webhook, row) = text.split_once('.').map_or((text, None), |(webhook, row)| (webhook, Some(row)));
        Ok(RowPlace { webhook: webhook.parse()?, row: row.map(str::parse).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::Position;

    use super::{Place, RowPlace};

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let text = "1795282915791336-wh_k3f7x2ab5cdefghi";
        assert_eq!(text.parse::<Place>().expect("a place").to_string(), text);
        for wrong in ["", "1", "1-", "x-wh_k3f7x2ab5cdefghi", "1-wh_", "wh_k3f7x2ab5cdefghi"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_place_of_a_row_is_read_as_it_is_written() {
        let webhook = "1795282915791336-wh_k3f7x2ab5cdefghi";
        for text in [webhook, &format!("{webhook}.k3f9x2ab-1042")] {
            assert_eq!(text.parse::<RowPlace<Position>>().expect("a place").to_string(), text);
        }
        for wrong in ["", ".", "k3f9x2ab-1042", &format!("{webhook}."), &format!("{webhook}.1")] {
            assert!(wrong.parse::<RowPlace<Position>>().is_err(), "{wrong}");
        }
    }
}
