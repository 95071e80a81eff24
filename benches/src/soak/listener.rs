//! What a listener must get next: every event of the log, or of its channel, in order.

use anyhow::{Context, Result, ensure};

/// The place of one listener in the log, over all its connections.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// Whether it hears one channel, whose messages are numbered.
    pub(super) is_filtered: bool,
    pub(super) last_id: Option<String>,
    pub(super) last_seq: u64,
    last_number: Option<u64>,
    pub(super) events: u64,
}

impl Listener {
    pub(super) fn note(&mut self, id: &str, number: Option<u64>) -> Result<()> {
        let (_, seq) = id.split_once('-').with_context(|| format!("`{id}` is no position"))?;
        let seq: u64 = seq.parse()?;
        if self.last_id.is_some() {
            ensure!(seq > self.last_seq, "{seq} came after {}", self.last_seq);
            match self.is_filtered {
                true => ensure!(
                    number == self.last_number.map(|last| last + 1),
                    "message {number:?} of its channel came after {:?}",
                    self.last_number
                ),
                false => ensure!(seq == self.last_seq + 1, "{seq} came after {}", self.last_seq),
            }
        }
        self.last_id = Some(id.to_owned());
        (self.last_seq, self.last_number) = (seq, number);
        self.events += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Listener;

    #[test]
    fn what_is_missing_or_comes_again_is_found() {
        let hear = |is_filtered: bool, events: &[(u64, u64)]| {
            let mut listener = Listener { is_filtered, ..Listener::default() };
            events.iter().all(|(seq, number)| listener.note(&format!("abc-{seq}"), Some(*number)).is_ok())
        };
        assert!(hear(false, &[(7, 1), (8, 9)]) && !hear(false, &[(7, 1), (9, 2)]));
        assert!(!hear(false, &[(7, 1), (7, 1)]));
        assert!(hear(true, &[(7, 1), (9, 2)]) && !hear(true, &[(7, 1), (9, 3)]));
        assert!(!hear(true, &[(7, 1), (9, 1)]));
    }
}
