//! `fanfare install` and `fanfare uninstall`: our entry in the files of the hosts.

mod change;
mod diff;
mod entry;
mod file;
mod hosts;
mod jsonc;
mod layout;
mod problem;
mod report;
mod status;
mod toml_file;
mod wish;

#[cfg(test)]
mod tests;

use clap::ValueEnum;

use crate::cli::install::change::{Action, Change};
use crate::cli::install::hosts::{Host, Places, Scope};
use crate::cli::install::report::Outcome;
use crate::cli::install::wish::{Transport, Wish};
use crate::cli::{Context, Exit, Failure, examples};

/// What is said below the help of `install`.
const NOTE: &str = "\
Written: claude-code, claude-desktop, codex, cursor, gemini-cli, vscode,
windsurf, zed. Shown, to paste: cline, goose. Comments and layout are kept, a
dated backup is left beside the file, and a second run changes nothing. A
person at a terminal is asked first; scripts and agents are not.

A token is never written. The entry names the --token-file, or refers to
FANFARE_TOKEN, which has to be set where the client starts.

By hand, the same is done by
  claude mcp add --scope user fanfare -- fanfare mcp
  codex mcp add fanfare -- fanfare mcp
  gemini mcp add --scope user fanfare fanfare mcp
  code --add-mcp '{\"name\":\"fanfare\",\"command\":\"fanfare\",\"args\":[\"mcp\"]}'";

/// Add Fanfare to Claude Code, Cursor, VS Code, Codex and others
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("See what would change", "fanfare install claude-code cursor --dry-run"),
    ("Do it", "fanfare install claude-code cursor"),
    ("For everybody who works in this directory", "fanfare install claude-code --scope project"),
    ("Let the client call a gateway that runs elsewhere",
     "fanfare install vscode --transport http --server https://events.example.com"),
    ("Which clients have it?", "fanfare install --status"),
], NOTE))]
pub(crate) struct Args {
    /// The clients to add it to
    #[arg(value_name = "CLIENT", required_unless_present = "status")]
    clients: Vec<Host>,
    /// How the client reaches it
    #[arg(long, value_name = "HOW", default_value = "stdio")]
    transport: Transport,
    #[command(flatten)]
    common: Common,
    /// Show which clients have it, and what would be done
    #[arg(long, conflicts_with_all = ["dry_run", "yes"])]
    status: bool,
}

/// Take Fanfare out of MCP clients again
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("See what would change", "fanfare uninstall cursor --dry-run"),
    ("Do it", "fanfare uninstall claude-code cursor"),
], "Only the entry `fanfare` goes. A file that nobody has changed since `install`
is byte for byte what it was before; one that `install` made is removed."))]
pub(crate) struct UninstallArgs {
    /// The clients to take it out of
    #[arg(value_name = "CLIENT", required = true)]
    clients: Vec<Host>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// For whom [default: user]
    #[arg(long, value_name = "WHOM")]
    scope: Option<Scope>,
    /// Show the difference and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let places = Places::find()?;
    let scope = args.common.scope;
    if args.status {
        let hosts = if args.clients.is_empty() { Host::value_variants() } else { &args.clients };
        return status::show(hosts, scope, args.transport, &places, context);
    }
    let scope = scope.unwrap_or(Scope::User);
    let wish = Wish::new(context, args.transport, scope)?;
    let changes = once(&args.clients)
        .into_iter()
        .map(|host| Change::install(host, scope, &places, &wish))
        .collect::<Result<Vec<_>, Failure>>()?;
    for advice in changes.iter().filter_map(|change| wish.advice(change.host)) {
        context.output.warn(&advice);
    }
    carry_out(&changes, &args.common, &places, context, |change| {
        let is_by_hand = change.action == Action::ByHand;
        let restart = change.host.restart();
        // What comes with a project is not trusted by itself.
        let agree = match scope {
            Scope::User => "",
            Scope::Project => "agree when it asks about the project's servers; ",
        };
        let next = format!("{restart}; {agree}then ask it: push \"hello\" to the stream");
        let is_there = change.is_any() || is_by_hand;
        Ok((is_by_hand.then(|| wish.snippet(change.host)).transpose()?, is_there.then_some(next)))
    })
}

pub(crate) fn uninstall(args: &UninstallArgs, context: &Context) -> Result<Exit, Failure> {
    let places = Places::find()?;
    let scope = args.common.scope.unwrap_or(Scope::User);
    let changes = once(&args.clients)
        .into_iter()
        .map(|host| Change::uninstall(host, scope, &places))
        .collect::<Result<Vec<_>, Failure>>()?;
    carry_out(&changes, &args.common, &places, context, |change| {
        let next = match change.action {
            Action::Remove => Some(change.host.restart().to_owned()),
            Action::ByHand => Some("take the entry `fanfare` out of it".to_owned()),
            Action::Add | Action::Change | Action::Nothing => None,
        };
        Ok((None, next))
    })
}

/// Does all changes, after showing them, and says what came of it.
fn carry_out(
    changes: &[Change],
    common: &Common,
    places: &Places,
    context: &Context,
    rest: impl Fn(&Change) -> Result<(Option<String>, Option<String>), Failure>,
) -> Result<Exit, Failure> {
    if !report::is_wanted(changes, common.yes || common.dry_run, places, context)? {
        context.output.note("nothing was written");
        return Ok(Exit::Ok);
    }
    let mut outcomes = Vec::new();
    let mut failed = None;
    for change in changes {
        let backup = match if common.dry_run || !change.is_any() { Ok(None) } else { change.apply(places) } {
            Ok(backup) => backup,
            Err(failure) => {
                // What was done before it has to be told, too.
                failed = Some(failure);
                break;
            }
        };
        let (snippet, next) = rest(change)?;
        let next = next.filter(|_| !common.dry_run);
        outcomes.push(Outcome { change, is_dry: common.dry_run, backup, snippet, next });
    }
    report::tell(&outcomes, places, context)?;
    failed.map_or(Ok(Exit::Ok), Err)
}

/// Gives each host once, in the order in which they were named.
fn once(hosts: &[Host]) -> Vec<Host> {
    let mut known = Vec::new();
    for host in hosts {
        if !known.contains(host) {
            known.push(*host);
        }
    }
    known
}
