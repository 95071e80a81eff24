//! Durable readers: they listen, and acknowledge what they got.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::promises::Bounds;
use crate::{
    client::{Client, Stream},
    kill::{
        book::{Book, split},
        load::Load,
    },
    rng::Rng,
};

/// The names of the readers, and the channel of each.
pub(super) const NAMES: [(&str, Option<&str>); 2] = [("everything", None), ("one-channel", Some("kill.1"))];
/// Interval at which a reader checks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(50);
/// A reader acknowledges one in this many events.
const ACKNOWLEDGES_EVERY: u64 = 8;
/// Number of waits of [`PATIENCE`] for the rest of the log: ten seconds.
const WAITS_MAX: usize = 200;

fn path(name: &str) -> String {
    let channel = NAMES.iter().find(|known| known.0 == name).and_then(|known| known.1);
    let filter = channel.map(|channel| format!("&channel={channel}")).unwrap_or_default();
    format!("/stream?reader={name}{filter}&since=earliest")
}

/// Listens and acknowledges until the load ends.
pub(super) fn run(name: &str, load: &Load, mut rng: Rng) -> Result<()> {
    let mut client = Client::connect(load.server)?;
    let mut stream = Stream::open(load.server, &path(name), "")?;
    stream.patience(PATIENCE)?;
    while !load.pushers_stop.load(Ordering::Relaxed) {
        let mut last = None;
        let is_open = stream.read(|frame| {
            if !frame.id.is_empty() && frame.event != b"gap" && rng.below(ACKNOWLEDGES_EVERY) == 0 {
                last = Some(String::from_utf8_lossy(frame.id).into_owned());
            }
        })?;
        ensure!(is_open, "the stream of reader `{name}` has ended");
        if let Some(position) = last {
            let body = json!({ "position": position }).to_string();
            let response = client.post(&format!("/api/readers/{name}/ack"), &body)?;
            ensure!(
                response.status == 200,
                "reader `{name}` was answered {} {}",
                response.status,
                String::from_utf8_lossy(&response.body)
            );
        }
    }
    Ok(())
}

/// Checks that a reader is at the position it acknowledged, and gets every event after it.
pub(super) fn check(server: SocketAddr, name: &str, bounds: Bounds, book: &Book) -> Result<()> {
    let readers = Client::connect(server)?.get_json("/api/readers")?;
    let listed = readers["readers"].as_array().context("/api/readers has no readers")?;
    let reader = listed.iter().find(|reader| reader["name"] == name).context("it is gone")?;
    let (_, position) = split(reader["position"].as_str().context("it has no position")?)?;
    let last = book.removed() + book.len() as u64;
    ensure!(
        (bounds.answered..=bounds.asked).contains(&position) && position <= last,
        "it is at {position}, {} was acknowledged last, {} asked for last, and the log ends at {last}",
        bounds.answered,
        bounds.asked
    );
    let channel = NAMES.iter().find(|known| known.0 == name).and_then(|known| known.1);
    let is_wanted =
        |seq: u64| book.event(seq).is_some_and(|(found, _)| channel.is_none_or(|channel| channel == found));
    let wanted: Vec<u64> = (position + 1..=last).filter(|seq| is_wanted(*seq)).collect();
    let mut stream = Stream::open(server, &path(name), "")?;
    stream.patience(PATIENCE)?;
    let (mut got, mut has_gap, mut waits) = (Vec::new(), false, 0);
    while wanted.last().is_some_and(|last| got.last().is_none_or(|got| got < last)) {
        let is_open = stream.read(|frame| match (frame.event, frame.seq()) {
            (b"gap", _) => has_gap = true,
            (b"caught-up" | b"closing", _) => {}
            (_, Some(seq)) => got.push(seq),
            (_, None) => {}
        })?;
        waits += 1;
        if !is_open || waits > WAITS_MAX {
            bail!("it got {} of {} events, the last is {:?}", got.len(), wanted.len(), got.last());
        }
    }
    ensure!(got == wanted, "it got other events than the log has after {position}");
    ensure!(!has_gap || position < book.removed(), "it got a gap, and retention removed {}", book.removed());
    Ok(())
}
