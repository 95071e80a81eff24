//! How long calls take, and how many of each kind a session may have under way.

use fanfare_mcp::Error;

/// How long a call takes. Each kind has a limit of its own, so that calls that wait keep none that ends at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// It ends at once: within milliseconds, whatever others do.
    AtOnce,
    /// It takes as long as others need: a receiver to respond, or a disk to be searched.
    Working,
    /// It ends only when something happens. No one waits for it after the client has left.
    Waiting,
}

impl Pace {
    /// The number of kinds.
    pub const COUNT: usize = 3;

    /// Returns the maximum of such calls under way in one session.
    pub fn most(self) -> usize {
        match self {
            // They are as good as unlimited: this only bounds the memory of a client that does not read its answers.
            Pace::AtOnce => 1_024,
            Pace::Working => CALLS_MAX,
            Pace::Waiting => WAITS_MAX,
        }
    }

    /// Returns the refusal of one more.
    pub fn busy(self) -> Error {
        let most = self.most();
        Error::busy(match self {
            Pace::AtOnce | Pace::Working => {
                format!(
                    "this session already has the maximum of {most} unanswered calls; wait for one of them to finish"
                )
            }
            Pace::Waiting => format!(
                "this session already has the maximum of {most} calls that wait for something; cancel one, or wait for \
                 several channels in one call"
            ),
        })
    }
}

/// Maximum concurrent calls that take time, per session: each may take ten seconds.
pub const CALLS_MAX: usize = 64;
/// Maximum concurrent waits per session: each may last a minute. An agent needs one for each thing it waits for.
pub const WAITS_MAX: usize = 64;
