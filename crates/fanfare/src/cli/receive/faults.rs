//! Failures on purpose, to test how a sender retries.

use std::str::FromStr;
use std::time::Duration;

use fanfare_core::{Code, Invalid};

/// Selects the requests that fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fail {
    All,
    /// Every nth request; the number is at least 1.
    Every(u64),
    /// The first requests, up to this many.
    First(u64),
    Never,
    /// The first attempt at each delivery.
    Once,
    /// This share of the requests, from 0 to 1.
    Share(f64),
}

/// The failures and delays of a receiver.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Faults {
    /// The requests that fail.
    pub(crate) fail: Fail,
    /// Status of the responses to them.
    pub(crate) status: u16,
    /// Delay before each response.
    pub(crate) delay: Duration,
}

impl Faults {
    pub(crate) const NONE: Faults = Faults { fail: Fail::Never, status: 500, delay: Duration::ZERO };
}

impl Fail {
    /// Returns whether a request fails. `nth` counts all requests and `attempt` those of its delivery, both from 1.
    /// `chance` is a random number from 0 to 1.
    pub(crate) fn applies(self, nth: u64, attempt: u64, chance: f64) -> bool {
        match self {
            Fail::All => true,
            Fail::Every(every) => nth.is_multiple_of(every),
            Fail::First(count) => nth <= count,
            Fail::Never => false,
            Fail::Once => attempt == 1,
            Fail::Share(share) => chance < share,
        }
    }
}

impl FromStr for Fail {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Fail, Invalid> {
        read(text.trim()).ok_or_else(|| {
            Invalid::new(
                Code::InvalidQuery,
                format!("`{text}` is not a way to fail"),
                "write `once`, `first:2`, `every:3`, `30%` or `all`",
            )
        })
    }
}

fn read(text: &str) -> Option<Fail> {
    let number = |rest: &str| rest.trim().parse::<u64>().ok().filter(|number| *number > 0);
    match text {
        "once" => return Some(Fail::Once),
        "all" => return Some(Fail::All),
        _ => {}
    }
    if let Some(rest) = text.strip_prefix("first").and_then(|rest| rest.strip_prefix([':', ' '])) {
        return number(rest).map(Fail::First);
    }
    if let Some(rest) = text.strip_prefix("every").and_then(|rest| rest.strip_prefix([':', ' '])) {
        return number(rest).map(Fail::Every);
    }
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok()? / 100.0,
        None => text.contains('.').then(|| text.parse().ok()).flatten()?,
    };
    (0.0..=1.0).contains(&share).then_some(Fail::Share(share))
}

#[cfg(test)]
mod tests {
    use super::Fail;

    #[test]
    fn ways_to_fail_are_parsed() {
        for (text, fail) in [
            ("once", Fail::Once),
            ("all", Fail::All),
            ("first:2", Fail::First(2)),
            ("every:3", Fail::Every(3)),
            ("every 3", Fail::Every(3)),
            ("30%", Fail::Share(0.3)),
            ("0.5", Fail::Share(0.5)),
        ] {
            assert_eq!(text.parse(), Ok(fail), "{text}");
        }
        for text in ["", "every:0", "every", "first:", "101%", "-1%", "2", "nan%", "sometimes"] {
            assert!(text.parse::<Fail>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_way_selects_its_requests() {
        let failing = |fail: Fail| (1..=6).filter(|nth| fail.applies(*nth, 1, 0.5)).collect::<Vec<u64>>();
        assert_eq!(failing(Fail::Every(3)), [3, 6]);
        assert_eq!(failing(Fail::First(2)), [1, 2]);
        assert!(failing(Fail::Never).is_empty());
        assert!(failing(Fail::Share(0.4)).is_empty());
        assert_eq!(failing(Fail::Share(0.6)).len(), 6);
        assert!(Fail::Once.applies(9, 1, 0.0) && !Fail::Once.applies(9, 2, 0.0));
    }
}
