//! The MCP clients we know: the file and format of their servers, and how they notice a change.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use etcetera::BaseStrategy;

use crate::cli::failure::Failure;

/// An MCP client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Host {
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    Vscode,
    Codex,
    Windsurf,
    GeminiCli,
    Zed,
    Cline,
    Goose,
}

/// Who an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// You, in every directory
    User,
    /// Everyone who works in this directory
    Project,
}

impl Scope {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Scope::User => "user",
            Scope::Project => "project",
        }
    }
}

/// The format of a file, with the name of its list of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A format that we do not write. A snippet is printed instead.
    ByHand,
    Jsonc(&'static str),
    Toml(&'static str),
}

/// The directories that hold the files of this user and this project.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    home: PathBuf,
    /// Settings of graphical programs.
    applications: PathBuf,
    /// Settings of terminal programs.
    config: PathBuf,
    project: PathBuf,
}

impl Places {
    pub(crate) fn find() -> Result<Places, Failure> {
        let no_home = |_| Failure::usage("no home directory found").fix("set HOME");
        let base = etcetera::choose_base_strategy().map_err(no_home)?;
        let home = base.home_dir().to_owned();
        let applications = if cfg!(target_os = "macos") {
            home.join("Library/Application Support")
        } else {
            base.config_dir()
        };
        let project = std::env::current_dir()
            .map_err(|error| Failure::file("find the working directory", Path::new("."), &error))?;
        Ok(Places { home, applications, config: base.config_dir(), project })
    }

    /// Returns a path for people, relative to the project or the home directory.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let short = |base: &Path, mark: &str| {
            path.strip_prefix(base).ok().map(|rest| format!("{mark}/{}", rest.display()))
        };
        short(&self.project, ".")
            .filter(|_| self.project != self.home)
            .or_else(|| short(&self.home, "~"))
            .unwrap_or_else(|| path.display().to_string())
    }

    /// Returns whether `folder` also holds files of other programs.
    pub(crate) fn is_shared(&self, folder: &Path) -> bool {
        [&self.home, &self.applications, &self.config, &self.project].iter().any(|place| *place == folder)
    }
}

/// Returns the directory that an environment variable names.
fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}

impl Host {
    /// Returns the name on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Host::ClaudeCode => "claude-code",
            Host::ClaudeDesktop => "claude-desktop",
            Host::Cline => "cline",
            Host::Codex => "codex",
            Host::Cursor => "cursor",
            Host::GeminiCli => "gemini-cli",
            Host::Goose => "goose",
            Host::Vscode => "vscode",
            Host::Windsurf => "windsurf",
            Host::Zed => "zed",
        }
    }

    /// Returns the product name.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Host::ClaudeCode => "Claude Code",
            Host::ClaudeDesktop => "Claude Desktop",
            Host::Cline => "Cline",
            Host::Codex => "Codex",
            Host::Cursor => "Cursor",
            Host::GeminiCli => "Gemini CLI",
            Host::Goose => "Goose",
            Host::Vscode => "VS Code",
            Host::Windsurf => "Windsurf",
            Host::Zed => "Zed",
        }
    }

    pub(crate) fn form(self) -> Form {
        match self {
            // Cline's file is inside the editor that it extends. Goose's is YAML, for which no maintained library
            // keeps comments.
            Host::Cline | Host::Goose => Form::ByHand,
            Host::ClaudeCode | Host::ClaudeDesktop | Host::Cursor | Host::GeminiCli | Host::Windsurf => {
                Form::Jsonc("mcpServers")
            }
            Host::Codex => Form::Toml("mcp_servers"),
            Host::Vscode => Form::Jsonc("servers"),
            Host::Zed => Form::Jsonc("context_servers"),
        }
    }

    /// Returns the file for `scope`. `None` if the client has no such scope.
    pub(crate) fn file(self, scope: Scope, places: &Places) -> Option<PathBuf> {
        let Places { home, applications, config, project } = places;
        match (self, scope) {
            (Host::ClaudeCode, Scope::User) => {
                Some(named("CLAUDE_CONFIG_DIR").unwrap_or_else(|| home.clone()).join(".claude.json"))
            }
            (Host::ClaudeCode, Scope::Project) => Some(project.join(".mcp.json")),
            (Host::ClaudeDesktop, Scope::User) => {
                Some(applications.join("Claude").join("claude_desktop_config.json"))
            }
            (Host::Cline, Scope::User) => Some(home.join(".cline/data/settings/cline_mcp_settings.json")),
            (Host::Codex, Scope::User) => {
                Some(named("CODEX_HOME").unwrap_or_else(|| home.join(".codex")).join("config.toml"))
            }
            (Host::Codex, Scope::Project) => Some(project.join(".codex/config.toml")),
            (Host::Cursor, Scope::User) => Some(home.join(".cursor/mcp.json")),
            (Host::Cursor, Scope::Project) => Some(project.join(".cursor/mcp.json")),
            (Host::GeminiCli, Scope::User) => Some(home.join(".gemini/settings.json")),
            (Host::GeminiCli, Scope::Project) => Some(project.join(".gemini/settings.json")),
            (Host::Goose, Scope::User) if cfg!(windows) => {
                Some(config.join("Block/goose/config/config.yaml"))
            }
            (Host::Goose, Scope::User) => Some(config.join("goose/config.yaml")),
            (Host::Vscode, Scope::User) => Some(applications.join("Code/User/mcp.json")),
            (Host::Vscode, Scope::Project) => Some(project.join(".vscode/mcp.json")),
            (Host::Windsurf, Scope::User) => Some(home.join(".codeium/windsurf/mcp_config.json")),
            (Host::Zed, Scope::User) if cfg!(windows) => Some(config.join("Zed/settings.json")),
            (Host::Zed, Scope::User) => Some(config.join("zed/settings.json")),
            (
                Host::ClaudeDesktop | Host::Cline | Host::Goose | Host::Windsurf | Host::Zed,
                Scope::Project,
            ) => None,
        }
    }

    /// Returns whether the client seems to be installed on this machine.
    pub(crate) fn is_here(self, places: &Places) -> bool {
        let file = self.file(Scope::User, places);
        let folder = file.as_deref().and_then(Path::parent).filter(|folder| !places.is_shared(folder));
        match self {
            Host::ClaudeCode => {
                file.is_some_and(|file| file.exists()) || places.home.join(".claude").is_dir()
            }
            _ => folder.is_some_and(Path::is_dir),
        }
    }

    /// Returns how the client's file refers to an environment variable. `None` if it cannot.
    pub(crate) fn reference(self, variable: &str) -> Option<String> {
        match self {
            Host::ClaudeCode | Host::GeminiCli | Host::Goose => Some(format!("${{{variable}}}")),
            Host::Cursor | Host::Vscode | Host::Windsurf => Some(format!("${{env:{variable}}}")),
            Host::ClaudeDesktop | Host::Cline | Host::Codex | Host::Zed => None,
        }
    }

    /// Returns what the user has to do so that the client reads its file again.
    pub(crate) fn restart(self) -> &'static str {
        match self {
            Host::ClaudeCode => "start a new session of Claude Code (`/mcp` lists its servers)",
            Host::ClaudeDesktop => "quit and restart Claude Desktop",
            Host::Cline => "open Cline's list of MCP servers",
            Host::Codex => "start a new session of Codex (`/mcp` lists its servers)",
            Host::Cursor => "restart Cursor",
            Host::GeminiCli => "restart Gemini CLI (`/mcp` lists its servers)",
            Host::Goose => "start a new session of Goose",
            Host::Vscode => "in VS Code, run `MCP: List Servers` and start it",
            Host::Windsurf => "restart Windsurf, or press Refresh in its list of MCP servers",
            Host::Zed => "restart Zed",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::Host;

    #[test]
    fn names_match_the_command_line() {
        for host in Host::value_variants() {
            let value = host.to_possible_value().expect("a name");
            assert_eq!(value.get_name(), host.as_str());
        }
    }
}
