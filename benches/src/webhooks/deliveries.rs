//! The deliveries of each webhook and event, and the time since acceptance.

use crate::{
    generator::{
        Observer,
        tally::{Faults, Tally},
    },
    histogram::Histogram,
    wire::message,
};

pub(crate) struct Deliveries {
    pub(crate) tally: Tally,
    pub(crate) after_acceptance: Histogram,
    /// Those who answer; the others are not counted.
    webhooks: usize,
    /// By event; 0 while it is not accepted.
    accepted_at_ns: Vec<u64>,
    /// The number of the first push.
    first: u64,
}

impl Deliveries {
    pub(crate) fn new(webhooks: usize, events: usize, first: u64) -> Self {
        Self {
            tally: Tally::new(webhooks, events),
            after_acceptance: Histogram::new(),
            webhooks,
            accepted_at_ns: vec![0; events],
            first,
        }
    }

    /// Requests to one webhook run concurrently and overtake each other: their order is not an error.
    pub(crate) fn faults(&self) -> Faults {
        Faults { out_of_order: 0, ..self.tally.faults() }
    }
}

impl Observer for Deliveries {
    fn delivery(&mut self, receiver: usize, body: &[u8], at_ns: u64) {
        if receiver >= self.webhooks {
            return;
        }
        let (number, seq) = read(body).unwrap_or((usize::MAX, 0));
        self.tally.delivery(receiver, number, seq, at_ns);
        if let Some(accepted_at_ns) = self.accepted_at_ns.get(number) {
            let after = if *accepted_at_ns == 0 { 0 } else { at_ns - accepted_at_ns };
            self.after_acceptance.record(after);
        }
    }

    fn answered(&mut self, push: u64, at_ns: u64) {
        let event = push.checked_sub(self.first).and_then(|event| usize::try_from(event).ok());
        if let Some(accepted) = event.and_then(|event| self.accepted_at_ns.get_mut(event)) {
            *accepted = at_ns;
        }
    }
}

/// The number of the event and its seq, in the default payload.
fn read(body: &[u8]) -> Option<(usize, u64)> {
    let message = body.strip_prefix(br#"{"message":""#)?;
    let number = message::number_in(message)?;
    let id = memchr::memmem::find(body, br#""id":""#)? + br#""id":""#.len();
    let id = &body[id..id + memchr::memchr(b'"', &body[id..])?];
    let seq = str::from_utf8(id).ok()?.rsplit_once('-')?.1.parse().ok()?;
    Some((usize::try_from(number).ok()?, seq))
}

#[cfg(test)]
mod tests {
    use super::{Deliveries, read};
    use crate::generator::Observer;

    const BODY: &[u8] =
        br#"{"message":"e1 abc","timestamp":"2026","id":"k3f9x2ab-1042","channel":"default"}"#;

    #[test]
    fn number_and_seq_are_found_in_the_default_payload() {
        assert_eq!(read(BODY), Some((1, 1_042)));
        assert_eq!(read(br#"{"message":"hello","id":"k3f9x2ab-1042"}"#), None);
        assert_eq!(read(br#"{"message":"e1 abc"}"#), None);
    }

    #[test]
    fn what_comes_before_its_acceptance_has_waited_for_nothing() {
        let mut deliveries = Deliveries::new(2, 2, 10);
        deliveries.delivery(0, BODY, 500);
        deliveries.answered(11, 1_000);
        deliveries.delivery(1, BODY, 1_500);
        deliveries.delivery(2, BODY, 9_000);
        assert_eq!(deliveries.after_acceptance.quantile(0.5), 0);
        assert_eq!(deliveries.after_acceptance.quantile(1.0), 500);
        let faults = deliveries.faults();
        assert_eq!((faults.lost, faults.unexpected, faults.duplicated, faults.out_of_order), (2, 0, 0, 0));
        deliveries.delivery(0, BODY, 2_000);
        deliveries.delivery(0, b"{}", 2_000);
        assert_eq!((deliveries.faults().duplicated, deliveries.faults().unexpected), (1, 1));
    }
}
