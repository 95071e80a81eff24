//! A gateway for the blocks to talk to.

use std::path::Path;

use tempfile::TempDir;

use crate::readme::blocks::Language;
use crate::readme::run::{Running, Tools};

/// The address of the gateway in the texts.
const WRITTEN: &str = "127.0.0.1:8000";

/// A gateway on a free port, with a log of its own, in a directory where the blocks are run.
pub(super) struct Gateway {
    directory: TempDir,
    url: String,
    shell: Tools,
    _running: Running,
}

impl Gateway {
    pub(super) fn start() -> Gateway {
        let directory = TempDir::new().expect("a directory");
        // The target of `make test`.
        std::fs::write(directory.path().join("Makefile"), "test:\n\t@echo all green\n").expect("a Makefile");
        let shell = Tools::find(Language::Shell).expect("a shell");
        let mut running =
            shell.start(directory.path(), "exec fanfare serve --listen 127.0.0.1:0 --store gateway.db", "");
        let mut url = String::new();
        let listening = running.read_until(|line| match line.strip_prefix("listening on ") {
            Some(said) => {
                url = said.to_owned();
                true
            }
            None => false,
        });
        if let Err(said) = listening {
            panic!("the gateway did not say where it listens:\n{said}");
        }
        Gateway { directory, url, shell, _running: running }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns `code` with this gateway's address, or a free one if the code starts a gateway itself.
    pub(super) fn addressed(&self, code: &str) -> String {
        if code.contains("fanfare serve") {
            return code.replace(WRITTEN, "127.0.0.1:0");
        }
        code.replace(WRITTEN, self.url.trim_start_matches("http://"))
    }

    /// Pushes an event.
    pub(super) fn push(&self, channel: &str, message: &str) {
        let push = format!("fanfare push --quiet --channel {channel} --message '{message}'");
        let ended = self.shell.start(self.directory(), &push, &self.url).ended();
        if let Err(said) = ended {
            panic!("`{push}` failed:\n{said}");
        }
    }
}
