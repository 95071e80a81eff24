//! The life of a gateway from start to end, and the effect of each signal.
//!
//! SIGTERM and Ctrl-C stop it, and a second one ends it immediately. SIGHUP reloads the settings. SIGUSR1 makes
//! it log more, or as before. SIGUSR2 stops it, and this process continues as the program that is now
//! installed, with the same sockets, unless it is told to stop before that.

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, OptionFuture};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::failure::said;
use crate::cli::logging::Format;
use crate::cli::output::style::DIM;
use crate::cli::serve::program::Program;
use crate::cli::settings::{Key, Settings};
use crate::cli::signals::Stop;
use crate::cli::startup::gateway_failure;
use crate::cli::{Context, Exit, Failure, serve};
use crate::gateway;
use crate::gateway::Inheritance;
use fanfare_runtime::log_level::LogLevel;
use fanfare_server::mcp::gateway::declared::Tools;

/// How a gateway ended.
#[derive(Debug)]
pub(super) enum End {
    /// The program ends.
    Exit(Exit),
    /// The program continues with these sockets.
    HandOver(Inheritance),
}

/// The signals that a gateway handles.
#[derive(Debug)]
pub(super) struct Signals {
    pub(super) stop: Stop,
    reload: Signal,
    hand_over: Signal,
    toggle: Signal,
}

impl Signals {
    /// Starts to catch them.
    pub(super) fn new() -> Result<Signals, Failure> {
        let caught =
            |kind| signal(kind).map_err(|error| Failure::failed("cannot catch signals").why(said(&error)));
        Ok(Signals {
            stop: Stop::new()?,
            reload: caught(SignalKind::hangup())?,
            hand_over: caught(SignalKind::user_defined2())?,
            toggle: caught(SignalKind::user_defined1())?,
        })
    }
}

/// Serves until a signal stops the gateway or the gateway fails.
pub(super) async fn serve(
    running: gateway::Running,
    signals: &mut Signals,
    context: &Context,
    format: Format,
    level: &LogLevel,
) -> Result<End, Failure> {
    let (trigger, spare, times, tools) =
        (running.stopper(), running.spare(), running.times(), running.tools());
    let mut reloaded = None;
    let ended = running.ended();
    tokio::pin!(ended);
    // The check of a successor takes a while; every signal is obeyed meanwhile.
    let mut check: Option<LocalBoxFuture<'_, Result<(), Failure>>> = None;
    let mut end = loop {
        tokio::select! {
            result = &mut ended => {
                result.map_err(|failure| gateway_failure(&failure))?;
                return Ok(End::Exit(Exit::Ok));
            }
            _ = signals.stop.asked() => {
                note_stop(context, format);
                break End::Exit(Exit::Ok);
            }
            _ = signals.reload.recv() => reloaded = reload(&context.settings, reloaded, &times, &tools),
            _ = signals.toggle.recv() => level.toggle(),
            _ = signals.hand_over.recv(), if check.is_none() => {
                check = Some(succession(&context.settings).boxed_local());
            }
            Some(checked) = OptionFuture::from(check.as_mut()) => {
                check = None;
                match checked {
                    Ok(()) => {
                        tracing::info!("handing over to the program that is now installed");
                        break End::HandOver(spare.take());
                    }
                    Err(failure) => {
                        let cause = failure.why.as_deref();
                        tracing::error!(cause, "not handed over, the gateway continues: {}", failure.what);
                    }
                }
            }
        }
    };
    drop(check);
    trigger.pull();
    loop {
        tokio::select! {
            result = &mut ended => return result.map(|()| end).map_err(|failure| gateway_failure(&failure)),
            exit = signals.stop.asked() => match std::mem::replace(&mut end, End::Exit(Exit::Ok)) {
                End::HandOver(sockets) => {
                    note_stop(context, format);
                    spare.put_back(sockets);
                }
                End::Exit(_) => {
                    spare.close();
                    return Ok(End::Exit(exit));
                }
            },
            _ = signals.reload.recv() => {}
        }
    }
}

/// Says that the gateway stops.
fn note_stop(context: &Context, format: Format) {
    match format {
        Format::Json => tracing::info!("shutting down"),
        Format::Text => context.output.note(format!("{DIM}shutting down; repeat to stop immediately{DIM:#}")),
    }
}

/// Reads the settings again, and applies those that can change while the gateway runs. `first` are those of the start,
/// and `last` those of the last reload; returns those that hold now.
fn reload(
    first: &Settings,
    last: Option<Settings>,
    times: &gateway::Times,
    tools: &Tools,
) -> Option<Settings> {
    let read = first.again().and_then(|settings| Ok((serve::config(&settings)?, settings)));
    let (config, now) = match read {
        Ok(read) => read,
        Err(failure) => {
            let (cause, fix) = (failure.why.as_deref(), failure.fix.as_deref());
            tracing::error!(cause, fix, "settings not reloaded: {}", failure.what);
            return last;
        }
    };
    let before = last.as_ref().unwrap_or(first);
    let changed = |key: &Key| {
        let of = |settings: &Settings| settings.value(*key).map(|value| value.texts);
        key.name().starts_with("serve.") && of(before) != of(&now)
    };
    let (applied, later): (Vec<Key>, Vec<Key>) = Key::ALL
        .into_iter()
        .filter(changed)
        .partition(|key| matches!(key, Key::DrainTime | Key::ShutdownTimeout));
    // A successor keeps the sockets, and with them the addresses.
    let (anew, later): (Vec<Key>, Vec<Key>) = later.into_iter().partition(|key| *key == Key::Listen);
    times.set(&config);
    let names = |keys: &[Key]| keys.iter().map(|key| key.shown_name()).collect::<Vec<_>>().join(", ");
    let mut said = Vec::new();
    if tools.replace(&config.tools) {
        said.push("the declared tools changed".to_owned());
    }
    if !applied.is_empty() {
        said.push(format!("{} changed", names(&applied)));
    }
    if !later.is_empty() {
        said.push(format!("{} will change at the next start (SIGUSR2)", names(&later)));
    }
    if !anew.is_empty() {
        said.push(format!("{} will change when the process ends and starts again", names(&anew)));
    }
    if said.is_empty() {
        said.push("none has changed".to_owned());
    }
    tracing::info!("settings reloaded: {}", said.join(", "));
    Some(now)
}

/// Checks, as far as possible, that a successor will start, before the gateway stops for it.
async fn succession(settings: &Settings) -> Result<(), Failure> {
    serve::config(&settings.again()?)?;
    Program::running()?.can_start().await
}
