//! The entry to write: how a client connects to Fanfare, in the client's own format.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::cli::install::entry::{Entry, NAME};
use crate::cli::install::hosts::{Form, Host, Scope};
use crate::cli::install::layout::Layout;
use crate::cli::settings::{Key, Origin, values};

/// Variable that a client's file refers to. Its value is never written.
const VARIABLE: &str = "FANFARE_TOKEN";

/// How a client connects to Fanfare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// The client starts `fanfare mcp`
    #[default]
    Stdio,
    /// The client connects to /mcp of the gateway at --server
    Http,
}

/// The place of the token.
#[derive(Debug, Clone)]
enum Token {
    Environment,
    File(PathBuf),
    None,
}

/// What the user wants to install, independent of the client.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    transport: Transport,
    scope: Scope,
    server: String,
    /// Whether the user named the gateway. Otherwise, `fanfare mcp` finds one.
    is_server_named: bool,
    token: Token,
}

impl Wish {
    pub(crate) fn new(context: &Context, transport: Transport, scope: Scope) -> Result<Wish, Failure> {
        let settings = &context.settings;
        let named = settings.value(Key::Server);
        let file = settings.value(Key::TokenFile);
        let is_flag = file.as_ref().is_some_and(|file| matches!(file.origin, Origin::Flag(_)));
        let token = match file.and_then(|file| file.texts.into_iter().next()) {
            Some(path) if is_flag || settings.value(Key::Token).is_none() => {
                let path = std::path::absolute(&path)
                    .map_err(|error| Failure::file("find", Path::new(&path), &error))?;
                Token::File(path)
            }
            _ if settings.value(Key::Token).is_some() => Token::Environment,
            _ => Token::None,
        };
        Ok(Wish {
            transport,
            scope,
            server: settings.parsed(Key::Server, values::server)?.unwrap_or_default(),
            is_server_named: named.is_some_and(|named| named.origin != Origin::Default),
            token,
        })
    }

    /// Returns the entry for `host`.
    pub(crate) fn entry(&self, host: Host) -> Result<Entry, Failure> {
        match self.transport {
            Transport::Stdio => Ok(self.stdio(host)),
            Transport::Http => self.http(host),
        }
    }

    /// Returns what the user has to do so that the client has the token, if anything.
    pub(crate) fn advice(&self, host: Host) -> Option<String> {
        let title = host.title();
        let needs_variable = match (&self.token, self.transport, self.scope) {
            (Token::None, _, _) | (Token::File(_), Transport::Stdio, Scope::User) => false,
            (Token::Environment | Token::File(_), _, _) => true,
        };
        if !needs_variable {
            return None;
        }
        let can_refer = host == Host::Codex || host.reference(VARIABLE).is_some();
        Some(if can_refer {
            format!("{title} reads the token from {VARIABLE}: set it where {title} starts")
        } else if self.transport == Transport::Stdio {
            format!(
                "{title} cannot refer to a variable, and a token does not belong in its file: \
                 put it in a file of its own and pass --token-file"
            )
        } else {
            format!(
                "{title} cannot refer to a variable, and a token does not belong in its file: \
                 remove --transport http, put the token in a file of its own and pass --token-file"
            )
        })
    }

    /// Returns the snippet to paste, for a client whose file we do not write.
    pub(crate) fn snippet(&self, host: Host) -> Result<String, Failure> {
        let entry = self.entry(host)?;
        Ok(match host.form() {
            Form::ByHand if host == Host::Goose => {
                format!("extensions:\n  {NAME}:\n{}\n    enabled: true\n    timeout: 300", entry.yaml("    "))
            }
            Form::ByHand => json_snippet("mcpServers", &entry),
            Form::Jsonc(servers) => json_snippet(servers, &entry),
            Form::Toml(servers) => entry.toml(&format!("{servers}.{NAME}"), "\n").trim_end().to_owned(),
        })
    }

    fn stdio(&self, host: Host) -> Entry {
        let mut words = vec!["mcp".to_owned()];
        if self.is_server_named {
            words.extend(["--server".to_owned(), self.server.clone()]);
        }
        let mut needs_variable = matches!(self.token, Token::Environment);
        if let Token::File(path) = &self.token {
            // A path on this machine is useless to others who work on the project.
            match self.scope {
                Scope::User => words.extend(["--token-file".to_owned(), path.display().to_string()]),
                Scope::Project => needs_variable = true,
            }
        }
        let command = match self.scope {
            Scope::User => program(),
            Scope::Project => NAME.to_owned(),
        };
        let entry = match host {
            Host::ClaudeCode | Host::Vscode => Entry::default().text("type", "stdio"),
            Host::Goose => Entry::default().text("type", "stdio").text("name", NAME),
            Host::ClaudeDesktop
            | Host::Cline
            | Host::Codex
            | Host::Cursor
            | Host::GeminiCli
            | Host::Windsurf
            | Host::Zed => Entry::default(),
        };
        let entry = entry.text(if host == Host::Goose { "cmd" } else { "command" }, command);
        let entry = entry.list("args", words);
        if !needs_variable {
            return entry;
        }
        match (host, host.reference(VARIABLE)) {
            (Host::Codex, _) => entry.list("env_vars", vec![VARIABLE.to_owned()]),
            (Host::Goose, _) => entry.list("env_keys", vec![VARIABLE.to_owned()]),
            (_, Some(reference)) => entry.map("env", VARIABLE, reference),
            (_, None) => entry,
        }
    }

    fn http(&self, host: Host) -> Result<Entry, Failure> {
        let url = format!("{}/mcp", self.server);
        let entry = Entry::default();
        let entry = match host {
            Host::ClaudeDesktop => {
                return Err(Failure::usage("Claude Desktop's file cannot hold a gateway's URL")
                    .why("it lists programs that Claude Desktop starts")
                    .fix("remove --transport http; add a gateway that others can reach under Settings → Connectors"));
            }
            Host::ClaudeCode | Host::Vscode => entry.text("type", "http").text("url", url),
            Host::Cline => entry.text("type", "streamableHttp").text("url", url),
            Host::Codex | Host::Cursor | Host::Zed => entry.text("url", url),
            Host::GeminiCli => entry.text("httpUrl", url),
            Host::Goose => entry.text("type", "streamable_http").text("name", NAME).text("uri", url),
            Host::Windsurf => entry.text("serverUrl", url),
        };
        if matches!(self.token, Token::None) {
            return Ok(entry);
        }
        let entry = match host {
            Host::Codex => entry.text("bearer_token_env_var", VARIABLE),
            Host::Goose => entry.list("env_keys", vec![VARIABLE.to_owned()]),
            _ => entry,
        };
        Ok(match host.reference(VARIABLE) {
            Some(reference) => entry.map("headers", "Authorization", format!("Bearer {reference}")),
            None => entry,
        })
    }
}

fn json_snippet(servers: &str, entry: &Entry) -> String {
    let inner = Layout::document("").deeper();
    format!("{{\n  \"{servers}\": {{\n    \"{NAME}\": {}\n  }}\n}}", entry.json(&inner))
}

/// Returns the path that a client starts us with: the path in PATH, which stays the same after an update, or else the
/// path of this program.
fn program() -> String {
    let Ok(here) = std::env::current_exe() else { return NAME.to_owned() };
    let real = here.canonicalize().unwrap_or_else(|_| here.clone());
    let file = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(&file))
            .find(|file| file.canonicalize().is_ok_and(|file| file == real))
    });
    found.unwrap_or(here).display().to_string()
}
