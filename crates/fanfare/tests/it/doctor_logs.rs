//! What `fanfare doctor` finds wrong with the file of the log, with no gateway to ask.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cli::{Gateway, Shell};
use fanfare_store_suite::damage::flip_a_bit;
use fanfare_store_suite::disk::{Disk, not_checked};

const HIT: &str = "the one that is hit";

/// Returns a shell whose log has some events, and is in use by nobody.
async fn logged() -> (Shell, PathBuf) {
    let mut shell = Shell::new();
    shell.set("FANFARE_STORE", "log.db");
    let gateway = Gateway::start_in(shell, "127.0.0.1:0", "log.db").await;
    for message in ["one", HIT, "three"] {
        gateway.push(&[message]).await;
    }
    let shell = gateway.stop().await;
    let path = Path::new(shell.home()).join("log.db");
    (shell, path)
}

#[tokio::test]
async fn whatever_is_wrong_with_the_log_is_found_without_a_gateway() {
    let (mut shell, path) = logged().await;
    let whole = fs::read(&path).expect("a file");
    flip_a_bit(&path, HIT);
    let flipped = fs::read(&path).expect("a file");
    let mut torn = whole.clone();
    // The root of the first tables.
    torn[4_096..4_096 * 8].fill(0xa5);
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&[0, 0, 0, 200]);
    let cases: [(&str, &[u8], &[&str]); 7] = [
        ("flipped", &flipped, &["1 of 3 events damaged", "fanfare log check"]),
        ("truncated", &whole[..whole.len() / 2], &["is damaged", "cut off", "use a backup"]),
        ("torn", &torn, &["is damaged", "use a backup"]),
        (
            "foreign",
            b"notes of mine, which are longer than a head of a hundred bytes, so that they could be anything",
            &["is not a Fanfare store", "choose another file"],
        ),
        ("newer", &newer, &["later version", "use the version that wrote it"]),
        ("empty", b"", &["is empty (0 bytes)", "restore a backup"]),
        ("short", b"SQLite format 3\0", &["is not a Fanfare store"]),
    ];
    for (name, content, reasons) in cases {
        fs::write(&path, content).expect("written");
        let said = shell.run(&["doctor"]).await;
        assert_eq!(said.code, 1, "{name}: {said:?}");
        for reason in reasons {
            assert!(said.out.contains(reason), "{name}: `{reason}` is not in {said:?}");
        }
        assert!(fs::read(&path).expect("a file") == content, "{name} was changed");
    }
    fs::remove_file(&path).expect("removed");
    shell.write("log.db-wal", "the last events of a log");
    let said = shell.run(&["doctor"]).await;
    assert!(said.code == 1 && said.out.contains("log that is gone"), "{said:?}");
    fs::remove_file(Path::new(shell.home()).join("log.db-wal")).expect("removed");
    // The gateway that is named is there, but has another log.
    let other = Gateway::start().await;
    shell.set("FANFARE_URL", &other.url);
    let said = shell.run(&["doctor"]).await;
    assert!(said.code == 0 && said.out.contains("will create it"), "{said:?}");

    fs::write(&path, &whole).expect("written");
    let said = shell.run(&["doctor"]).await;
    assert!(said.code == 0 && said.out.contains("3 events, whole"), "{said:?}");
    other.stop().await;
}

#[tokio::test]
async fn a_log_that_others_can_read_is_said_by_the_doctor_and_at_the_start() {
    let (mut shell, path) = logged().await;
    let other = Gateway::start().await;
    shell.set("FANFARE_URL", &other.url);
    // Written anew, as by `cp`.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("allowed");
    let said = shell.run(&["doctor"]).await;
    assert!(said.code == 0 && said.out.contains("other users can read it (mode 0644)"), "{said:?}");
    assert!(said.out.contains("chmod 600 log.db"), "{said:?}");
    let mut gateway = shell.start(&["serve", "--listen", "127.0.0.1:0"]);
    gateway.err("chmod 600").await;
    gateway.signal(rustix::process::Signal::TERM);
    gateway.end().await;
    other.stop().await;
}

#[tokio::test]
async fn a_full_disk_is_found() {
    let Some(disk) = Disk::mount("1m") else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    let log = disk.path().join("log.db");
    let mut shell = Shell::new();
    shell.set("FANFARE_STORE", log.to_str().expect("UTF-8"));
    fs::write(disk.path().join("ballast"), vec![1; 900_000]).expect("written");
    let said = shell.run(&["doctor"]).await;
    assert!(said.code == 1 && said.out.contains("the disk is full"), "{said:?}");
    assert!(said.out.contains("free space on that disk"), "{said:?}");
}
