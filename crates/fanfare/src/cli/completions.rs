//! `fanfare completions`: scripts that complete commands and flags in a shell.

use std::io::Write;

use clap_complete::Shell;

use crate::cli::global::choices;
use crate::cli::{Exit, Failure, command, examples};

/// Print shell completions
#[derive(Debug, clap::Args)]
#[command(after_help = examples::examples(&[
    ("bash, for your user", "fanfare completions bash \\\n    > ~/.local/share/bash-completion/completions/fanfare"),
    ("zsh, in a directory of $fpath", "fanfare completions zsh > ~/.zfunc/_fanfare"),
    ("fish", "fanfare completions fish > ~/.config/fish/completions/fanfare.fish"),
]))]
pub(crate) struct Args {
    /// Shell to print completions for
    #[arg(value_enum)]
    shell: Option<Shell>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let Some(shell) = args.shell else {
        return Err(Failure::usage("no shell was named")
            .why(format!("there are completions for {}", choices::<Shell>()))
            .fix("fanfare completions bash"));
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(false), "fanfare", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Exit::Ok)
}
