//! `fanfare run` without a gateway. The command runs anyway.

use rustix::process::Signal;

use crate::cli::{Shell, json};

fn shell() -> Shell {
    let mut shell = Shell::new();
    shell.set("FANFARE_URL", "http://127.0.0.1:1");
    shell
}

#[tokio::test]
async fn the_exit_code_and_the_output_pass_through() {
    let shell = shell();
    for code in [0, 1, 3, 255] {
        let script = format!("printf 'out\\nno end'; printf 'err\\n' >&2; exit {code}");
        let said = shell.run(&["run", "--", "sh", "-c", &script]).await;
        assert_eq!((said.code, said.out.as_str()), (code, "out\nno end"), "{said:?}");
        assert!(said.err.contains("err\n"), "{said:?}");
        assert!(said.err.contains("waits for the next push: cannot reach"), "{said:?}");
    }
}

#[tokio::test]
async fn a_command_that_a_signal_ended_gives_128_and_its_number() {
    let said = shell().run(&["run", "--", "sh", "-c", "kill -TERM $$"]).await;
    assert_eq!(said.code, 143, "{said:?}");
    assert!(said.err.contains("stopped by SIGTERM"), "{said:?}");
}

#[tokio::test]
async fn a_command_that_cannot_be_run_exits_with_127_or_126() {
    let shell = shell();
    let said = shell.run(&["run", "--", "no-such-command"]).await;
    assert_eq!(said.code, 127, "{said:?}");
    assert!(
        said.err.contains("could not be started: no-such-command (no such file or directory)"),
        "{said:?}"
    );
    shell.write("text", "no program");
    let said = shell.run(&["run", "--", "./text"]).await;
    assert_eq!(said.code, 126, "{said:?}");
}

#[tokio::test]
async fn signals_are_for_the_command() {
    let shell = shell();
    for (signal, name) in
        [(Signal::TERM, "TERM"), (Signal::HUP, "HUP"), (Signal::INT, "INT"), (Signal::USR1, "USR1")]
    {
        // A shell runs its trap between two commands.
        let script =
            format!("trap 'echo got {name}; exit 7' {name}; echo ready; while :; do sleep 0.05; done");
        let mut running = shell.start(&["run", "-q", "--", "sh", "-c", &script]);
        assert_eq!(running.line().await, "ready");
        running.signal(signal);
        assert_eq!(running.line().await, format!("got {name}"));
        assert_eq!(running.end().await.code, 7);
    }
}

#[tokio::test]
async fn a_process_left_running_does_not_delay_the_exit() {
    let shell = shell();
    let said = shell.run(&["run", "-q", "--", "sh", "-c", "echo done; sleep 20 & exit 4"]).await;
    assert_eq!((said.code, said.out.as_str()), (4, "done\n"), "{said:?}");
}

#[tokio::test]
async fn stdin_is_the_commands() {
    let said = shell().run_with(&["run", "-q", "--", "cat"], "hello").await;
    assert_eq!((said.code, said.out.as_str()), (0, "hello"));
}

#[tokio::test]
async fn warnings_are_json_when_programs_read() {
    let said = shell().run(&["run", "-o", "json", "--", "true"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    for line in said.err.lines() {
        assert!(json(line)["warning"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn a_reader_of_the_output_that_goes_away_ends_the_command() {
    let shell = shell();
    let line = format!("({} run -q -- yes; echo code $? >&2) | head -1", env!("CARGO_BIN_EXE_fanfare"));
    let said = shell.run(&["run", "-q", "--", "sh", "-c", &line]).await;
    assert_eq!((said.out.as_str(), said.err.as_str()), ("y\n", "code 141\n"), "{said:?}");
}

#[tokio::test]
async fn at_a_terminal_the_command_has_a_terminal_of_the_same_size() {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&ours).expect("ours");
    unlockpt(&ours).expect("ours");
    let path = ptsname(&ours, Vec::new()).expect("a name");
    let theirs =
        open(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("a terminal");
    let mut size = rustix::termios::tcgetwinsize(&ours).expect("a size");
    (size.ws_col, size.ws_row) = (93, 31);
    rustix::termios::tcsetwinsize(&ours, size).expect("a size");

    let shell = shell();
    let script = "test -t 1 && ! test -t 2 && stty size <&1";
    let mut command = shell.command(&["run", "-q", "--", "sh", "-c", script]);
    let child = command.stdout(std::process::Stdio::from(theirs)).spawn().expect("the program starts");
    // Our copy of the other end must be closed too, or the output would never end.
    drop(command);
    let read = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        // Reading from a terminal fails at the end.
        let _ = std::io::Read::read_to_end(&mut std::fs::File::from(ours), &mut text);
        String::from_utf8(text).expect("UTF-8")
    });
    let ended = tokio::time::timeout(crate::cli::DEADLINE, child.wait_with_output()).await;
    let ended = ended.expect("an end in time").expect("an end");
    assert_eq!(
        (ended.status.code(), read.await.expect("read").as_str()),
        (Some(0), "31 93\r\n"),
        "{ended:?}"
    );
}
