//! A gateway as an operator runs it, with an HTTP client, for tests that read its log.

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::gateway::reqwest_client;
use crate::support::process::post;
use crate::support::program::Program;

pub(crate) struct Logged {
    pub(crate) program: Program,
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    _home: tempfile::TempDir,
}

impl Logged {
    /// Starts a gateway in memory; these arguments are for `serve`.
    pub(crate) async fn start(arguments: &[&str]) -> Logged {
        let home = tempfile::tempdir().expect("a directory");
        let arguments = [&["--store", "memory", "--listen", "127.0.0.1:0"], arguments].concat();
        let mut program = Program::serve(home.path(), &arguments);
        let url = program.listening().await["url"].as_str().expect("an address").to_owned();
        program.logs("listening").await;
        Logged { program, http: reqwest_client(false), url, _home: home }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().expect("an address")
    }

    /// Returns the next line of the log.
    pub(crate) async fn line(&mut self) -> Value {
        self.program.line().await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        post(&self.http, &format!("{}{path}", self.url), body).await.expect("an answer")
    }
}
