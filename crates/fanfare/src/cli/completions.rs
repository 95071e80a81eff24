//! `fanfare completions`: the words that a shell offers.

use std::io::Write;

use clap_complete::Shell;

use crate::cli::{Exit, Failure, command, examples};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = examples::examples(&[
    ("bash, for this user", "fanfare completions bash \\\n    > ~/.local/share/bash-completion/completions/fanfare"),
    ("zsh, into a directory of $fpath", "fanfare completions zsh > ~/.zfunc/_fanfare"),
    ("fish", "fanfare completions fish > ~/.config/fish/completions/fanfare.fish"),
]))]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(false), "fanfare", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Exit::Ok)
}
