//! What runs in a gateway: a row for each part, with what its end means.
//!
//! A part begins again when all that it needs is still there. The others hold what nobody else knows, such as a place in
//! the log, or take from a queue that ends with them: the process has to begin again.

use std::time::Duration;

use fanfare_runtime::parts::{Ends, Part, Phase};

/// A part that fails at once, and again, must not keep a core busy.
const PAUSE: Duration = Duration::from_secs(1);
/// What fails this many times in a row fails for a reason that another try does not remove.
const TRIES_MAX: u32 = 5;
const RESTART: Ends = Ends::Restart { after: PAUSE, most: TRIES_MAX };
/// A reactor takes a turn at least once a second; without one for this long, it hangs.
const REACTOR_PULSE: Duration = Duration::from_secs(30);

/// Hears when the store can no longer be trusted.
pub(super) const STORE: Part = Part::new("store", Ends::Process, Phase::Store);
/// Hands what was committed to the feeds. It alone knows which events they have.
pub(super) const FOLLOWER: Part = Part::new("follower", Ends::Process, Phase::Background);
/// Removes what retention no longer keeps.
pub(super) const SWEEPER: Part = Part::new("sweeper", RESTART, Phase::Background);
/// Forgets callers that have not pushed for a while: until it does again, they are only remembered for longer.
pub(super) const IDLE_CALLERS: Part =
    Part::new("idle callers", Ends::Harmless { after: PAUSE }, Phase::Background);
/// Writes down how far webhooks are. It alone knows what was not written yet.
pub(super) const RECORDER: Part = Part::new("recorder", Ends::Process, Phase::Background);
/// Runs a worker for each webhook, which begins again by itself. It alone knows which ones run.
pub(super) const DISPATCHER: Part = Part::new("dispatcher", Ends::Process, Phase::Deliveries);
/// Reads from the store for streams that are behind.
pub(super) const LIBRARIAN: Part = Part::new("librarian", RESTART, Phase::Background);
/// Has connections that are silent looked after.
pub(super) const HEARTBEAT: Part = Part::new("heartbeat", RESTART, Phase::Background);
/// Writes to event streams; one for each core. Its streams close when it ends, and their clients come back to another.
pub(super) const REACTOR: Part = Part::new("reactor", RESTART, Phase::Streams).with_pulse(REACTOR_PULSE);
/// Runs the calls of MCP sessions. Those that are under way would never be answered.
pub(super) const SESSIONS: Part = Part::new("sessions", Ends::Process, Phase::Doors);
/// Accepts connections at one address, and owns them.
pub(super) const ACCEPT: Part = Part::new("accept", RESTART, Phase::Doors);
/// Opens listeners that callers ask for.
pub(super) const LISTENERS: Part = Part::new("listeners", RESTART, Phase::Doors);
