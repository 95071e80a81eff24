//! `docs/cli.md`, made from the commands themselves.

use crate::cli::global::GLOBAL;
use crate::cli::settings::Key;
use crate::cli::{command, exit};

/// Gives the text of `docs/cli.md`.
pub fn reference() -> String {
    let mut root = command(false).term_width(80);
    root.build();
    let mut text = String::from(
        "# The command line\n\nMade from `fanfare help` by `crates/fanfare/tests/it/cli_reference.rs`; do not edit.\n",
    );
    text.push_str(&section("fanfare", &mut root.clone()));
    for subcommand in root.get_subcommands() {
        let name = format!("fanfare {}", subcommand.get_name());
        text.push_str(&section(&name, &mut subcommand.clone()));
        for below in subcommand.get_subcommands() {
            text.push_str(&section(&format!("{name} {}", below.get_name()), &mut own(below.clone())));
        }
    }
    text.push_str(&format!("\n## Exit codes\n\n```text\n{}```\n", exit::TABLE));
    text.push_str(
        "\n## Settings\n\nFlags win over the environment, that over `./fanfare.toml`, that over the user's \
         `config.toml`, that over what is built in.\n\n| key | environment | meaning | built in |\n|---|---|---|---|\n",
    );
    for key in Key::ALL {
        let built_in = match key {
            Key::Store => "`log.db` in the user's data directory".to_owned(),
            key => key.built_in().map(|text| format!("`{text}`")).unwrap_or_default(),
        };
        let name = if key.is_secret() { String::new() } else { format!("`{}`", key.name()) };
        text.push_str(&format!("| {name} | `{}` | {} | {built_in} |\n", key.variable(), key.meaning()));
    }
    text
}

/// Leaves out what every command takes, which the command above has.
fn own(command: clap::Command) -> clap::Command {
    command.mut_args(|argument| {
        let is_global = argument.get_help_heading() == Some(GLOBAL);
        argument.hide(is_global)
    })
}

fn section(name: &str, command: &mut clap::Command) -> String {
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.trim().lines().map(str::trim_end).collect();
    format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n"))
}
