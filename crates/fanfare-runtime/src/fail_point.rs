//! Steps at which a test has the process end as if it was killed: those between which a crash must lose nothing.
//!
//! `FANFARE_ABORT_AT=post.done:20` ends it when `post.done` is reached for the twentieth time. Only builds with debug
//! assertions have that; a release knows no step and looks at no variable, so nobody can arm one.

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailPoint {
    /// A retry was read from the store; nothing of it is sent.
    AgainBegun,
    /// The write-ahead log is about to be copied into the file.
    CheckpointBegun,
    /// It was copied.
    CheckpointDone,
    /// Everybody who waits for a group of changes was answered.
    GroupAnswered,
    /// A group of changes was taken from the queue; nothing of it is written.
    GroupBegun,
    /// It is durable; nobody knows.
    GroupCommitted,
    /// It is durable and read; nobody who waits was answered.
    GroupSeen,
    /// It is written and not committed.
    GroupWritten,
    /// An attempt ended and was handed to the recorder; what follows from it was not.
    OutcomeNoted,
    /// An attempt is signed; nothing of it is sent.
    PostBegun,
    /// The receiver has answered; nobody was told.
    PostDone,
    /// The recorder is about to write.
    RecordBegun,
    /// It has written; nobody was told.
    RecordDone,
    /// A webhook is about to be removed.
    RemovalBegun,
    /// It was removed in the store; whoever asked was not answered.
    RemovalWritten,
    /// What follows from an attempt, such as the next one, was handed to the recorder; the cursor was not moved.
    RetryScheduled,
    /// A secret was replaced in memory.
    RotationBegun,
    /// It was replaced in the store; whoever asked was not answered.
    RotationWritten,
    /// Retention is about to remove a part of the log, or of what is kept of deliveries.
    SweepBegun,
    /// It has removed it; nobody knows.
    SweepDone,
    /// It has removed it, and that is not committed.
    SweepWritten,
    /// A webhook is about to be written: a new one, or another definition.
    WebhookBegun,
    /// It was written; neither its worker nor whoever asked knows.
    WebhookWritten,
}

impl FailPoint {
    /// All of them.
    pub const ALL: [FailPoint; 23] = [
        FailPoint::AgainBegun,
        FailPoint::CheckpointBegun,
        FailPoint::CheckpointDone,
        FailPoint::GroupAnswered,
        FailPoint::GroupBegun,
        FailPoint::GroupCommitted,
        FailPoint::GroupSeen,
        FailPoint::GroupWritten,
        FailPoint::OutcomeNoted,
        FailPoint::PostBegun,
        FailPoint::PostDone,
        FailPoint::RecordBegun,
        FailPoint::RecordDone,
        FailPoint::RemovalBegun,
        FailPoint::RemovalWritten,
        FailPoint::RetryScheduled,
        FailPoint::RotationBegun,
        FailPoint::RotationWritten,
        FailPoint::SweepBegun,
        FailPoint::SweepDone,
        FailPoint::SweepWritten,
        FailPoint::WebhookBegun,
        FailPoint::WebhookWritten,
    ];

    /// Gives the name in `FANFARE_ABORT_AT`.
    pub fn as_str(self) -> &'static str {
        match self {
            FailPoint::AgainBegun => "again.begun",
            FailPoint::CheckpointBegun => "checkpoint.begun",
            FailPoint::CheckpointDone => "checkpoint.done",
            FailPoint::GroupAnswered => "group.answered",
            FailPoint::GroupBegun => "group.begun",
            FailPoint::GroupCommitted => "group.committed",
            FailPoint::GroupSeen => "group.seen",
            FailPoint::GroupWritten => "group.written",
            FailPoint::OutcomeNoted => "outcome.noted",
            FailPoint::PostBegun => "post.begun",
            FailPoint::PostDone => "post.done",
            FailPoint::RecordBegun => "record.begun",
            FailPoint::RecordDone => "record.done",
            FailPoint::RemovalBegun => "removal.begun",
            FailPoint::RemovalWritten => "removal.written",
            FailPoint::RetryScheduled => "retry.scheduled",
            FailPoint::RotationBegun => "rotation.begun",
            FailPoint::RotationWritten => "rotation.written",
            FailPoint::SweepBegun => "sweep.begun",
            FailPoint::SweepDone => "sweep.done",
            FailPoint::SweepWritten => "sweep.written",
            FailPoint::WebhookBegun => "webhook.begun",
            FailPoint::WebhookWritten => "webhook.written",
        }
    }
}

/// Says that a step is reached. Does not return when that is the one to end at.
#[inline]
pub fn reach(point: FailPoint) {
    #[cfg(debug_assertions)]
    armed::reach(point);
    #[cfg(not(debug_assertions))]
    let _ = point;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    use super::FailPoint;

    /// Global, as what it does is: it ends the process, whichever gateway in it came by.
    static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
        let text = std::env::var("FANFARE_ABORT_AT").ok()?;
        let (name, passes) = text.split_once(':').unwrap_or((&text, "1"));
        let point = FailPoint::ALL.into_iter().find(|point| point.as_str() == name);
        match (point, passes.parse()) {
            (Some(point), Ok(passes)) => Some(Armed { point, left: AtomicU64::new(passes) }),
            // A test that arms a step which is none would otherwise test nothing.
            _ => panic!("FANFARE_ABORT_AT names no step: {text}"),
        }
    });

    struct Armed {
        point: FailPoint,
        /// How often it is to be reached still.
        left: AtomicU64,
    }

    pub(super) fn reach(point: FailPoint) {
        let Some(armed) = ARMED.as_ref().filter(|armed| armed.point == point) else { return };
        if armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // As `kill -9` does it: no destructor runs, and no core is written as an abort would.
            let _ = kill_process(getpid(), Signal::KILL);
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FailPoint;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let mut names = FailPoint::ALL.map(FailPoint::as_str).to_vec();
        names.dedup();
        assert_eq!(names.len(), FailPoint::ALL.len());
        assert!(names.is_sorted());
    }
}
