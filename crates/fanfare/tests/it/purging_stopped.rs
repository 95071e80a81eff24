//! A purge whose caller has hung up, when the gateway stops: it ends, or the log says that it did not.

use std::net::SocketAddr;
use std::path::Path;

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::program::Program;
use crate::support::raw::Raw;
use crate::support::until;

/// A gateway with a purge under way.
struct Purging {
    program: Program,
    address: SocketAddr,
    /// Another program that reads the file. The purge waits for it, before it empties the write-ahead log and forgets
    /// the channel.
    other: Connection,
}

async fn serve(home: &Path, arguments: &[&str]) -> (Program, SocketAddr) {
    let store = home.join("log.db").display().to_string();
    let arguments = [&["--listen", "127.0.0.1:0", "--store", &store], arguments].concat();
    let mut program = Program::serve(home, &arguments);
    let said = program.listening().await;
    let address = said["addresses"][0].as_str().expect("an address").parse().expect("an address");
    (program, address)
}

async fn get(address: SocketAddr, path: &str) -> Value {
    let mut raw = Raw::connect(address).await;
    let head = raw.get(path, "").await;
    serde_json::from_slice(&raw.body(&head).await).expect("JSON")
}

async fn delete(address: SocketAddr) -> Raw {
    let mut raw = Raw::connect(address).await;
    raw.send("DELETE /api/channels/leak HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    raw
}

impl Purging {
    async fn begin(home: &Path, arguments: &[&str]) -> Purging {
        let (program, address) = serve(home, arguments).await;
        let mut raw = Raw::connect(address).await;
        raw.send("POST /api/push/leak HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nhush").await;
        assert_eq!(raw.head().await.status, 200);
        let other = Connection::open(home.join("log.db")).expect("a database");
        other.execute_batch("BEGIN; SELECT count(*) FROM events").expect("a state of it");
        let caller = delete(address).await;
        until("the purge", async || {
            let page = get(address, "/api/events?order=oldest&channel=leak").await;
            (page["purged"] == 1).then_some(())
        })
        .await;
        drop(caller);
        assert_eq!(get(address, "/api/channels").await["total"], 1, "the purge is under way");
        Purging { program, address, other }
    }
}

#[tokio::test]
async fn a_stop_waits_for_a_purge_although_its_caller_has_hung_up() {
    let home = tempfile::tempdir().expect("a directory");
    let Purging { mut program, address, other } = Purging::begin(home.path(), &[]).await;
    program.signal(Signal::TERM);
    program.logs("shutting down").await;
    until("the stop", async || TcpStream::connect(address).await.is_err().then_some(())).await;
    other.execute_batch("COMMIT").expect("done");
    program.logs("purged channel `leak`").await;
    assert_eq!(program.ends().await.code(), Some(0));
}

#[tokio::test]
async fn a_purge_that_takes_longer_than_a_stop_is_cut_off_and_the_log_says_so() {
    let home = tempfile::tempdir().expect("a directory");
    let Purging { mut program, other, .. } =
        Purging::begin(home.path(), &["--shutdown-timeout", "1ms"]).await;
    program.signal(Signal::TERM);
    program.logs("the purge of channel `leak` was cut off").await;
    assert_eq!(program.ends().await.code(), Some(0));
    other.execute_batch("COMMIT").expect("done");
    // The request can be repeated.
    let (_program, address) = serve(home.path(), &[]).await;
    let mut raw = delete(address).await;
    let head = raw.head().await;
    let purged: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
    assert_eq!((head.status, &purged["erased"]), (200, &Value::Bool(true)), "{purged}");
}
