//! Restarts: the sockets stay open from one gateway to the next, so that no connection is refused; and what each signal
//! does.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::support::program::{Program, install};
use crate::support::raw::Raw;
use crate::support::{soon, until};

/// Pushers that connect anew for each push, until they are told to end. Each push must be answered.
struct Pushers {
    end: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Pushers {
    fn start(address: SocketAddr) -> Pushers {
        let (end, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let push = |_| {
            let (end, answered) = (Arc::clone(&end), Arc::clone(&answered));
            tokio::spawn(async move {
                while !end.load(Ordering::Relaxed) {
                    let mut raw = Raw::connect(address).await;
                    raw.send(
                        "POST /api/push/a HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                         content-length: 5\r\n\r\nhello",
                    )
                    .await;
                    let head = raw.head().await;
                    let body = raw.body(&head).await;
                    assert_eq!(head.status, 200, "{}", String::from_utf8_lossy(&body));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let tasks = (0..4).map(push).collect();
        Pushers { end, answered, tasks }
    }

    /// Waits until this many more pushes are answered.
    async fn go_on(&self, count: usize) {
        let until_there = self.answered.load(Ordering::Relaxed) + count;
        until("pushes", async || (self.answered.load(Ordering::Relaxed) >= until_there).then_some(())).await;
    }

    /// Ends them, and returns the number of pushes that were answered.
    async fn end(self) -> usize {
        self.end.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("every push was answered");
        }
        self.answered.load(Ordering::Relaxed)
    }
}

async fn last_seq(address: SocketAddr) -> usize {
    let mut raw = Raw::connect(address).await;
    let head = raw.get("/api/status", "").await;
    let status: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
    let last = status["last"].as_str().expect("a position");
    last.rsplit('-').next().and_then(|seq| seq.parse().ok()).expect("a seq")
}

fn address(said: &Value) -> SocketAddr {
    said["addresses"][0].as_str().expect("an address").parse().expect("an address")
}

fn path(directory: &Path, name: &str) -> String {
    directory.join(name).display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_hands_its_sockets_over_to_itself_and_refuses_no_connection() {
    let home = tempfile::tempdir().expect("a directory");
    let store = path(home.path(), "log.db");
    let mut program = Program::serve(home.path(), &["--listen", "127.0.0.1:0", "--store", &store]);
    let said = program.listening().await;
    let (address, pid) = (address(&said), program.pid());
    let pushers = Pushers::start(address);
    pushers.go_on(50).await;
    for _ in 0..3 {
        program.signal(Signal::USR2);
        let again = program.listening().await;
        assert_eq!((&again["addresses"], program.pid()), (&said["addresses"], pid));
        pushers.go_on(50).await;
    }
    let answered = pushers.end().await;
    assert_eq!(last_seq(address).await, answered, "every answered push is in the log once");
    program.signal(Signal::TERM);
    assert_eq!(program.ends().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_at_the_same_socket_accepts_once_it_has_the_log() {
    let home = tempfile::tempdir().expect("a directory");
    let store = path(home.path(), "log.db");
    let socket = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("an address");
    // The configured address has no effect.
    let arguments = ["--listen", "127.0.0.1:1", "--store", &store];
    let mut first = Program::inheriting(home.path(), &arguments, &socket);
    assert_eq!(first.listening().await["addresses"][0], address.to_string());
    let mut second = Program::inheriting(home.path(), &arguments, &socket);
    second.logs("waiting for the log").await;
    let pushers = Pushers::start(address);
    pushers.go_on(50).await;
    first.signal(Signal::TERM);
    assert_eq!(second.listening().await["addresses"][0], address.to_string());
    assert_eq!(first.ends().await.code(), Some(0));
    pushers.go_on(50).await;
    let answered = pushers.end().await;
    assert_eq!(last_seq(address).await, answered);
}

#[tokio::test]
async fn what_is_passed_must_listen_and_is_not_for_other_machines() {
    let home = tempfile::tempdir().expect("a directory");
    let everywhere = TcpListener::bind("0.0.0.0:0").expect("a socket");
    let mut program = Program::inheriting(home.path(), &["--store", "memory"], &everywhere);
    program.logs("is reachable from other machines").await;
    assert_eq!(program.ends().await.code(), Some(2));
}

#[tokio::test]
async fn a_stop_during_a_hand_over_is_a_clean_one_and_the_second_one_leaves_no_socket() {
    let home = tempfile::tempdir().expect("a directory");
    let socket = home.path().join("socket");
    let listen = format!("unix:{}", socket.display());
    let arguments = ["--listen", &listen, "--store", "memory", "--drain-time", "1m"];
    let mut program = Program::serve(home.path(), &arguments);
    program.listening().await;
    program.signal(Signal::USR2);
    program.logs("handing over").await;
    program.signal(Signal::TERM);
    program.logs("shutting down").await;
    UnixStream::connect(&socket).await.expect("it still drains");
    program.signal(Signal::TERM);
    assert_eq!(program.ends().await.code(), Some(143));
    assert!(!socket.exists(), "the socket was left behind");
}

#[tokio::test]
async fn a_stop_during_a_hand_over_leaves_no_socket_open_that_nobody_accepts_from() {
    let home = tempfile::tempdir().expect("a directory");
    let socket = home.path().join("socket");
    let listen = format!("unix:{}", socket.display());
    let arguments =
        ["--listen", "127.0.0.1:0", "--listen", &listen, "--store", "memory", "--shutdown-timeout", "1m"];
    let mut program = Program::serve(home.path(), &arguments);
    let address = address(&program.listening().await);
    let mut raw = Raw::connect(address).await;
    let event = json!({ "channel": "a", "message": "x".repeat(200_000) });
    let batch = Value::from(vec![event; 40]).to_string();
    raw.send(format!(
        "POST /api/push HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{batch}",
        batch.len()
    ))
    .await;
    let head = raw.head().await;
    assert_eq!(head.status, 200, "{}", String::from_utf8_lossy(&raw.body(&head).await));
    // The stop waits for a client that reads its response slowly.
    let mut slow = Raw::connect_narrow(address).await;
    slow.get("/api/events?limit=40", "").await;
    let mut stream = Raw::connect(address).await;
    stream.get("/stream", "").await;
    program.signal(Signal::USR2);
    // It accepts no more connections once it tells streams to end.
    while stream.chunk().await.is_some() {}
    program.signal(Signal::TERM);
    program.logs("shutting down").await;
    let mut some = vec![0; 16 * 1024];
    until("a refused connection", async || {
        let len = soon("some of the response", slow.stream.read(&mut some)).await.expect("bytes");
        assert_ne!(len, 0, "it stayed open until the end");
        UnixStream::connect(&socket).await.is_err().then_some(())
    })
    .await;
    assert!(program.is_running() && !socket.exists());
    program.signal(Signal::TERM);
    assert_eq!(program.ends().await.code(), Some(143));
}

#[tokio::test]
async fn every_signal_is_obeyed_while_a_successor_is_checked() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let (file, begun) = (directory.path().join("fanfare"), directory.path().join("begun"));
    let arguments = ["--listen", "127.0.0.1:0", "--store", "memory"];
    let mut program = Program::installed(&file, directory.path(), &arguments);
    program.logs("listening").await;
    // A program that never says whether it starts.
    install(&file, &format!("touch {}; exec sleep 60", begun.display()));
    program.signal(Signal::USR2);
    until("the check", async || begun.exists().then_some(())).await;
    program.signal(Signal::HUP);
    assert_eq!(program.line().await["message"], "settings reloaded: none has changed");
    program.signal(Signal::TERM);
    assert_eq!(program.line().await["message"], "shutting down");
    assert_eq!(program.ends().await.code(), Some(0));
}

#[tokio::test]
async fn signals_end_no_program_before_it_handles_them() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let file = directory.path().join("fanfare");
    let arguments = ["--listen", "127.0.0.1:0", "--store", "memory"];
    let mut program = Program::installed(&file, directory.path(), &arguments);
    program.listening().await;
    // A program that gets each signal first of all, and would be ended by it.
    let script = r#"[ "$1" = --version ] && exit 0
for signal in HUP USR1 USR2; do kill -s $signal $$; done
echo '{"lives": true}'"#;
    install(&file, script);
    program.signal(Signal::USR2);
    assert_eq!(program.listening().await["lives"], true);
    assert_eq!(program.ends().await.code(), Some(0));
}

#[tokio::test]
async fn the_last_program_of_a_process_removes_the_unix_socket_that_the_first_one_made() {
    let home = tempfile::tempdir().expect("a directory");
    let socket = home.path().join("socket");
    let listen = format!("unix:{}", socket.display());
    for replace in [false, true] {
        let arguments = ["--listen", "127.0.0.1:0", "--listen", &listen, "--store", "memory"];
        let mut program = Program::serve(home.path(), &arguments);
        program.listening().await;
        for _ in 0..2 {
            program.signal(Signal::USR2);
            program.listening().await;
        }
        UnixStream::connect(&socket).await.expect("it listens");
        if replace {
            std::fs::remove_file(&socket).expect("a file");
            std::fs::write(&socket, "another").expect("a file");
        }
        program.signal(Signal::TERM);
        assert_eq!(program.ends().await.code(), Some(0));
        assert_eq!(socket.exists(), replace, "it removes its own file alone");
    }
}

#[tokio::test]
async fn a_unix_socket_that_was_passed_to_the_process_stays() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("socket");
    let socket = UnixListener::bind(&path).expect("a socket");
    let mut program = Program::inheriting(home.path(), &["--store", "memory"], &socket);
    program.listening().await;
    program.signal(Signal::USR2);
    program.listening().await;
    program.signal(Signal::TERM);
    assert_eq!(program.ends().await.code(), Some(0));
    assert!(path.exists(), "the process that passed the socket still listens there");
}

#[tokio::test]
async fn a_hang_up_changes_how_long_a_stop_waits_for_connections() {
    let home = tempfile::tempdir().expect("a directory");
    let config = path(home.path(), "config.toml");
    let write = |text: &str| std::fs::write(&config, text).expect("written");
    write("[serve]\n");
    let arguments = ["--listen", "127.0.0.1:0", "--store", "memory", "--config", &config];
    let mut program = Program::serve(home.path(), &arguments);
    let address = address(&program.listening().await);
    write("[serve]\nshutdown-timeout = \"1ms\"\n");
    program.signal(Signal::HUP);
    assert_eq!(program.logs("reloaded").await, "settings reloaded: serve.shutdown-timeout changed");
    // A stop waits a second for the rest of it, if it may.
    let mut half = Raw::connect(address).await;
    half.send("POST /api/push/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf").await;
    program.signal(Signal::TERM);
    program.logs("some connections did not end in time").await;
    assert_eq!(program.ends().await.code(), Some(0));
}

#[tokio::test]
async fn a_hang_up_reads_the_settings_again_and_ends_nothing() {
    let home = tempfile::tempdir().expect("a directory");
    let config = path(home.path(), "config.toml");
    let write = |text: &str| std::fs::write(&config, text).expect("written");
    write("[serve]\nlisten = \"127.0.0.1:0\"\n");
    let mut program = Program::serve(home.path(), &["--store", "memory", "--config", &config]);
    let address = address(&program.listening().await);
    let mut stream = Raw::connect(address).await;
    stream.get("/stream", "").await;
    program.signal(Signal::HUP);
    assert_eq!(program.logs("reloaded").await, "settings reloaded: none has changed");
    write("[serve]\nlisten = \"127.0.0.1:1\"\ndrain-time = \"1m\"\nretention-age = \"1d\"\n");
    program.signal(Signal::HUP);
    assert_eq!(
        program.logs("reloaded").await,
        "settings reloaded: serve.drain-time changed, \
         serve.retention-age will change at the next start (SIGUSR2), \
         serve.listen will change when the process ends and starts again"
    );
    write("[serve]\ndrain-time = \"soon\"\n");
    program.signal(Signal::HUP);
    assert!(program.logs("reloaded").await.starts_with("settings not reloaded: "));
    // A successor would not start with these settings, so there is none.
    program.signal(Signal::USR2);
    program.logs("not handed over, the gateway continues").await;

    // It drains for as long as the current settings say, and a second signal ends it at once.
    program.signal(Signal::TERM);
    let mut raw = Raw::connect(address).await;
    until("the stop", async || {
        let head = raw.get("/ready", "").await;
        raw.body(&head).await;
        (head.status == 503).then_some(())
    })
    .await;
    program.signal(Signal::TERM);
    let status = program.ends().await;
    assert!(status.code() == Some(143) || status.signal() == Some(15), "{status}");
}
