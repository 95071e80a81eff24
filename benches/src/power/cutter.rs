//! Cuts of one recording: their moments, the state of the disk at each, and whether it is enough.

use anyhow::Result;

use super::{
    Options, Outcome,
    check::{Checker, Found},
    disk::{Disk, Fate, Remains},
    image::Image,
    promises::Promises,
    recording::Recording,
};
use crate::{
    kill::{
        hooks::{cast::CAST, receivers::Receivers},
        load::Load,
    },
    report::say,
    rng::Rng,
};

/// When the power is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Before the gateway listens.
    Starting,
    Serving,
    /// While the write-ahead log is copied into the log's file.
    Checkpoint,
    Ending,
}

impl Kind {
    fn draw(rng: &mut Rng) -> Self {
        match rng.below(8) {
            0 | 1 => Kind::Starting,
            2 => Kind::Checkpoint,
            3 => Kind::Ending,
            _ => Kind::Serving,
        }
    }
}

/// Cuts one recording.
pub(super) struct Cutter<'a> {
    pub(super) options: &'a Options,
    pub(super) receivers: &'a Receivers,
    pub(super) idle: &'a Load,
    pub(super) recording: &'a Recording,
    /// What was promised before the recording.
    pub(super) before: &'a Promises,
    pub(super) is_new: bool,
}

impl Cutter<'_> {
    /// Picks the state of the disk on which the next recording begins, at a moment when all webhooks were
    /// registered; also returns the promises made by then.
    pub(super) fn next(&self, rng: &mut Rng) -> Result<(Image, Promises)> {
        loop {
            let at = self.moment(Kind::draw(rng), rng);
            let mut promises = self.before.clone();
            promises.add(&self.recording.exchanges, at)?;
            if promises.hooks.len() == CAST.len() {
                return Ok((self.recording.disk.cut(at, Fate::draw(rng), rng).image, promises));
            }
        }
    }

    /// Picks a moment just after the start or the end of a change of the disk or of an answer.
    fn moment(&self, kind: Kind, rng: &mut Rng) -> usize {
        let Recording { disk: Disk { ops, .. }, exchanges, log, ready, ending, moments } = self.recording;
        let (from, to) = match kind {
            Kind::Starting => (0, *ready),
            Kind::Ending => (*ending, *moments),
            Kind::Serving | Kind::Checkpoint => (*ready, *ending),
        };
        let is_checkpoint = kind == Kind::Checkpoint;
        let wanted = ops.iter().filter(|op| !is_checkpoint || op.written() == Some(*log));
        let changes = wanted.flat_map(|op| [op.begin, op.end]);
        let answers = exchanges.iter().filter_map(|exchange| Some(exchange.answer.as_ref()?.at));
        let answers = answers.filter(|_| !is_checkpoint);
        let mut all: Vec<_> = changes.chain(answers).filter(|at| (from..to).contains(at)).collect();
        all.sort_unstable();
        all.dedup();
        match all.len() {
            0 => *moments,
            len => all[rng.below(len as u64) as usize] + 1,
        }
    }

    pub(super) fn cut(&self, outcome: &mut Outcome, rng: &mut Rng) -> Result<()> {
        let (at, fate) = match self.options.ignore_syncs {
            // When much was promised.
            true => (self.moment(Kind::Serving, rng), Fate::draw_loss(rng)),
            false => (self.moment(Kind::draw(rng), rng), Fate::draw(rng)),
        };
        let remains = self.recording.disk.cut(at, fate, rng);
        outcome.cuts += 1;
        let mut promises = self.before.clone();
        promises.add(&self.recording.exchanges, at)?;
        match self.check(&remains.image, &promises) {
            Ok(found) => outcome.add(found),
            Err(error) if self.options.ignore_syncs => {
                if outcome.lost == 0 {
                    say(format_args!("the first loss: {error:#}"));
                }
                outcome.lost += 1;
            }
            Err(error) => {
                let kept = self.options.trial.directory()?.keep();
                remains.image.write(&kept)?;
                let Recording { ready, ending, moments, .. } = self.recording;
                return Err(error.context(format!(
                    "cut {} (at {at} of {moments}, where it listened at {ready} and ended from {ending}; {fate:?}): \
                     what the disk had is in {}",
                    outcome.cuts,
                    kept.display()
                )));
            }
        }
        self.count(outcome, at, &remains);
        Ok(())
    }

    fn check(&self, image: &Image, promises: &Promises) -> Result<Found> {
        let directory = self.options.trial.directory()?;
        image.write(directory.path())?;
        let checker = Checker {
            server_bin: &self.options.server_bin,
            retention: self.options.retention,
            receivers: self.receivers,
            load: self.idle,
        };
        checker.check(directory.path(), promises)
    }

    fn count(&self, outcome: &mut Outcome, at: usize, remains: &Remains) {
        outcome.loose += remains.loose;
        outcome.not_kept += remains.not_kept;
        let is_up = at > self.recording.ready;
        outcome.cuts_creating += u32::from(!is_up && self.is_new);
        outcome.cuts_recovering += u32::from(!is_up && !self.is_new);
        outcome.cuts_ending += u32::from(at > self.recording.ending);
        outcome.cuts_in_checkpoints += u32::from(is_up && remains.loose_files.contains(&self.recording.log));
    }
}
