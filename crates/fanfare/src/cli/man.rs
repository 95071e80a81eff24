//! `fanfare man`: manual pages.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap_mangen::Man;

use crate::cli::output::Output;
use crate::cli::text::count;
use crate::cli::{Exit, Failure, command, examples};

/// Print the manual page or write one for each command
#[derive(Debug, clap::Args)]
#[command(after_help = examples::examples(&[
    ("Read it", "fanfare man | man -l -"),
    ("Install all pages", "fanfare man --dir ~/.local/share/man/man1"),
]))]
pub(crate) struct Args {
    /// Write a page for each command into this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let mut command = command(false);
    command.build();
    let Some(dir) = &args.dir else {
        std::io::stdout().lock().write_all(&page(&command)?)?;
        return Ok(Exit::Ok);
    };
    fs::create_dir_all(dir).map_err(|error| Failure::file("create the directory", dir, &error))?;
    let mut commands = vec![("fanfare".to_owned(), command.clone())];
    let mut at = 0;
    while let Some((name, command)) = commands.get(at).cloned() {
        at += 1;
        for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = format!("{name}-{}", subcommand.get_name());
            commands.push((name.clone(), subcommand.clone().name(name)));
        }
    }
    for (name, command) in &commands {
        let path = dir.join(format!("{name}.1"));
        fs::write(&path, page(command)?).map_err(|error| Failure::file("write", &path, &error))?;
    }
    output.note(format!("wrote {} to {}", count(commands.len() as u64, "page"), dir.display()));
    Ok(Exit::Ok)
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
