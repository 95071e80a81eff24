//! `fanfare push --spool` and `--flush`: events that wait until the gateway can be reached.

use fanfare_api::push::NewEvent;
use fanfare_client::Api;

use crate::cli::output::style::{BOLD, DIM, SUCCESS, WARNING};
use crate::cli::push::said;
use crate::cli::spool::{Flushed, Sent, Spool, Stopped};
use crate::cli::text::{count, harmless};
use crate::cli::{Context, Exit, Failure};

/// Pushes an event, or saves it.
pub(super) async fn push(event: &NewEvent, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let spool = spool(api)?;
    let (sent, flushed) = spool.send(api, event).await?;
    tell(&flushed, context);
    match sent {
        Sent::Pushed(pushed) => {
            context.output.result(
                || said(&pushed.value, false),
                &pushed.json,
                || pushed.value.id.to_string(),
            )?;
        }
        Sent::Spooled(stopped) => {
            let waiting = spool.len()?;
            let line = serde_json::json!({
                "spooled": true,
                "idempotency_key": event.idempotency_key,
                "waiting": waiting,
                "problem": stopped.said(),
            });
            let human = || {
                format!(
                    "{WARNING}…{WARNING:#} {BOLD}saved{BOLD:#}: {}\n  {DIM}{} to be pushed by the next{DIM:#} fanfare push \
                     {DIM}or{DIM:#} fanfare push --flush",
                    harmless(&stopped.said()),
                    waits(waiting)
                )
            };
            context.output.result(human, &line.to_string(), || "spooled".to_owned())?;
        }
    }
    Ok(Exit::Ok)
}

/// Pushes what was saved, before an event that does not wait itself.
pub(super) async fn first(api: &Api, context: &Context) -> Result<(), Failure> {
    let Some(spool) = Spool::of(api.server()) else { return Ok(()) };
    let (flushed, stopped) = spool.flush(api).await?;
    tell(&flushed, context);
    match stopped {
        None | Some(Stopped::Busy) => Ok(()),
        Some(Stopped::Failed(error)) => Err(error.into()),
    }
}

/// Pushes what was saved.
pub(super) async fn flush(context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    let spool = spool(&api)?;
    let (flushed, stopped) = spool.flush(&api).await?;
    let waiting = spool.len()?;
    let line = serde_json::json!({
        "pushed": flushed.pushed,
        "expired": flushed.expired,
        "refused": flushed.refused,
        "waiting": waiting,
    });
    let human = || {
        let nothing = if stopped.is_some() { "nothing was pushed" } else { "nothing was waiting" };
        let said = flushed.said().unwrap_or_else(|| nothing.to_owned());
        let left = if waiting > 0 { format!(", {}", waits(waiting)) } else { String::new() };
        match stopped.is_none() && flushed.refused.is_empty() {
            true => format!("{SUCCESS}✓{SUCCESS:#} {said}{left}"),
            false => format!("{WARNING}!{WARNING:#} {said}{left}"),
        }
    };
    context.output.result(human, &line.to_string(), || flushed.pushed.to_string())?;
    warn_of_refused(&flushed, context);
    match stopped {
        Some(stopped) => Err(stopped.failure()),
        None if flushed.refused.is_empty() => Ok(Exit::Ok),
        None => Ok(Exit::Refused),
    }
}

fn spool(api: &Api) -> Result<Spool, Failure> {
    Spool::of(api.server()).ok_or_else(|| {
        Failure::usage("no home directory found for the events that wait").fix("set HOME or XDG_STATE_HOME")
    })
}

/// Says what became of the events that were saved.
fn tell(flushed: &Flushed, context: &Context) {
    if let Some(said) = flushed.said() {
        context.output.note(format!("{DIM}of the events that were saved: {said}{DIM:#}"));
    }
    warn_of_refused(flushed, context);
}

fn warn_of_refused(flushed: &Flushed, context: &Context) {
    for refused in &flushed.refused {
        context.output.warn(&format!("not pushed, and kept in {refused}"));
    }
}

/// Says how many events wait.
pub(crate) fn waits(number: usize) -> String {
    format!("{} {}", count(number as u64, "event"), if number == 1 { "waits" } else { "wait" })
}
