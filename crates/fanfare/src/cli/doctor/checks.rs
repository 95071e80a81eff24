//! The checks of `fanfare doctor`.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use fanfare_core::{Endpoint, Pattern};

use crate::cli::doctor::{Finding, data};
use crate::cli::failure::said;
use crate::cli::push::{idempotency_key, waits};
use crate::cli::settings::{self, Key, Origin, Settings, values};
use crate::cli::spool::Spool;
use crate::cli::text::{count, duration};
use crate::cli::{Failure, serve};
use fanfare_api::push::NewEvent;
use fanfare_client::{Api, Error, Item, Listening, Wish};
use fanfare_store_embedded as embedded;

/// Maximum difference between two clocks. With more, `--since` misses events or returns too many.
const SKEW_MAX_SECONDS: i64 = 5;

/// First SQLite that cannot lose a commit in a race while its write-ahead log is reset.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How long the round trip of an event may take.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(5);

/// Runs all checks that apply: those that need a gateway only if there is one.
pub(crate) async fn all(
    settings: &Settings,
    named: Option<&Path>,
    live: bool,
) -> Result<Vec<Finding>, Failure> {
    let mut findings = vec![configuration(settings, named)];
    findings.extend(data::findings(settings));
    findings.push(sqlite());
    let api = match settings.api() {
        Ok(api) => api,
        Err(failure) => {
            findings.push(Finding::failed("gateway", &failure));
            return Ok(findings);
        }
    };
    findings.extend(spool(&api));
    let status = api.status().await;
    match &status {
        Ok(status) => {
            findings.push(gateway(&api, &status.value));
            findings.extend(damage(&status.value));
            findings.extend(refusal(&status.value));
            findings.extend(clock(&api).await);
            if live {
                findings.push(round_trip(&api).await);
            }
        }
        Err(Error::Unreachable { .. }) => {
            let failure = Failure::from(status.as_ref().expect_err("matched").clone());
            // One that was named should be there; the default one may not have been started yet.
            let is_named = settings.value(Key::Server).is_some_and(|value| value.origin != Origin::Default);
            let must_be_there = live || is_named;
            findings.push(if must_be_there {
                Finding::failed("gateway", &failure)
            } else {
                not_running(&failure)
            });
            findings.extend(ports(settings)?);
        }
        Err(error) => findings.push(Finding::failed("gateway", &Failure::from(error.clone()))),
    }
    Ok(findings)
}

/// Reports the events that wait on this machine for the gateway.
fn spool(api: &Api) -> Option<Finding> {
    const CHECK: &str = "spool";
    let spool = Spool::of(api.server())?;
    match spool.len() {
        Ok(0) => None,
        Ok(waiting) => Some(Finding::note(
            CHECK,
            format!("{} in {}", waits(waiting), spool.directory().display()),
            "fanfare push --flush",
        )),
        Err(failure) => Some(Finding::failed(CHECK, &failure)),
    }
}

fn configuration(settings: &Settings, named: Option<&Path>) -> Finding {
    // A missing home directory is reported with the data.
    if settings.text(Key::Store).is_some()
        && let Err(failure) = serve::config(settings)
    {
        return Finding::failed("configuration", &failure);
    }
    let found: Vec<String> = settings::paths(named)
        .into_iter()
        .filter(|path| path.exists())
        .map(|path| path.display().to_string())
        .collect();
    let what = if found.is_empty() { "no file; using defaults".to_owned() } else { found.join(", ") };
    Finding::good("configuration", what)
}

fn sqlite() -> Finding {
    let (version, number) = embedded::sqlite_version();
    if number < SQLITE_VERSION_MIN {
        return Finding::bad(
            "sqlite",
            format!("{version} can lose events"),
            "build with SQLite 3.51.3 or later",
        );
    }
    Finding::good("sqlite", version)
}

fn gateway(api: &Api, status: &fanfare_api::status::Status) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    let up = duration(Duration::from_secs(status.uptime_seconds));
    let what = format!("{} · {} · {} store · up {up}", api.server(), status.version, status.store);
    if status.version == ours {
        return Finding::good("gateway", what);
    }
    Finding::note(
        "gateway",
        what,
        format!("this program is version {ours}; use the same version on both sides"),
    )
}

/// Reports the damaged events that the gateway has found.
fn damage(status: &fanfare_api::status::Status) -> Option<Finding> {
    (status.damaged_events > 0).then(|| {
        Finding::bad(
            "log",
            format!("{} damaged; readers pass over them", count(status.damaged_events, "event")),
            "the gateway's log names them; check the disk before there are more",
        )
    })
}

/// Reports why the gateway refuses pushes.
fn refusal(status: &fanfare_api::status::Status) -> Option<Finding> {
    let refusal = status.refusal.as_ref()?;
    Some(Finding::bad(
        "pushes",
        format!("refused: {refusal}"),
        "free space on the gateway's disk, or replace it",
    ))
}

fn not_running(failure: &Failure) -> Finding {
    let why = failure.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    Finding::note(
        "gateway",
        format!("{}{why}", failure.what),
        "start one with `fanfare serve`, or use --server URL",
    )
}

/// Compares the clock of this machine with the gateway's, which is sent in whole seconds.
async fn clock(api: &Api) -> Option<Finding> {
    let date = api.date().await.ok().flatten()?;
    let theirs = jiff::fmt::rfc2822::parse(&date).ok()?.timestamp();
    let skew = jiff::Timestamp::now().as_second() - theirs.as_second();
    Some(match skew.abs() {
        0..=SKEW_MAX_SECONDS => Finding::good("clock", "in sync with the gateway"),
        seconds => Finding::bad(
            "clock",
            format!("{seconds} s {} of the gateway's", if skew > 0 { "ahead" } else { "behind" }),
            "sync the clocks (NTP); until then, add a little to --since",
        ),
    })
}

/// Pushes an event and waits for it on the stream.
async fn round_trip(api: &Api) -> Finding {
    const CHECK: &str = "round trip";
    let started = Instant::now();
    match tokio::time::timeout(ROUND_TRIP_MAX, there_and_back(api)).await {
        Ok(Ok(())) => {
            Finding::good(CHECK, format!("pushed and received within {}", duration(started.elapsed())))
        }
        Ok(Err(error)) => Finding::failed(CHECK, &Failure::from(error)),
        Err(_) => Finding::bad(
            CHECK,
            format!("an event was pushed but not received within {} s", ROUND_TRIP_MAX.as_secs()),
            "if a proxy in between buffers responses, turn that off for /stream",
        ),
    }
}

async fn there_and_back(api: &Api) -> Result<(), Error> {
    const CHANNEL: &str = "doctor";
    let pattern: Pattern = CHANNEL.parse().expect("a channel is a pattern");
    let wish = Wish { patterns: vec![pattern], ..Wish::default() };
    let mut listening = Listening::new(api.clone(), wish);
    while !matches!(listening.next().await?, Item::Notice(fanfare_client::Notice::Connected { .. })) {}
    let channel = CHANNEL.parse().expect("a channel");
    let event = NewEvent {
        message: "doctor round trip".to_owned(),
        channel: Some(channel),
        priority: Some(fanfare_core::Priority::Min),
        idempotency_key: Some(idempotency_key()),
        expires_in: Some(Duration::from_secs(60).into()),
        ..NewEvent::default()
    };
    let pushed = api.push(&event).await?;
    loop {
        if let Item::Event(event) = listening.next().await?
            && event.value.id == pushed.value.id
        {
            return Ok(());
        }
    }
}

/// Checks that the addresses of `fanfare serve` are free.
fn ports(settings: &Settings) -> Result<Vec<Finding>, Failure> {
    const CHECK: &str = "port";
    let bound = |endpoint: &Endpoint| match endpoint {
        Endpoint::Network(address) => TcpListener::bind(address).map(drop),
        // A socket that nobody listens on is replaced; only its directory must exist.
        Endpoint::Unix(path) => match UnixStream::connect(path) {
            Ok(_) => Err(ErrorKind::AddrInUse.into()),
            Err(_) => path.parent().map_or(Ok(()), |parent| parent.join(".").metadata().map(drop)),
        },
    };
    let check = |endpoint: Endpoint| match bound(&endpoint) {
        Ok(()) => Finding::good(CHECK, format!("{endpoint} is free for `fanfare serve`")),
        Err(error) => Finding::bad(
            CHECK,
            format!("{endpoint} cannot be used: {}", said(&error)),
            "pick another: fanfare serve --listen 127.0.0.1:0 uses any free one",
        ),
    };
    settings.texts(Key::Listen).iter().map(|text| Ok(check(values::endpoint(text)?))).collect()
}
