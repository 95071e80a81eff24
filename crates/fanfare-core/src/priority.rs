//! Priorities of events.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::invalid::{Invalid, shown};

/// The importance of an event, lowest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Noise that is worth keeping.
    Min,
    /// Less important than usual.
    Low,
    /// The default priority.
    #[default]
    Default,
    /// More important than usual.
    High,
    /// A person should look now.
    Max,
}

impl Priority {
    /// All five, lowest first.
    pub const ALL: [Priority; 5] =
        [Priority::Min, Priority::Low, Priority::Default, Priority::High, Priority::Max];

    /// Returns whether an event of this priority is skipped for a subscriber that lags and sheds.
    pub fn is_shed(self) -> bool {
        self < Priority::Default
    }

    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Priority::Min => "min",
            Priority::Low => "low",
            Priority::Default => "default",
            Priority::High => "high",
            Priority::Max => "max",
        }
    }
}

impl FromStr for Priority {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Priority, Invalid> {
        Priority::ALL.into_iter().find(|priority| priority.as_str() == text).ok_or_else(|| {
            Invalid::new(
                Code::InvalidPriority,
                format!("`{}` is not a priority", shown(text)),
                "use `min`, `low`, `default`, `high` or `max`",
            )
        })
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Priority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
