//! The embedded store after its process is killed, or its disk fails: acknowledged data is there.

mod recorded;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use fanfare_core::{Event, NewEvent};
use fanfare_store::{Append, Retention, Store};
use fanfare_store_embedded::{Embedded, OpenError};

use fanfare_store_suite::harness::{at, event, read_all, read_pages, seqs, soon};
use fanfare_store_suite::originals::received;

const CHILD_PATH: &str = "FANFARE_TEST_STORE_PATH";
const CHILD_ROUND: &str = "FANFARE_TEST_STORE_ROUND";
const BATCH_LEN: usize = 20;

/// Not a test: the other tests run it as a process of its own.
#[test]
#[ignore = "run by other tests, as a process of its own"]
fn child() {
    let path = std::env::var_os(CHILD_PATH).expect("a path");
    let round = std::env::var(CHILD_ROUND).expect("a round");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(append_for_ever(Path::new(&path), &round));
}

/// Appends and records from several tasks, and prints what was acknowledged, until the process is killed or the store
/// fails.
async fn append_for_ever(path: &Path, round: &str) {
    let store = Store::new(Embedded::open(path, Retention::default()).expect("the store opens"));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let store = store.clone();
        let kind = if task < 6 { "single" } else { "batch" };
        let (len, label) = (if task < 6 { 1 } else { BATCH_LEN }, format!("{kind}-{round}-{task}"));
        tasks.spawn(async move {
            for number in 0.. {
                let events =
                    (0..len).map(|index| large_event(&format!("{label}-{number}-{index}"))).collect();
                let received = (len > 1).then(|| received(&format!("{label}-{number}")));
                match store.log.append(Append::new(events).received_as(received)).await {
                    Ok(appended) => {
                        let lines: String = appended
                            .iter()
                            .map(|one| format!("acked {} {}\n", one.event.position.seq, label_of(&one.event)))
                            .collect();
                        say(&lines);
                    }
                    Err(error) => return say(&format!("refused {error}\n")),
                }
            }
        });
    }
    tasks.spawn(recorded::record_for_ever(store.clone(), round.parse().expect("a number"), say));
    let failure = store.engine.failed().await;
    say(&format!("failed {failure}\n"));
    tasks.join_all().await;
    say(&format!(
        "then {}\n",
        store.log.append(Append::new(vec![event("x")])).await.expect_err("no more is written")
    ));
    store.engine.close().await;
}

/// Writes whole lines at once; what is in the pipe survives the process.
fn say(lines: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(lines.as_bytes()).and_then(|()| out.flush()).expect("the parent listens");
}

fn large_event(label: &str) -> NewEvent {
    event(&format!("{label} {}", "x".repeat(1_000)))
}

fn label_of(event: &Event) -> &str {
    event.message.split(' ').next().unwrap_or_default()
}

/// Starts the child; `shell` is run before it, in the same process.
fn start_child(path: &Path, round: &str, shell: &str) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().expect("our own path"))
        .args(["crashes::child", "--exact", "--ignored", "--nocapture"])
        .env(CHILD_PATH, path)
        .env(CHILD_ROUND, round)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let lines = std::iter::from_fn(move || {
        let mut line = String::new();
        out.read_line(&mut line).expect("text");
        // A line without its end was cut off by the kill: it was never acknowledged.
        line.ends_with('\n').then(|| line.trim_end().to_owned())
    });
    (child, lines)
}

fn acked(line: &str) -> Option<(u64, String)> {
    let (seq, label) = line.strip_prefix("acked ")?.split_once(' ')?;
    Some((seq.parse().expect("a seq"), label.to_owned()))
}

/// Checks that the log has all acknowledged events, each once, and batches whole.
async fn check(store: &Store, acked: &HashMap<u64, String>) -> Vec<Arc<Event>> {
    let events = read_pages(store, read_all(store)).await;
    assert_eq!(seqs(&events), (1..=events.len() as u64).collect::<Vec<_>>(), "no hole");
    for (seq, label) in acked {
        let found = events.get(*seq as usize - 1).map(|event| label_of(event));
        assert_eq!(found, Some(label.as_str()), "what was acknowledged at {seq}");
    }
    let mut labels: Vec<_> = events.iter().map(|event| label_of(event)).collect();
    labels.sort_unstable();
    assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "each event is there once");
    let mut batches: HashMap<&str, Vec<u64>> = HashMap::new();
    for event in events.iter().filter(|event| event.message.starts_with("batch")) {
        let (batch, _) = label_of(event).rsplit_once('-').expect("a label");
        batches.entry(batch).or_default().push(event.position.seq);
    }
    for (batch, seqs) in batches {
        let whole: Vec<_> = (seqs[0]..seqs[0] + BATCH_LEN as u64).collect();
        assert_eq!(seqs, whole, "`{batch}` is there as a whole");
        let last = store.log.original(at(store, seqs[BATCH_LEN - 1])).await.expect("read");
        let last = last.expect("with its original");
        assert_eq!(last.parts().body, batch.as_bytes());
    }
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kills() {
    const ROUNDS: usize = 8;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let mut all = HashMap::new();
    let mut all_recorded = HashMap::new();
    let mut epoch = None;
    for round in 0..ROUNDS {
        let (mut child, mut lines) = start_child(&path, &round.to_string(), "");
        // Between the first acknowledgement and a few checkpoints.
        let target = if round == 0 { 1 } else { rand::random_range(1..12_000) };
        let mut acked_or_recorded = |line: String| {
            all_recorded.extend(recorded::parse(&line));
            acked(&line)
        };
        let mut seen: Vec<_> = lines.by_ref().filter_map(&mut acked_or_recorded).take(target).collect();
        assert_eq!(seen.len(), target, "the child goes on until it is killed");
        match Embedded::open(&path, Retention::default()) {
            Err(OpenError::Locked { owner: Some(owner), .. }) => {
                assert_eq!(owner, format!("pid {}", child.id()));
            }
            other => panic!("another process holds it: {other:?}"),
        }
        child.kill().expect("killed");
        child.wait().expect("it ended");
        seen.extend(lines.filter_map(acked_or_recorded));
        all.extend(seen);

        let store = Store::new(Embedded::open(&path, Retention::default()).expect("it opens after a kill"));
        assert_eq!(*epoch.get_or_insert(store.head().epoch), store.head().epoch);
        check(&store, &all).await;
        recorded::check(&store, &all_recorded).await;
        let next = store
            .log
            .append(Append::new(vec![event(&format!("between-{round}"))]))
            .await
            .expect("it goes on");
        all.insert(next[0].event.position.seq, format!("between-{round}"));
        store.engine.close().await;
        let conn = rusqlite::Connection::open(&path).expect("a database");
        let answer: String = conn.query_row("PRAGMA integrity_check", (), |row| row.get(0)).expect("checked");
        assert_eq!(answer, "ok", "round {round}, killed after {target}");
    }
    assert!(!all_recorded.is_empty(), "something was recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_at_a_commit_stops_the_store() {
    // The write-ahead log has 2 MiB before it starts over.
    a_disk_that_fails_stops_the_store("512", "committing to").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_at_a_checkpoint_stops_the_store() {
    a_disk_that_fails_stops_the_store("3072", "checkpointing").await;
}

/// Makes writes beyond a given size of a file fail, with an error other than a full disk.
async fn a_disk_that_fails_stops_the_store(kib_max: &str, doing: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    // The shell counts in blocks of 512 bytes.
    let shell = format!("ulimit -f $((2 * {kib_max})); trap '' XFSZ;");
    let (mut child, lines) = start_child(&path, "0", &shell);
    let lines: Vec<_> = lines.collect();
    child.wait().expect("it ended by itself");
    let acked: HashMap<_, _> = lines.iter().filter_map(|line| acked(line)).collect();
    assert!(!acked.is_empty(), "it worked at first");
    let refused: Vec<_> = lines.iter().filter(|line| line.starts_with("refused")).collect();
    assert_eq!(refused.len(), 8, "every task learns of it: {refused:?}");
    for start in [
        "refused the store stopped after a fatal error: ".to_owned(),
        format!("failed the store stopped after a fatal error: {doing} "),
    ] {
        assert!(lines.iter().any(|line| line.starts_with(&start)), "{start}");
    }
    assert!(lines.iter().any(|line| line.starts_with("then the store stopped after a fatal error: ")));

    let store =
        Store::new(Embedded::open(&path, Retention::default()).expect("it opens once the disk works again"));
    check(&store, &acked).await;
    store.log.append(Append::new(vec![event("x")])).await.expect("it goes on");
    store.engine.close().await;
}

/// Copies the files as they are at this moment, as a loss of power would leave them.
fn copy_files(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        std::fs::copy(name(from), name(to)).expect("copied");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_write_ahead_log_loses_nothing_before_the_tear() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let wal = directory.path().join("log.db-wal");
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("a new store"));
    let mut ends = Vec::new();
    for number in 0..60 {
        let batch = (0..1 + number % 5).map(|index| large_event(&format!("{number}-{index}"))).collect();
        let last = store
            .log
            .append(Append::new(batch))
            .await
            .expect("appended")
            .last()
            .expect("one")
            .event
            .position
            .seq;
        ends.push((std::fs::metadata(&wal).expect("a write-ahead log").len(), last));
    }
    let len = ends[ends.len() - 1].0;
    let whole = read_pages(&store, read_all(&store)).await;

    let torn = directory.path().join("torn.db");
    for (index, cut) in (0..len).step_by(len as usize / 40).chain([len - 1, len]).enumerate() {
        let what = ["cut off", "zeroed", "turned"][index % 3];
        copy_files(&path, &torn);
        let torn_wal = directory.path().join("torn.db-wal");
        let mut bytes = std::fs::read(&torn_wal).expect("read");
        let (_, tail) = bytes.split_at_mut(cut as usize);
        match what {
            "zeroed" => tail.fill(0),
            "turned" => tail.iter_mut().for_each(|byte| *byte = !*byte),
            _ => bytes.truncate(cut as usize),
        }
        std::fs::write(&torn_wal, bytes).expect("written");

        let expected = ends.iter().rev().find(|(end, _)| *end <= cut).map_or(0, |(_, last)| *last);
        let store = Store::new(Embedded::open(&torn, Retention::default()).expect("a tear is no damage"));
        let events = read_pages(&store, read_all(&store)).await;
        assert_eq!(events.len() as u64, expected, "{what} at {cut} of {len}");
        assert_eq!(events, whole[..events.len()], "{what} at {cut} of {len}");
        let next = store.log.append(Append::new(vec![event("after")])).await.expect("it goes on");
        assert_eq!(next[0].event.position.seq, expected + 1);
        soon(store.engine.close()).await;
    }
    store.engine.close().await;
}
