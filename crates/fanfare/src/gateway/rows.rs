//! The running parts of a gateway: a row for each part, with the meaning of its end.
//!
//! A part restarts if everything that it needs is still there. The others hold state that exists nowhere else, such as
//! a place in the log, or consume a queue that ends with them: the process has to restart.

use std::time::Duration;

use fanfare_runtime::parts::{Ends, Part, Phase};

/// A part that fails immediately and repeatedly must not occupy a core.
const PAUSE: Duration = Duration::from_secs(1);
/// A part that fails this many times in a row fails for a reason that another attempt does not remove.
const TRIES_MAX: u32 = 5;
const RESTART: Ends = Ends::Restart { after: PAUSE, most: TRIES_MAX };
/// A reactor starts a turn at least once a second; without one for this long, it hangs.
const REACTOR_PULSE: Duration = Duration::from_secs(30);

/// Hears when the store can no longer be trusted.
pub(super) const STORE: Part = Part::new("store", Ends::Process, Phase::Store);
/// Hands committed events to the feeds. It alone knows which events they have.
pub(super) const FOLLOWER: Part = Part::new("follower", Ends::Process, Phase::Background);
/// Removes data that retention no longer keeps.
pub(super) const SWEEPER: Part = Part::new("sweeper", RESTART, Phase::Background);
/// Removes callers that have not pushed for a while: until it restarts, they are only remembered for longer.
pub(super) const IDLE_CALLERS: Part =
    Part::new("idle callers", Ends::Harmless { after: PAUSE }, Phase::Background);
/// Records which readers are in use. Retention removes a reader only after eight missed records.
pub(super) const READERS_IN_USE: Part = Part::new("readers in use", RESTART, Phase::Background);
/// Forgets channels without events that nobody asks for. While it is down, they are merely remembered for
/// longer.
pub(super) const FORGETTING: Part =
    Part::new("forgetting", Ends::Harmless { after: PAUSE }, Phase::Background);
/// Saves the positions of webhooks. It alone knows which ones are not saved yet.
pub(super) const RECORDER: Part = Part::new("recorder", Ends::Process, Phase::Background);
/// Runs a worker for each webhook, and restarts it. It alone knows which ones run.
pub(super) const DISPATCHER: Part = Part::new("dispatcher", Ends::Process, Phase::Deliveries);
/// Reads from the store for streams that are behind.
pub(super) const LIBRARIAN: Part = Part::new("librarian", RESTART, Phase::Background);
/// Triggers the check of silent connections.
pub(super) const HEARTBEAT: Part = Part::new("heartbeat", RESTART, Phase::Background);
/// Writes to event streams; one for each core. Its streams close when it ends, and their clients come back to another.
pub(super) const REACTOR: Part = Part::new("reactor", RESTART, Phase::Streams).with_pulse(REACTOR_PULSE);
/// Runs the calls of MCP sessions. Those that are under way would never be answered.
pub(super) const SESSIONS: Part = Part::new("sessions", Ends::Process, Phase::Doors);
/// Accepts connections at one address, and owns them.
pub(super) const ACCEPT: Part = Part::new("accept", RESTART, Phase::Doors);
/// Opens listeners that callers ask for.
pub(super) const LISTENERS: Part = Part::new("listeners", RESTART, Phase::Doors);
