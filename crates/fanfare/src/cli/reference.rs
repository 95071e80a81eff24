//! `docs/cli.md`, generated from the definitions of the commands.

use crate::cli::global::GLOBAL;
use crate::cli::help::{VARIABLES, VARIABLES_NOTE};
use crate::cli::settings::Key;
use crate::cli::{command, exit};

/// Returns the text of `docs/cli.md`.
pub fn reference() -> String {
    let mut root = command(false).term_width(80);
    root.build();
    let mut text = String::from(
        "# The command line\n\n\
         Generated from `fanfare help` by `crates/fanfare/tests/it/cli_reference.rs`; do not edit.\n\n\
         Every command also takes the global options. They are listed once, under `fanfare`.\n",
    );
    text.push_str(&section("fanfare", &mut root.clone()));
    for subcommand in root.get_subcommands() {
        let name = format!("fanfare {}", subcommand.get_name());
        text.push_str(&section(&name, &mut own(subcommand.clone())));
        for below in subcommand.get_subcommands() {
            text.push_str(&section(&format!("{name} {}", below.get_name()), &mut own(below.clone())));
        }
    }
    text.push_str(&format!("\n## Exit codes\n\n```text\n{}```\n", exit::TABLE));
    text.push_str(&settings());
    text
}

fn settings() -> String {
    let mut text = String::from(
        "\n## Settings\n\n\
         Flags override the environment, which overrides `./fanfare.toml`, which overrides your `config.toml`,\n\
         which overrides the defaults.\n\n\
         | key | environment | meaning | default |\n|---|---|---|---|\n",
    );
    for key in Key::ALL {
        let default = match key {
            Key::Store => "`log.db` in your data directory".to_owned(),
            key => key.default_text().map(|text| format!("`{text}`")).unwrap_or_default(),
        };
        let name = if key.is_secret() { String::new() } else { format!("`{}`", key.name()) };
        text.push_str(&format!("| {name} | `{}` | {} | {default} |\n", key.variable(), key.meaning()));
    }
    text.push_str("\nThese variables have no key:\n\n| environment | meaning |\n|---|---|\n");
    for (name, meaning) in VARIABLES {
        text.push_str(&format!("| `{name}` | {meaning} |\n"));
    }
    text.push_str(&format!("\n{VARIABLES_NOTE}\n"));
    text
}

/// Hides the global options, which the section on `fanfare` lists.
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
