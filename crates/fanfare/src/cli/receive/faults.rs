//! Failing on purpose.

use std::str::FromStr;
use std::time::Duration;

use fanfare_core::{Code, Invalid};

/// Which requests fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fail {
    All,
    /// Every so many; at least 1.
    Every(u64),
    /// The first so many.
    First(u64),
    Never,
    /// The first attempt at each delivery.
    Once,
    /// This share of them, 0 to 1.
    Share(f64),
}

/// What is done on purpose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Faults {
    /// Which requests fail.
    pub(crate) fail: Fail,
    /// How those are answered.
    pub(crate) status: u16,
    /// How long every answer takes.
    pub(crate) delay: Duration,
}

impl Faults {
    pub(crate) const NONE: Faults = Faults { fail: Fail::Never, status: 500, delay: Duration::ZERO };
}

impl Fail {
    /// Says whether a request fails: the `nth` of all, the `attempt`th of its delivery, both from 1; `chance` is drawn
    /// from 0 to 1.
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
                format!("`{text}` does not say what fails"),
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
    fn what_fails_is_said_in_a_few_ways() {
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
    fn each_way_fails_what_it_says() {
        let failing = |fail: Fail| (1..=6).filter(|nth| fail.applies(*nth, 1, 0.5)).collect::<Vec<u64>>();
        assert_eq!(failing(Fail::Every(3)), [3, 6]);
        assert_eq!(failing(Fail::First(2)), [1, 2]);
        assert!(failing(Fail::Never).is_empty());
        assert!(failing(Fail::Share(0.4)).is_empty());
        assert_eq!(failing(Fail::Share(0.6)).len(), 6);
        assert!(Fail::Once.applies(9, 1, 0.0) && !Fail::Once.applies(9, 2, 0.0));
    }
}
