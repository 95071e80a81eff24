//! Backing up a log that is in use, and restoring it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::{Gateway, Said, Shell, done};
use crate::support::gateway::reqwest_client;
use crate::support::receiver::Receiver;
use crate::support::until;
use fanfare_store_suite::disk::{is_root, not_checked};

/// Runs a command that must fail, and checks what it says.
async fn refused(shell: &Shell, words: &[&str], reasons: &[&str]) -> Said {
    let said = shell.run(words).await;
    assert_eq!(said.code, 1, "{words:?}: {said:?}");
    for reason in reasons {
        assert!(said.err.contains(reason), "{words:?}: `{reason}` is not in {said:?}");
    }
    said
}

async fn serve(shell: Shell) -> Gateway {
    Gateway::start_in(shell, "127.0.0.1:0", "log.db").await
}

fn files(shell: &Shell) -> Vec<String> {
    let entries = fs::read_dir(shell.home()).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.contains(".db"));
    names.sort();
    names
}

/// Pushes batches to a gateway until it is told to end; returns the ids.
async fn push_on(
    url: &str,
    mut until: tokio::sync::watch::Receiver<bool>,
    counted: tokio::sync::watch::Sender<u64>,
) -> u64 {
    let http = reqwest_client(false);
    let mut pushed = 0;
    while !*until.borrow_and_update() {
        let events: Vec<Value> = (0..20)
            .map(|number| json!({ "message": format!("{pushed} {number} {}", "x".repeat(500)) }))
            .collect();
        let answer = http.post(format!("{url}/api/push")).json(&events).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        pushed += 20;
        counted.send_replace(pushed);
    }
    pushed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_done_beside_a_stream_of_pushes() {
    let gateway = serve(Shell::new()).await;
    let (end, ends) = tokio::sync::watch::channel(false);
    let (counted, mut count) = tokio::sync::watch::channel(0);
    let url = gateway.url.clone();
    let pushing = tokio::spawn(async move { push_on(&url, ends, counted).await });
    for round in 0_u64..3 {
        // Pushes continue before, during and after the backup.
        count.wait_for(|count| *count >= 2_000 * (round + 1)).await.expect("they go on");
        let before = *count.borrow();
        let backup = done(&gateway.shell, &["backup", "--store", "log.db", "--force", "backup.db"]).await;
        let events = backup["events"].as_u64().expect("a number");
        assert!(events >= before, "{events} of {before} that were acknowledged before it");
        count.wait_for(|count| *count > before).await.expect("pushes went on");
        let checked = done(&gateway.shell, &["log", "check", "backup.db"]).await;
        assert_eq!((&checked["ok"], &checked["events"]), (&json!(true), &backup["events"]));
    }
    end.send_replace(true);
    let pushed = pushing.await.expect("pushed");
    let found = fs::metadata(Path::new(gateway.shell.home()).join("backup.db")).expect("a file");
    assert_eq!(found.permissions().mode() & 0o777, 0o600, "it holds secrets");
    let beside = files(&gateway.shell);
    assert_eq!(beside, ["backup.db", "log.db", "log.db-shm", "log.db-wal", "log.db.lock"]);

    // It is one state of the log: the first events of it, without a hole.
    let shell = gateway.stop().await;
    let export = shell.run(&["log", "export", "--store", "backup.db"]).await;
    let all = shell.run(&["log", "export", "--store", "log.db"]).await;
    assert!(all.out.starts_with(&export.out) && all.out.len() > export.out.len());
    assert_eq!(all.out.lines().count() as u64, pushed);
}

#[tokio::test]
async fn a_backup_overwrites_nothing_that_it_was_not_told_to() {
    let gateway = serve(Shell::new()).await;
    gateway.push(&["one"]).await;
    let shell = gateway.stop().await;
    shell.write("there.db", "precious");
    let backup = |file| ["backup", "--store", "log.db", file];
    refused(&shell, &backup("there.db"), &["`there.db` exists", "--force"]).await;
    assert_eq!(shell.read("there.db"), "precious");
    refused(&shell, &backup("."), &["directory"]).await;
    refused(&shell, &["backup", "--store", "none.db", "new.db"], &["there is no file at `none.db`"]).await;
    for own in ["log.db", "./log.db", "log.db-wal", "log.db.lock"] {
        let said = shell.run(&["backup", "--store", "log.db", "--force", own]).await;
        assert!(said.code == 2 && said.err.contains("a file of the log itself"), "{own}: {said:?}");
    }
    let said = shell.run(&["backup", "--store", "memory", "new.db"]).await;
    assert!(said.code == 2 && said.err.contains("in memory"), "{said:?}");
    // The draft of a killed backup is reused.
    shell.write("new.db.part", "half a backup");
    let backup = done(&shell, &["backup", "--store", "log.db", "new.db"]).await;
    assert_eq!((&backup["events"], &backup["damaged_events"]), (&json!(1), &json!(0)));
    assert_eq!(files(&shell), ["log.db", "log.db.lock", "new.db", "there.db"]);
    done(&shell, &["backup", "--store", "log.db", "--force", "there.db"]).await;

    // SQLite would mix a backup with what is left of another file of that name.
    for left in ["there.db-wal", "there.db-journal"] {
        shell.write(left, "of another log");
        let words = ["backup", "--store", "log.db", "--force", "there.db"];
        refused(&shell, &words, &[&format!("`{left}` is in the way"), "move it away"]).await;
        fs::remove_file(Path::new(shell.home()).join(left)).expect("removed");
    }
    // So it would with what a killed restore left.
    for left in ["restored.db.part", "restored.db.part-journal", "restored.db.part-wal"] {
        shell.write(left, "half a log");
    }
    done(&shell, &["restore", "there.db", "--store", "restored.db"]).await;
    let left: Vec<_> = files(&shell).into_iter().filter(|name| name.starts_with("restored.db")).collect();
    assert_eq!(left, ["restored.db", "restored.db.lock"]);
}

#[tokio::test]
async fn a_log_that_is_restored_is_another_log_with_the_same_events() {
    let mut shell = Shell::new();
    shell.set("FANFARE_STORE", "log.db");
    let gateway = serve(shell).await;
    let (well, ill) = (Receiver::start().await, Receiver::start().await);
    ill.answer(500);
    for (receiver, options) in [(&well, "a.>"), (&ill, "a.>")] {
        gateway.json(&["webhooks", "add", &receiver.url(), "-c", options, "--retry", "1h"]).await;
    }
    let first = gateway.push(&["-c", "a.b", "one"]).await;
    let two = gateway.push(&["-c", "a.b", "two"]).await;
    assert_eq!(well.next_messages(2).await, ["one", "two"]);
    gateway.json(&["readers", "set", "ann", ">", "--position", &first]).await;
    until("two that wait, and a place for the rest", async || {
        let status = gateway.json(&["webhooks", "ls"]).await;
        let items = status["items"].as_array().expect("webhooks");
        let waiting: u64 = items.iter().map(|item| item["waiting"].as_u64().unwrap_or(0)).sum();
        let lag: u64 = items.iter().map(|item| item["lag"].as_u64().unwrap_or(0)).sum();
        (waiting == 2 && lag == 0).then_some(())
    })
    .await;
    // The place of a webhook is written down a little later.
    let backup = until("a backup with both places", async || {
        let backup = done(&gateway.shell, &["backup", "--force", "backup.db"]).await;
        let conn = rusqlite_seqs(Path::new(gateway.shell.home()));
        (conn == [2, 2]).then_some(backup)
    })
    .await;
    assert_eq!(
        (&backup["events"], &backup["webhooks"], &backup["readers"]),
        (&json!(2), &json!(2), &json!(1))
    );
    let lost = gateway.push(&["-c", "a.b", "lost"]).await;
    assert_eq!(well.next_messages(1).await, ["lost"]);

    // Refused while the gateway runs, over a log, and beside the files of one.
    refused(&gateway.shell, &["restore", "backup.db"], &["in use by another process", "stop that process"])
        .await;
    let shell = gateway.kill().await;
    refused(&shell, &["restore", "backup.db"], &["`log.db` exists", "move it away", "log.db-wal"]).await;
    fs::remove_file(Path::new(shell.home()).join("log.db")).expect("removed");
    refused(&shell, &["restore", "backup.db"], &["`log.db-wal` is in the way", "move it away"]).await;
    fs::remove_file(Path::new(shell.home()).join("log.db-wal")).expect("removed");
    refused(&shell, &["restore", "backup.db"], &["`log.db-shm` is in the way"]).await;
    fs::remove_file(Path::new(shell.home()).join("log.db-shm")).expect("removed");

    // Also refused from a damaged backup.
    let whole = fs::read(Path::new(shell.home()).join("backup.db")).expect("a backup");
    fs::write(Path::new(shell.home()).join("cut.db"), &whole[..whole.len() / 2]).expect("written");
    refused(&shell, &["restore", "cut.db"], &["`cut.db` is damaged"]).await;
    shell.write("empty.db", "");
    refused(&shell, &["restore", "empty.db"], &["`empty.db` is empty"]).await;
    refused(&shell, &["restore", "none.db"], &["no file at `none.db`"]).await;
    assert!(!files(&shell).iter().any(|name| name == "log.db"), "{:?}", files(&shell));

    let restored = done(&shell, &["restore", "backup.db"]).await;
    assert_eq!((&restored["events"], &restored["previous_epoch"]), (&json!(2), &backup["epoch"]));
    assert_ne!(restored["epoch"], backup["epoch"]);
    let found = fs::metadata(Path::new(shell.home()).join("log.db")).expect("a file");
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!(whole, fs::read(Path::new(shell.home()).join("backup.db")).expect("a backup"), "untouched");

    let gateway = serve(shell).await;
    let epoch = restored["epoch"].as_str().expect("text");
    let history = gateway.json(&["history"]).await;
    let shown: Vec<_> =
        history["events"].as_array().expect("events").iter().map(|event| &event["id"]).collect();
    assert_eq!(shown, [&json!(format!("{epoch}-1")), &json!(format!("{epoch}-2"))]);
    // A client that returns with a position of the earlier log continues after the events that both have.
    let mut listener = gateway.shell.start(&["listen", "-o", "json", "--after", &lost]);
    while listener.json().await["notice"] != "reset" {}
    let new = gateway.push(&["-c", "a.b", "new"]).await;
    assert_eq!(new, format!("{epoch}-3"));
    loop {
        let event = listener.json().await;
        assert_ne!(event["message"], "two", "it has that");
        if event["message"] == "new" {
            break;
        }
    }
    let readers = gateway.json(&["readers", "ls"]).await;
    assert_eq!(readers["readers"][0]["position"], json!(format!("{epoch}-1")), "{readers}");
    // A webhook that was up to date gets only new events. Deliveries that wait keep the ids under which they
    // were tried before.
    assert_eq!(well.next_messages(1).await, ["new"]);
    let deliveries = gateway.json(&["deliveries", "ls"]).await;
    let mut ids: Vec<&str> = deliveries["deliveries"]
        .as_array()
        .unwrap_or_else(|| panic!("{deliveries}"))
        .iter()
        .map(|row| row["event_id"].as_str().expect("an id"))
        .collect();
    ids.sort_unstable();
    let mut expected = [first.as_str(), two.as_str(), new.as_str()];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert_eq!(well.count(), 4);
    gateway.stop().await;
}

/// Returns the seqs of the places of the webhooks in the backup.
fn rusqlite_seqs(home: &Path) -> Vec<i64> {
    let conn = rusqlite::Connection::open(home.join("backup.db")).expect("a database");
    let mut statement = conn.prepare("SELECT seq FROM webhook_cursors").expect("a statement");
    let rows = statement.query_map((), |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("numbers")
}

#[tokio::test]
async fn a_backup_of_a_log_that_a_crash_left_has_its_last_events_and_leaves_it_alone() {
    let gateway = serve(Shell::new()).await;
    for message in ["one", "two"] {
        gateway.push(&[message]).await;
    }
    let shell = gateway.kill().await;
    let home = Path::new(shell.home());
    let bytes = |name: &str| fs::read(home.join(name)).expect("a file");
    let (log, wal) = (bytes("log.db"), bytes("log.db-wal"));
    assert!(!wal.is_empty());
    assert_eq!(done(&shell, &["backup", "--store", "log.db", "backup.db"]).await["events"], 2);
    assert_eq!(done(&shell, &["log", "check", "log.db"]).await["events"], 2);
    assert!(bytes("log.db") == log && bytes("log.db-wal") == wal, "the next start finds what the crash left");
    // Its files were copied, rather than backed up: what is in the write-ahead log would be lost.
    fs::copy(home.join("log.db"), home.join("copy.db")).expect("copied");
    fs::copy(home.join("log.db-wal"), home.join("copy.db-wal")).expect("copied");
    let reasons = ["copy of a log that was in use", "fanfare backup --store copy.db"];
    refused(&shell, &["restore", "copy.db", "--store", "new.db"], &reasons).await;
    done(&shell, &["backup", "--store", "copy.db", "whole.db"]).await;
    assert_eq!(done(&shell, &["restore", "whole.db", "--store", "new.db"]).await["events"], 2);
}

/// A user for whom root works.
const USER: u32 = 12_345;

/// Returns the home of a stopped gateway whose log has the copy `backup.db`; `None` where the test may not work for
/// another user.
async fn root_with_a_backup() -> Option<Shell> {
    if !is_root() {
        not_checked("not checked: only root may work for another user");
        return None;
    }
    let gateway = serve(Shell::new()).await;
    gateway.push(&["one"]).await;
    let shell = gateway.stop().await;
    done(&shell, &["backup", "--store", "log.db", "backup.db"]).await;
    Some(shell)
}

/// Root would otherwise leave files that the user of the gateway can neither read nor lock.
#[tokio::test]
async fn what_root_restores_belongs_to_the_owner_of_the_directory() {
    let Some(shell) = root_with_a_backup().await else { return };
    let directory = Path::new(shell.home()).join("theirs");
    fs::create_dir(&directory).expect("a directory");
    chown(&directory, Some(USER), Some(USER)).expect("given away");
    let owners =
        || ["log.db", "log.db.lock"].map(|name| fs::metadata(directory.join(name)).expect("a file").uid());
    done(&shell, &["restore", "backup.db", "--store", "theirs/log.db"]).await;
    assert_eq!(owners(), [USER, USER]);
    done(&shell, &["log", "compact", "--store", "theirs/log.db"]).await;
    assert_eq!(owners(), [USER, USER]);
    fs::remove_file(directory.join("log.db")).expect("removed");
    let said = shell.run_with(&["log", "import", "--store", "theirs/log.db"], "").await;
    assert_eq!((said.code, owners()), (0, [USER, USER]), "{said:?}");
}

/// The directory is then not part of the name of the log.
#[tokio::test]
async fn what_root_restores_into_the_current_directory_belongs_to_its_owner() {
    let Some(shell) = root_with_a_backup().await else { return };
    let directory = Path::new(shell.home());
    chown(directory, Some(USER), Some(USER)).expect("given away");
    let owners =
        || ["new.db", "new.db.lock"].map(|name| fs::metadata(directory.join(name)).expect("a file").uid());
    done(&shell, &["restore", "backup.db", "--store", "new.db"]).await;
    assert_eq!(owners(), [USER, USER]);
    done(&shell, &["log", "compact", "--store", "new.db"]).await;
    assert_eq!(owners(), [USER, USER]);
}
