//! Sending what waits in the spool, in order.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fanfare_api::push::{NewEvent, Pushed};
use fanfare_client::{Answer, Api, Error};
use fanfare_core::duration;

use crate::cli::Failure;
use crate::cli::spool::{Spool, Waiting};

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Sent {
    /// The gateway has it.
    Pushed(Box<Answer<Pushed>>),
    /// It waits in the spool, for this reason.
    Spooled(Stopped),
}

/// Why events still wait.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// Another process is sending them.
    Busy,
    /// The gateway did not take one.
    Failed(Error),
}

/// What became of the events that waited.
#[derive(Debug, Default)]
pub(crate) struct Flushed {
    /// Events that the gateway has now.
    pub(crate) pushed: u64,
    /// Events that expired while they waited.
    pub(crate) expired: u64,
    /// Files that cannot be read, and events that the gateway refuses, with the reason. They are kept, and their names
    /// end in `.refused`.
    pub(crate) refused: Vec<String>,
}

/// What became of an event that waited.
enum Fate {
    Expired,
    Pushed,
    Refused(String),
}

impl Spool {
    /// Pushes an event after those that wait, or lets it wait as well if the gateway cannot be reached.
    pub(crate) async fn send(&self, api: &Api, event: &NewEvent) -> Result<(Sent, Flushed), Failure> {
        let (flushed, stopped) = self.flush(api).await?;
        let stopped = match stopped {
            Some(stopped) => stopped,
            None => match api.push(event).await {
                Ok(answer) => return Ok((Sent::Pushed(Box::new(answer)), flushed)),
                Err(error) => Stopped::Failed(error),
            },
        };
        match stopped {
            Stopped::Failed(error) if !error.is_passing() => Err(error.into()),
            stopped => {
                self.add(event)?;
                Ok((Sent::Spooled(stopped), flushed))
            }
        }
    }

    /// Pushes the events that wait, oldest first. Returns also why some still wait, if they do.
    pub(crate) async fn flush(&self, api: &Api) -> Result<(Flushed, Option<Stopped>), Failure> {
        let mut flushed = Flushed::default();
        let failure = |error: io::Error| Failure::file("use the spool in", self.directory(), &error);
        let mut files = self.files()?;
        if files.is_empty() {
            return Ok((flushed, None));
        }
        let lock = self.lock("send.lock").map_err(failure)?;
        if lock.try_lock().is_err() {
            return Ok((flushed, Some(Stopped::Busy)));
        }
        // Others may add events meanwhile, because they must not overtake these.
        while !files.is_empty() {
            for (_, path) in files {
                let fate = match fate(api, &fs::read(&path).map_err(failure)?).await {
                    Ok(fate) => fate,
                    Err(error) => return Ok((flushed, Some(Stopped::Failed(error)))),
                };
                match fate {
                    Fate::Expired => flushed.expired += 1,
                    Fate::Pushed => flushed.pushed += 1,
                    Fate::Refused(why) => {
                        let aside = aside(&path);
                        fs::rename(&path, &aside).map_err(failure)?;
                        flushed.refused.push(format!("{}: {why}", aside.display()));
                        continue;
                    }
                }
                fs::remove_file(&path).map_err(failure)?;
            }
            files = self.files()?;
        }
        Ok((flushed, None))
    }
}

/// Returns the name under which a refused event is kept: one that no other has, because the numbers of a spool begin
/// anew once it is empty. Only the process that sends puts events aside.
fn aside(path: &Path) -> PathBuf {
    let first = path.with_extension("refused");
    let later = (2_u32..).map(|time| path.with_extension(format!("{time}.refused")));
    std::iter::once(first.clone()).chain(later).find(|path| !path.exists()).unwrap_or(first)
}

/// Pushes the event in a file. An error concerns the gateway, so those that follow would meet it as well.
async fn fate(api: &Api, bytes: &[u8]) -> Result<Fate, Error> {
    let mut waiting: Waiting = match serde_json::from_slice(bytes) {
        Ok(waiting) => waiting,
        Err(error) => return Ok(Fate::Refused(format!("it cannot be read: {error}"))),
    };
    if let Some(expires_in) = &waiting.event.expires_in {
        let left = duration::parse(&expires_in.text()).unwrap_or_default().saturating_sub(waiting.age());
        if left.is_zero() {
            return Ok(Fate::Expired);
        }
        waiting.event.expires_in = Some(left.into());
    }
    match api.push(&waiting.event).await {
        Ok(_) => Ok(Fate::Pushed),
        Err(Error::Refused(problem)) if matches!(problem.status, 400 | 409 | 413 | 422) => {
            Ok(Fate::Refused(problem.detail.clone()))
        }
        Err(error) => Err(error),
    }
}

impl Waiting {
    /// Returns the time since the event was pushed; a clock that was set back counts as none.
    fn age(&self) -> Duration {
        let millis = jiff::Timestamp::now().as_millisecond().saturating_sub(self.pushed_ms);
        Duration::from_millis(u64::try_from(millis).unwrap_or_default())
    }
}

impl Stopped {
    /// Returns the reason, for people.
    pub(crate) fn said(&self) -> String {
        match self {
            Stopped::Busy => "another process is sending the events that wait".to_owned(),
            Stopped::Failed(error) => error.to_string(),
        }
    }

    /// Returns the error of a command that had to send them.
    pub(crate) fn failure(self) -> Failure {
        match self {
            Stopped::Busy => {
                Failure::failed(self.said()).fix("run the same command again").coded("spool_busy")
            }
            Stopped::Failed(error) => error.into(),
        }
    }
}

impl Flushed {
    /// Returns what happened, for people; `None` if nothing did.
    pub(crate) fn said(&self) -> Option<String> {
        let parts = [
            (self.pushed, "pushed"),
            (self.expired, "expired meanwhile"),
            (self.refused.len() as u64, "refused"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}
