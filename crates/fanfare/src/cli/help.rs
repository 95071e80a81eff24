//! Help: of commands, and pages on what belongs to no command.

use clap::Command;
use clap::builder::{StyledStr, Styles};

use crate::cli::output::Output;
use crate::cli::output::style::{DIM, HEADER, LITERAL};
use crate::cli::settings::Key;
use crate::cli::{Exit, Failure, agent, exit, secret};

/// The colours of help.
pub(crate) const STYLES: Styles = Styles::styled().header(HEADER).usage(HEADER).literal(LITERAL);

/// Show help for a command or a topic
#[derive(Debug, clap::Args)]
#[command(after_help = crate::cli::examples::examples(&[
    ("How to push", "fanfare help push"),
    ("What the exit codes mean", "fanfare help exit-codes"),
]))]
pub(crate) struct Args {
    /// A command, or one of: exit-codes, settings, environment
    topic: Vec<String>,
}

/// The end of the first help that somebody sees.
pub(crate) fn overview() -> StyledStr {
    StyledStr::from(format!(
        "{HEADER}Try it:{HEADER:#}\n  \
         fanfare serve                          {DIM}# a gateway, here{DIM:#}\n  \
         fanfare listen 'builds.>'              {DIM}# in a second terminal{DIM:#}\n  \
         fanfare push -c builds.web \"deployed\"  {DIM}# in a third{DIM:#}\n  \
         fanfare run -c builds -- make test     {DIM}# tells when it is done{DIM:#}\n\n\
         {HEADER}Topics:{HEADER:#}\n  \
         fanfare help exit-codes | settings | environment"
    ))
}

/// Adds what agents should know to every command.
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
            let topics: &[&str] = if at == 0 { &["exit-codes", "settings", "environment"] } else { &[] };
            let names: Vec<String> = command
                .get_subcommands()
                .map(|command| command.get_name().to_owned())
                .chain(topics.iter().map(|topic| (*topic).to_owned()))
                .collect();
            let closest = names.iter().max_by(|one, two| {
                strsim::jaro_winkler(one, name).total_cmp(&strsim::jaro_winkler(two, name))
            });
            let words = ["fanfare", "help"].into_iter().chain(above.iter().map(String::as_str));
            let words: Vec<&str> = words.chain(closest.map(String::as_str)).collect();
            let fix = words.join(" ");
            return Err(Failure::usage(format!("there is no command or topic `{name}`")).fix(fix));
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
         Flags win over the environment, that over ./fanfare.toml, that over the\n\
         user's config.toml (see `fanfare config path`), that over what is built in.\n\
         `fanfare config show --origin` shows every value and where it comes from.\n\n\
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
    for key in Key::ALL {
        text.push_str(&format!("  {:<37} {DIM}{}{DIM:#}\n", key.variable(), key.meaning()));
    }
    for (name, meaning) in [
        ("FANFARE_CONFIG", "read this configuration, and no other"),
        (secret::VARIABLE, "a webhook's secret, for receivers"),
        ("FANFARE_LOG", "what is logged, such as `fanfare=debug`"),
        ("FANFARE_AGENT", "1: the caller is an agent; 0: it is not"),
        ("NO_COLOR", "no colours"),
        ("CLICOLOR_FORCE", "colours, even into a pipe"),
    ] {
        text.push_str(&format!("  {name:<38}{DIM}{meaning}{DIM:#}\n"));
    }
    text.push_str("\nLists are separated by commas. An empty variable counts as unset.");
    text
}
