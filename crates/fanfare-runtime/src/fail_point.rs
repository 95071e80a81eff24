//! Fail points: steps at which a test ends the process as if it were killed. A crash between two of them must lose
//! nothing.
//!
//! `FANFARE_ABORT_AT=post.done:20` ends the process when `post.done` is reached for the twentieth time. Only builds
//! with debug assertions do this; a release has no steps and reads no variable, so nobody can arm one.

/// A step at which a test can end the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailPoint {
    /// A retry was read from the store; nothing was sent yet.
    AgainBegun,
    /// The write-ahead log is about to be copied into the file.
    CheckpointBegun,
    /// The write-ahead log was copied.
    CheckpointDone,
    /// Every caller that waits for a group of changes was answered.
    GroupAnswered,
    /// A group of changes was taken from the queue; nothing was written yet.
    GroupBegun,
    /// The group is durable; no one knows yet.
    GroupCommitted,
    /// The group is durable and was read back; no waiting caller was answered yet.
    GroupSeen,
    /// The group is written, but not committed.
    GroupWritten,
    /// An attempt ended and was handed to the recorder; its consequences were not.
    OutcomeNoted,
    /// An attempt is signed; nothing was sent yet.
    PostBegun,
    /// The receiver has responded; no one was told yet.
    PostDone,
    /// The recorder is about to write.
    RecordBegun,
    /// The recorder has written; no one was told yet.
    RecordDone,
    /// A webhook is about to be removed.
    RemovalBegun,
    /// The webhook was removed in the store; the caller was not answered yet.
    RemovalWritten,
    /// The consequences of an attempt, such as the next one, were handed to the recorder; the cursor was not moved yet.
    RetryScheduled,
    /// A secret was replaced in memory.
    RotationBegun,
    /// The secret was replaced in the store; the caller was not answered yet.
    RotationWritten,
    /// Retention is about to remove a part of the log, or of the records of deliveries.
    SweepBegun,
    /// Retention has removed the part; no one knows yet.
    SweepDone,
    /// Retention has removed the part, but not committed that.
    SweepWritten,
    /// A webhook is about to be written: a new one, or a new definition.
    WebhookBegun,
    /// The webhook was written; neither its worker nor the caller knows yet.
    WebhookWritten,
}

impl FailPoint {
    /// All steps.
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

    /// Returns the name in `FANFARE_ABORT_AT`.
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

/// Reports that a step is reached. Does not return if it is the one to end at.
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

    /// Global, like its effect: it ends the whole process, whichever gateway in it reaches the step.
    static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
        let text = std::env::var("FANFARE_ABORT_AT").ok()?;
        let (name, passes) = text.split_once(':').unwrap_or((&text, "1"));
        let point = FailPoint::ALL.into_iter().find(|point| point.as_str() == name);
        match (point, passes.parse()) {
            (Some(point), Ok(passes)) => Some(Armed { point, left: AtomicU64::new(passes) }),
            // A test that arms an unknown step would otherwise test nothing.
            _ => panic!("FANFARE_ABORT_AT does not name a step: {text}"),
        }
    });

    struct Armed {
        point: FailPoint,
        /// The number of times that the step still has to be reached.
        left: AtomicU64,
    }

    pub(super) fn reach(point: FailPoint) {
        let Some(armed) = ARMED.as_ref().filter(|armed| armed.point == point) else { return };
        if armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // As with `kill -9`: no destructor runs, and no core is written, as an abort would.
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
