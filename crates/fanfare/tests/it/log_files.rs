//! The file of a log: checking, exporting, importing and compacting it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::{Gateway, Shell, done, json};
use crate::support::receiver::Receiver;
use crate::support::until;
use fanfare_store_suite::damage::flip_a_bit;
use fanfare_store_suite::disk::{Disk, not_checked};

/// What a damaged event said.
const HIT: &str = "the one that is hit";

/// Returns a shell whose log has these messages, and is in use by nobody.
async fn logged(messages: &[&str]) -> Shell {
    let mut shell = Shell::new();
    shell.set("FANFARE_STORE", "log.db");
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "log.db").await;
    for message in messages {
        gateway.push(&["-c", "a.b", "-t", "success", "--key", "k", message, "n:=1.50"]).await;
    }
    gateway.stop().await
}

fn path(shell: &Shell, file: &str) -> PathBuf {
    Path::new(shell.home()).join(file)
}

fn messages(lines: &str) -> Vec<String> {
    lines.lines().map(|line| json(line)["message"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn a_check_finds_a_flipped_bit_and_changes_nothing() {
    let shell = logged(&["one", HIT, "three"]).await;
    let said = shell.run(&["log", "check"]).await;
    assert_eq!((said.code, &*said.out), (0, "✓ 3 events, 0 readers and 0 webhooks are whole\n"));
    flip_a_bit(&path(&shell, "log.db"), HIT);
    let before = fs::read(path(&shell, "log.db")).expect("a file");

    let said = shell.run(&["log", "check", "-o", "json"]).await;
    let report = json(&said.out);
    let damaged = format!("{}-2", report["epoch"].as_str().expect("text"));
    assert_eq!((said.code, &report["ok"], &report["damaged"]), (1, &json!(false), &json!([damaged])));
    let said = shell.run(&["log", "check"]).await;
    assert!(said.code == 1 && said.out.contains("1 of 3 events damaged") && said.out.contains(&damaged));
    assert!(said.err.contains("replace the disk"), "{said:?}");

    // A backup has it as well, and says so; the others are left out of nothing.
    let said = shell.run(&["backup", "backup.db"]).await;
    assert!(said.code == 0 && said.err.contains("1 event of the log cannot be read"), "{said:?}");
    let said = shell.run(&["log", "export"]).await;
    assert_eq!((said.code, messages(&said.out)), (0, vec!["one".to_owned(), "three".to_owned()]));
    assert!(said.err.contains("1 event left out") && said.err.contains("2 events exported"), "{said:?}");
    assert!(before == fs::read(path(&shell, "log.db")).expect("a file"));
    let mut beside: Vec<_> = fs::read_dir(shell.home())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("log.db"))
        .collect();
    beside.sort();
    assert_eq!(beside, ["log.db", "log.db.lock"], "nothing is left beside it");
}

#[tokio::test]
async fn a_check_finds_damage_in_the_structure() {
    let shell = logged(&["one", "two"]).await;
    let whole = fs::read(path(&shell, "log.db")).expect("a file");
    let conn = rusqlite::Connection::open(path(&shell, "log.db")).expect("a database");
    conn.execute_batch("DELETE FROM channel_blocks").expect("written");
    conn.close().expect("closed");
    let said = shell.run(&["log", "check"]).await;
    assert!(said.code == 1 && said.out.contains("missing in the index"), "{said:?}");
    // An index that does not agree with its table.
    fs::write(path(&shell, "log.db"), &whole).expect("written");
    let conn = rusqlite::Connection::open(path(&shell, "log.db")).expect("a database");
    conn.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'attempts_by_webhook')
             WHERE name = 'sqlite_autoindex_idempotency_keys_1';",
    )
    .expect("written");
    conn.close().expect("closed");
    let said = shell.run(&["log", "check"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("fanfare log export"), "{said:?}");
}

#[tokio::test]
async fn an_export_is_imported_with_its_times_and_once() {
    let shell = logged(&["one", "two\nlines", "three"]).await;
    let export = shell.run(&["log", "export"]).await;
    assert_eq!(messages(&export.out), ["one", "two\nlines", "three"]);
    shell.write("events.ndjson", &export.out);
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "log.db").await;
    let history = gateway.run(&["history", "--limit", "all", "-o", "ndjson"]).await;
    assert_eq!(history.out, export.out, "a running gateway gives the same lines");
    let shell = gateway.stop().await;
    // The log that they are of has them.
    let again = done(&shell, &["log", "import", "events.ndjson"]).await;
    assert_eq!((&again["imported"], &again["known"]), (&json!(0), &json!(3)));

    let first: String = export.out.lines().take(2).map(|line| format!("{line}\n")).collect();
    let import = ["log", "import", "--store", "new.db"];
    let said = shell.run_with(&import, &first).await;
    assert!(said.code == 0 && said.out.contains("2 events imported"), "{said:?}");
    let said = shell.run(&["log", "import", "--store", "new.db", "events.ndjson"]).await;
    assert!(said.code == 0 && said.out.contains("1 event imported · 2 were there already"), "{said:?}");
    let said = shell.run(&["log", "export", "--store", "new.db"]).await;
    // Byte for byte, since numbers keep their text; only the ids are of another log.
    let ids = |out: &str| -> Vec<String> {
        out.lines().map(|line| json(line)["id"].as_str().expect("an id").to_owned()).collect()
    };
    let (before, after) = (ids(&export.out), ids(&said.out));
    let mut renamed = said.out.clone();
    for (before, after) in before.iter().zip(&after) {
        assert_ne!(before, after);
        renamed = renamed.replace(after, before);
    }
    assert_eq!(renamed, export.out);
    assert_eq!(done(&shell, &["log", "check", "new.db"]).await["ok"], true);

    // Only what came later, and what was imported into a log stays known to a copy of it.
    let said = shell.run(&["log", "export", "--since", "1h"]).await;
    assert_eq!(said.out, export.out);
    let said = shell.run(&["log", "export", "--since", "2999-01-01T00:00:00Z"]).await;
    assert_eq!(said.out, "");
    done(&shell, &["backup", "--store", "new.db", "backup.db"]).await;
    done(&shell, &["restore", "backup.db", "--store", "restored.db"]).await;
    let again = done(&shell, &["log", "import", "--store", "restored.db", "events.ndjson"]).await;
    assert_eq!((&again["imported"], &again["known"]), (&json!(0), &json!(3)));
}

#[tokio::test]
async fn a_line_that_is_wrong_is_named_and_what_came_before_it_counts() {
    let shell = logged(&["one", "two"]).await;
    let mut export = shell.run(&["log", "export"]).await.out;
    export.push_str("\n{\"message\": \"new\"}\n");
    let said = shell.run_with(&["log", "import", "--store", "new.db"], &export).await;
    assert_eq!(said.code, 2, "{said:?}");
    for reason in
        ["`id` is missing", "line 4 of stdin, /id", "2 events before it are in the log", "push --ndjson"]
    {
        assert!(said.err.contains(reason), "`{reason}` is not in {said:?}");
    }
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "log.db").await;
    let said = gateway.shell.run_with(&["log", "import"], "").await;
    assert!(said.code == 1 && said.err.contains("in use by another process"), "{said:?}");
    let said = gateway.shell.run(&["log", "compact"]).await;
    assert!(said.code == 1 && said.err.contains("in use by another process"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_import_says_what_retention_will_remove() {
    let shell = Shell::new();
    let line = |day| {
        format!(
            "{{\"id\":\"aaaaaaaa-{day}\",\"message\":\"x\",\"timestamp\":\"2026-01-0{day}T00:00:00Z\"}}\n"
        )
    };
    let import = ["log", "import", "--store", "new.db"];
    let said = shell.run_with(&import, &(line(1) + &line(2))).await;
    assert!(
        said.code == 0 && said.err.contains("older than 7 d") && said.err.contains("--retention-age"),
        "{said:?}"
    );
    let mut shell = shell;
    shell.set("FANFARE_RETENTION_AGE", "999d");
    let said = shell.run_with(&["log", "import", "--store", "other.db"], &line(1)).await;
    assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
}

#[tokio::test]
async fn imported_events_are_history_for_who_is_up_to_date() {
    let shell = logged(&["one", "two"]).await;
    let export = shell.run(&["log", "export"]).await.out;
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "new.db").await;
    let receiver = Receiver::start().await;
    gateway.json(&["webhooks", "add", &receiver.url()]).await;
    let first = gateway.push(&["-c", "here", "of this log"]).await;
    assert_eq!(receiver.next_messages(1).await, ["of this log"]);
    gateway.json(&["readers", "set", "ann", ">"]).await;
    gateway.json(&["readers", "set", "behind", ">", "--position", &first.replace("-1", "-0")]).await;
    until("the webhook's place", async || {
        let webhooks = gateway.json(&["webhooks", "ls"]).await;
        (webhooks["items"][0]["lag"] == 0).then_some(())
    })
    .await;
    let shell = gateway.stop().await;
    let said = shell.run_with(&["log", "import", "--store", "new.db", "-o", "json"], &export).await;
    assert_eq!(json(&said.out)["imported"], 2, "{said:?}");

    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "new.db").await;
    gateway.push(&["-c", "here", "new"]).await;
    assert_eq!(receiver.next_messages(1).await, ["new"]);
    assert_eq!(receiver.count(), 2);
    let readers = gateway.json(&["readers", "ls"]).await;
    let lags: Vec<_> =
        readers["readers"].as_array().expect("readers").iter().map(|one| &one["lag"]).collect();
    assert_eq!(lags, [&json!(1), &json!(4)], "{readers}");
    let history = gateway.json(&["history"]).await;
    let shown: Vec<_> =
        history["events"].as_array().expect("events").iter().map(|one| &one["message"]).collect();
    assert_eq!(shown, ["of this log", "one", "two", "new"]);
    // Its clock goes on where it was, so what expires does so in time, and `since` finds what is new.
    let since = gateway.json(&["history", "--since", "1h"]).await;
    assert_eq!(since["events"].as_array().map(Vec::len), Some(4));
    gateway.stop().await;
}

#[tokio::test]
async fn compacting_gives_space_back_and_changes_nothing_else() {
    let mut shell = Shell::new();
    shell.set("FANFARE_STORE", "log.db").set("FANFARE_RETENTION_COUNT", "10");
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "log.db").await;
    let lines: String =
        (0..2_000).map(|number| format!("{{\"message\":\"{number} {}\"}}\n", "x".repeat(1_000))).collect();
    let said = gateway.shell.run_with(&["push", "--ndjson"], &lines).await;
    assert_eq!(said.code, 0, "{said:?}");
    until("retention", async || {
        let status = gateway.json(&["history", "--limit", "all"]).await;
        (status["events"].as_array().map(Vec::len) == Some(10)).then_some(())
    })
    .await;
    let shell = gateway.stop().await;
    let export = shell.run(&["log", "export"]).await;
    let before = fs::metadata(path(&shell, "log.db")).expect("a file").len();
    // Not while somebody reads it, whose write-ahead log would be taken for one of the new file.
    let reader = rusqlite::Connection::open(path(&shell, "log.db")).expect("a database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").expect("a state of it");
    let said = shell.run(&["log", "compact"]).await;
    assert!(said.code == 1 && said.err.contains("another program has `log.db` open"), "{said:?}");
    reader.close().expect("closed");
    let said = done(&shell, &["log", "compact"]).await;
    let after = fs::metadata(path(&shell, "log.db")).expect("a file").len();
    assert_eq!((&said["bytes_before"], &said["bytes_after"]), (&json!(before), &json!(after)));
    assert!(after * 5 < before, "{before} to {after}");
    assert_eq!(shell.run(&["log", "export"]).await.out, export.out);
    // The epoch is the same: positions stay valid.
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "log.db").await;
    let id = gateway.push(&["next"]).await;
    assert!(export.out.contains(&id.replace("-2001", "-2000")), "{id}");
    gateway.stop().await;
}

#[tokio::test]
async fn compacting_needs_room_for_both_and_says_so() {
    let Some(disk) = Disk::mount("6m") else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    let store = disk.path().join("log.db").to_str().expect("UTF-8").to_owned();
    let gateway = Gateway::start_in(Shell::new(), "127.0.0.1:0", &store).await;
    let lines: String = (0..200).map(|_| format!("{{\"message\":\"{}\"}}\n", "x".repeat(10_000))).collect();
    let said = gateway.shell.run_with(&["push", "--ndjson"], &lines).await;
    assert_eq!(said.code, 0, "{said:?}");
    let shell = gateway.stop().await;
    let before = fs::read(&store).expect("a file");
    fs::write(disk.path().join("ballast"), vec![1; 1_500_000]).expect("written");
    let said = shell.run(&["log", "compact", "--store", &store]).await;
    assert!(
        said.code == 1 && said.err.contains("too little room") && said.err.contains("MiB are free"),
        "{said:?}"
    );
    assert!(before == fs::read(&store).expect("a file"));
    assert!(!Path::new(&format!("{store}.part")).exists());
}
