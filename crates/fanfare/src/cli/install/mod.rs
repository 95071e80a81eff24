//! `fanfare install` and `fanfare uninstall`: add Fanfare to MCP clients and remove it.

mod change;
mod diff;
mod entry;
mod file;
mod hosts;
mod jsonc;
mod kept;
mod layout;
mod problem;
mod report;
mod status;
mod toml_file;
mod wish;

#[cfg(test)]
mod tests;

use clap::ValueEnum;
use fanfare_server::dashboard::Assistant;

use crate::cli::global::choices;
use crate::cli::install::change::{Action, Change, ChangeError};
use crate::cli::install::hosts::{Host, Places, Scope};
use crate::cli::install::report::Outcome;
use crate::cli::install::wish::{Transport, Wish};
use crate::cli::{Context, Exit, Failure, examples};

/// Returns the clients that can be named, for the dashboard's first steps.
pub(crate) fn assistants() -> Vec<Assistant> {
    Host::value_variants().iter().map(|host| Assistant { name: host.as_str(), title: host.title() }).collect()
}

/// The note below the help of `install`.
const NOTE: &str = "Edits the files of claude-code, claude-desktop, codex, cursor, gemini-cli, vscode, windsurf \
    and zed. For cline and goose, prints a snippet to paste. Comments and layout are kept, a dated backup is \
    saved next to the file, and a second run changes nothing. At a terminal, you are asked to confirm; scripts \
    and agents are not.\n\n\
    Tokens are never written. The entry points to --token-file or to FANFARE_TOKEN, which must be set where \
    the client starts.\n\n\
    To do the same by hand:\n\
    \u{20} claude mcp add --scope user fanfare -- fanfare mcp\n\
    \u{20} codex mcp add fanfare -- fanfare mcp\n\
    \u{20} gemini mcp add --scope user fanfare fanfare mcp\n\
    \u{20} code --add-mcp '{\"name\":\"fanfare\",\"command\":\"fanfare\",\"args\":[\"mcp\"]}'";

/// Add Fanfare to Claude Code, Cursor, VS Code, Codex and others
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("See what would change", "fanfare install claude-code cursor --dry-run"),
    ("Add Fanfare", "fanfare install claude-code cursor"),
    ("For everyone who works in this directory", "fanfare install claude-code --scope project"),
    ("Connect the client to a remote gateway",
     "fanfare install vscode --transport http --server https://events.example.com"),
    ("Show which clients have Fanfare", "fanfare install --status"),
], NOTE))]
pub(crate) struct Args {
    /// Clients to add Fanfare to
    #[arg(value_name = "CLIENT")]
    clients: Vec<Host>,
    /// How the client connects to Fanfare
    #[arg(long, value_name = "HOW", default_value = "stdio")]
    transport: Transport,
    #[command(flatten)]
    common: Common,
    /// Show which clients have Fanfare and what would change
    #[arg(long, conflicts_with_all = ["dry_run", "yes"])]
    status: bool,
}

/// Remove Fanfare from MCP clients
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("See what would change", "fanfare uninstall cursor --dry-run"),
    ("Remove Fanfare", "fanfare uninstall claude-code cursor"),
], "Removes only the `fanfare` entry. A file unchanged since `install` is restored byte for byte; one that \
    `install` created is deleted."))]
pub(crate) struct UninstallArgs {
    /// Clients to remove Fanfare from
    #[arg(value_name = "CLIENT")]
    clients: Vec<Host>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Who it is for [default: user]
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// Show the diff without writing anything
    #[arg(long)]
    dry_run: bool,
    /// Skip the confirmation prompt
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
    named(
        &args.clients,
        "fanfare install claude-code   or, to see which clients have it:   fanfare install --status",
    )?;
    let scope = scope.unwrap_or(Scope::User);
    let wish = Wish::new(context, args.transport, scope)?;
    let changes = once(&args.clients)
        .into_iter()
        .map(|host| Change::install(host, scope, &places, &wish))
        .collect::<Result<Vec<_>, ChangeError>>()?;
    for advice in changes.iter().filter_map(|change| wish.advice(change.host)) {
        context.output.warn(&advice);
    }
    carry_out(&changes, &args.common, &places, context, |change| {
        let is_by_hand = change.action == Action::ByHand;
        let restart = change.host.restart();
        // Clients do not trust the servers of a project until the user approves them.
        let approve = match scope {
            Scope::User => "",
            Scope::Project => "approve the project's servers when asked; ",
        };
        let next = format!("{restart}; {approve}then ask it: push \"hello\" to the stream");
        let is_there = change.is_any() || is_by_hand;
        Ok((is_by_hand.then(|| wish.snippet(change.host)).transpose()?, is_there.then_some(next)))
    })
}

pub(crate) fn uninstall(args: &UninstallArgs, context: &Context) -> Result<Exit, Failure> {
    named(&args.clients, "fanfare uninstall claude-code")?;
    let places = Places::find()?;
    let scope = args.common.scope.unwrap_or(Scope::User);
    let changes = once(&args.clients)
        .into_iter()
        .map(|host| Change::uninstall(host, scope, &places))
        .collect::<Result<Vec<_>, ChangeError>>()?;
    carry_out(&changes, &args.common, &places, context, |change| {
        let next = match change.action {
            Action::Remove => Some(change.host.restart().to_owned()),
            Action::ByHand => Some("remove the `fanfare` entry from it".to_owned()),
            Action::Add | Action::Change | Action::Nothing => None,
        };
        Ok((None, next))
    })
}

/// Shows the changes, asks for confirmation, carries them out and prints the results.
fn carry_out(
    changes: &[Change],
    common: &Common,
    places: &Places,
    context: &Context,
    rest: impl Fn(&Change) -> Result<(Option<String>, Option<String>), Failure>,
) -> Result<Exit, Failure> {
    if !report::is_confirmed(changes, common.yes || common.dry_run, places, context)? {
        context.output.note("nothing was changed");
        return Ok(Exit::Ok);
    }
    let mut outcomes = Vec::new();
    let mut failed = None;
    for change in changes {
        let backup = match if common.dry_run || !change.is_any() { Ok(None) } else { change.apply(places) } {
            Ok(backup) => backup,
            Err(failure) => {
                // The changes before this one are reported too.
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

/// Checks that clients were named, and says which there are otherwise.
fn named(clients: &[Host], fix: &str) -> Result<(), Failure> {
    match clients {
        [] => Err(Failure::usage("no client was named")
            .why(format!("Fanfare knows {}", choices::<Host>()))
            .fix(fix)),
        _ => Ok(()),
    }
}

/// Returns each host once, in the given order.
fn once(hosts: &[Host]) -> Vec<Host> {
    let mut known = Vec::new();
    for host in hosts {
        if !known.contains(host) {
            known.push(*host);
        }
    }
    known
}
