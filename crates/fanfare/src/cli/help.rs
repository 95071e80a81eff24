//! Help for commands, and pages for topics that belong to no single command.

use clap::Command;
use clap::builder::{StyledStr, Styles};

use crate::cli::output::Output;
use crate::cli::output::style::{DIM, HEADER, LITERAL};
use crate::cli::settings::Key;
use crate::cli::suggestion::closest;
use crate::cli::{Exit, Failure, agent, exit, secret};

/// Colors of help texts.
pub(crate) const STYLES: Styles = Styles::styled().header(HEADER).usage(HEADER).literal(LITERAL);

/// Show help for a command or a topic
#[derive(Debug, clap::Args)]
#[command(after_help = crate::cli::examples::examples(&[
    ("Help for a command", "fanfare help push"),
    ("The meaning of the exit codes", "fanfare help exit-codes"),
]))]
pub(crate) struct Args {
    /// A command or one of: exit-codes, settings, environment
    topic: Vec<String>,
}

/// Topics that have a page of their own.
const TOPICS: [&str; 3] = ["exit-codes", "settings", "environment"];

/// Environment variables that no setting has, for people.
pub(crate) const VARIABLES: [(&str, &str); 11] = [
    ("FANFARE_CONFIG", "use only this configuration file"),
    (secret::VARIABLE, "a webhook's secret, for receivers"),
    ("FANFARE_LOG", "log filter, such as `fanfare=debug`"),
    ("FANFARE_AGENT", "1: called by an agent; 0: by a person"),
    ("NO_COLOR", "disable color"),
    ("CLICOLOR_FORCE", "force color, even in a pipe"),
    ("SSL_CERT_FILE", "file with the CA certificates to trust"),
    ("XDG_CONFIG_HOME", "directory of fanfare/config.toml"),
    ("XDG_DATA_HOME", "directory of fanfare/log.db"),
    ("CLAUDE_CONFIG_DIR", "directory of Claude Code's settings"),
    ("CODEX_HOME", "directory of Codex's settings"),
];

/// The note on environment variables.
pub(crate) const VARIABLES_NOTE: &str = "\
Separate the values of a list with commas. An empty variable counts as unset.

For an agent, output has no color and help says how to get JSON. Without
FANFARE_AGENT, an agent is recognized by CLAUDECODE, CURSOR_AGENT, GEMINI_CLI
or a variable that begins with CODEX_.";

/// Returns the end of `fanfare --help`, the first help that most people see.
pub(crate) fn overview() -> StyledStr {
    StyledStr::from(format!(
        "{HEADER}Try it:{HEADER:#}\n  \
         fanfare serve                          {DIM}# start a gateway{DIM:#}\n  \
         fanfare listen 'builds.>'              {DIM}# in a second terminal{DIM:#}\n  \
         fanfare push -c builds.web \"deployed\"  {DIM}# in a third{DIM:#}\n  \
         fanfare run -c builds.web -- make test {DIM}# pushes an event when it is done{DIM:#}\n\n\
         {HEADER}Topics:{HEADER:#}\n  \
         fanfare help exit-codes | settings | environment"
    ))
}

/// Adds the guidance for agents to the help of every command.
pub(crate) fn for_agents(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let after = command.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
    let command = command.after_help(format!("{after}{}", agent::GUIDANCE));
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, for_agents))
}

pub(crate) fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let page = match args.topic.first().map(String::as_str) {
        Some("exit-codes") => format!("{HEADER}Exit codes{HEADER:#}\n{}", exit::TABLE.trim_end()),
        Some("settings") => settings_page(),
        Some("environment") => environment_page(),
        _ => return command_help(args, output),
    };
    output.line(page)?;
    Ok(Exit::Ok)
}

fn command_help(args: &Args, output: Output) -> Result<Exit, Failure> {
    let mut command = super::command(output.agent);
    command.build();
    for (at, name) in args.topic.iter().enumerate() {
        let Some(found) = command.find_subcommand(name) else {
            let above = &args.topic[..at];
            let topics: &[&str] = if at == 0 { &TOPICS } else { &[] };
            let names: Vec<String> = command
                .get_subcommands()
                .map(|command| command.get_name().to_owned())
                .chain(topics.iter().map(|topic| (*topic).to_owned()))
                .collect();
            let closest = closest(names.iter().map(|known| (known.as_str(), known.as_str(), name.as_str())));
            let words = ["fanfare", "help"].into_iter().chain(above.iter().map(String::as_str));
            let command: Vec<&str> = words.chain(closest).collect();
            let fix = match closest {
                Some(_) => command.join(" "),
                None => format!("list the commands with `{}`", command.join(" ")),
            };
            return Err(Failure::usage(format!("unknown command or topic `{name}`")).fix(fix));
        };
        command = found.clone();
    }
    let help = command.render_long_help();
    output.line(help.ansi().to_string().trim_end())?;
    Ok(Exit::Ok)
}

fn settings_page() -> String {
    let mut text = format!(
        "{HEADER}Settings{HEADER:#}\n\
         Flags override the environment, which overrides ./fanfare.toml, which\n\
         overrides your config.toml (see `fanfare config path`), which overrides the\n\
         defaults. `fanfare config show --origin` shows every value and its origin.\n\n\
         ./fanfare.toml can set `output`, `color` and `timeout`; for anything else, run\n\
         `fanfare config trust` once you have read it. A file that you name with\n\
         --config needs no trust.\n\n\
         {HEADER}Keys{HEADER:#}\n"
    );
    for key in Key::ALL {
        if !key.is_secret() {
            text.push_str(&format!("  {:<36}{DIM}{}{DIM:#}\n", key.name(), key.meaning()));
        }
    }
    text.push_str(&format!(
        "\n{HEADER}Example{HEADER:#}\n  \
         server = \"http://127.0.0.1:8000\"\n  \
         token-file = \"/home/me/.fanfare-token\"\n\n  \
         [serve]\n  \
         listen = [\"127.0.0.1:8000\"]\n  \
         retention-age = \"30d\"\n  \
         cors = [\"https://app.example.com\"]"
    ));
    text
}

fn environment_page() -> String {
    let mut text = format!("{HEADER}Environment{HEADER:#}\n");
    let settings = Key::ALL.into_iter().map(|key| (key.variable(), key.meaning()));
    for (name, meaning) in settings.chain(VARIABLES) {
        // The name that is wider than its column has its meaning below it.
        let name = if name.len() > 37 { format!("{name}\n{:40}", "") } else { format!("{name:<38}") };
        text.push_str(&format!("  {name}{DIM}{meaning}{DIM:#}\n"));
    }
    text.push('\n');
    text.push_str(VARIABLES_NOTE);
    text
}
