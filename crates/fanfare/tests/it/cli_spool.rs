//! Events that wait on this machine while their gateway is away.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cli::{Gateway, Shell, json};

/// Starts a gateway and stops it: returns a shell with its URL, and its address.
async fn away() -> (Shell, String) {
    let gateway = Gateway::start().await;
    let address = gateway.url.trim_start_matches("http://").to_owned();
    (gateway.stop().await, address)
}

/// Returns the files of the events that wait, in order.
fn waiting(shell: &Shell) -> Vec<PathBuf> {
    let spools = Path::new(shell.home()).join(".local/state/fanfare/spool");
    let Ok(spools) = std::fs::read_dir(spools) else { return Vec::new() };
    let files =
        spools.flat_map(|spool| std::fs::read_dir(spool.expect("a directory").path()).expect("a directory"));
    let paths = files.map(|file| file.expect("a file").path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

/// Returns the messages of all events, oldest first.
async fn messages(gateway: &Gateway) -> Vec<String> {
    let said = gateway.run(&["history", "--since", "1h", "-o", "raw"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    said.out.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn what_was_saved_is_pushed_first_and_in_order_once_the_gateway_is_back() {
    let (shell, address) = away().await;
    for number in 1..=3 {
        let said =
            shell.run(&["push", "--spool", "-c", "jobs", &format!("saved {number}"), "-o", "json"]).await;
        assert_eq!(said.code, 0, "{said:?}");
        let said = json(&said.out);
        assert_eq!((&said["spooled"], &said["waiting"]), (&true.into(), &number.into()), "{said}");
    }
    let ran = shell.run(&["run", "--name", "job", "--", "sh", "-c", "exit 3"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("`started: job` waits for the next push"), "{ran:?}");
    let files = waiting(&shell);
    assert_eq!(files.len(), 5);
    for file in &files {
        assert_eq!(file.metadata().expect("a file").permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    let directory = files[0].parent().expect("a directory");
    assert_eq!(directory.metadata().expect("a directory").permissions().mode() & 0o777, 0o700);
    let doctor = shell.run(&["doctor"]).await;
    assert_eq!(doctor.code, 1, "a gateway that was named is missing: {doctor:?}");
    assert!(doctor.out.contains("5 events wait in"), "{doctor:?}");
    // Without --spool, an event is not saved.
    assert_eq!(shell.run(&["push", "lost"]).await.code, 4);
    let said = shell.run(&["push", "--flush"]).await;
    assert_eq!(said.code, 4);
    assert!(said.out.contains("nothing was pushed") && said.out.contains("5 events wait"), "{said:?}");
    assert!(!said.out.contains('✓'), "{said:?}");
    assert_eq!(waiting(&shell).len(), 5);

    let gateway = Gateway::start_in(shell, &address, "memory").await;
    let said = gateway.run(&["push", "now"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("of the events that were saved: 5 pushed"), "{said:?}");
    let all = messages(&gateway).await;
    assert_eq!(all[..3], ["saved 1", "saved 2", "saved 3"], "{all:?}");
    assert_eq!(all[3], "started: job");
    assert!(all[4].starts_with("failed"), "{all:?}");
    assert_eq!(all[5..], ["now"]);
    assert_eq!(waiting(&gateway.shell), Vec::<PathBuf>::new());
    let said = gateway.run(&["push", "--flush"]).await;
    assert!(said.out.contains("nothing was waiting"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_event_whose_outcome_was_not_known_is_not_appended_twice() {
    let (shell, address) = away().await;
    shell.run(&["push", "--spool", "--idempotency-key", "once", "only once"]).await;
    let file = waiting(&shell).remove(0);
    let copy = std::fs::read(&file).expect("a file");
    let gateway = Gateway::start_in(shell, &address, "memory").await;
    assert_eq!(gateway.run(&["push", "--flush"]).await.code, 0);
    // As if the program had been killed between the answer and the removal of the file.
    std::fs::write(&file, copy).expect("a file");
    let said = gateway.run(&["push", "--flush", "-o", "json"]).await;
    assert_eq!(json(&said.out)["pushed"], 1, "{said:?}");
    assert_eq!(messages(&gateway).await, ["only once"]);
    gateway.stop().await;
}

#[tokio::test]
async fn what_cannot_be_pushed_is_kept_aside_and_what_has_expired_is_dropped() {
    let (shell, address) = away().await;
    for words in [&["-c", "jobs", "first"][..], &["--expires-in", "1ms", "too late"], &["second"]] {
        let words: Vec<&str> = ["push", "--spool"].iter().chain(words).copied().collect();
        assert_eq!(shell.run(&words).await.code, 0);
    }
    let files = waiting(&shell);
    std::fs::write(&files[0], "{\"half").expect("a file");
    let gateway = Gateway::start_in(shell, &address, "memory").await;
    let said = gateway.run(&["push", "--flush", "-o", "json"]).await;
    assert_eq!(said.code, 5, "{said:?}");
    let flushed = json(&said.out);
    assert_eq!((&flushed["pushed"], &flushed["expired"]), (&1.into(), &1.into()), "{flushed}");
    assert!(flushed["refused"][0].as_str().expect("a text").contains("cannot be read"), "{flushed}");
    assert!(files[0].with_extension("refused").is_file());
    assert_eq!(messages(&gateway).await, ["second"]);
    // The next flush has nothing to do with it.
    assert_eq!(gateway.run(&["push", "--flush"]).await.code, 0);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_refused_later_does_not_replace_what_was_refused_before() {
    let (mut shell, address) = away().await;
    let mut directory = PathBuf::new();
    for round in 0..3 {
        assert_eq!(shell.run(&["push", "--spool", "an event"]).await.code, 0);
        let file = waiting(&shell).remove(0);
        std::fs::write(&file, format!("{{\"half {round}")).expect("a file");
        directory = file.parent().expect("a directory").to_owned();
        let gateway = Gateway::start_in(shell, &address, "memory").await;
        let said = gateway.run(&["push", "--flush"]).await;
        assert!(said.code == 5 && said.out.contains("1 refused") && !said.out.contains('✓'), "{said:?}");
        shell = gateway.stop().await;
    }
    let files = std::fs::read_dir(directory).expect("a directory").map(|file| file.expect("a file").path());
    let refused = files.filter(|path| path.extension().is_some_and(|end| end == "refused"));
    let mut kept: Vec<String> = refused.map(|path| std::fs::read_to_string(path).expect("text")).collect();
    kept.sort();
    assert_eq!(kept, ["{\"half 0", "{\"half 1", "{\"half 2"]);
}

#[tokio::test]
async fn many_programs_that_save_and_send_at_once_lose_and_double_nothing() {
    let (shell, address) = away().await;
    let save = async |from: usize| {
        let pushes = (from..from + 8).map(|number| {
            let (shell, message) = (&shell, format!("m{number:02}"));
            async move {
                let said = shell.run(&["push", "--spool", &message]).await;
                assert_eq!(said.code, 0, "{said:?}");
            }
        });
        futures_util::future::join_all(pushes).await;
    };
    save(0).await;
    let mut running = shell.start(&["serve", "--listen", &address, "--store", "memory", "-o", "json"]);
    running.json().await;
    save(8).await;
    assert_eq!(shell.run(&["push", "--flush"]).await.code, 0);
    let mut all: Vec<String> =
        shell.run(&["history", "-o", "raw"]).await.out.lines().map(str::to_owned).collect();
    // Those that were saved before the gateway came back are the first.
    let early = all[..8].iter().all(|message| message.as_str() < "m08");
    assert!(early, "{all:?}");
    all.sort();
    assert_eq!(all, (0..16).map(|number| format!("m{number:02}")).collect::<Vec<_>>());
    running.signal(rustix::process::Signal::TERM);
    running.end().await;
}
