//! The command line, one file per command. Each command takes its parsed arguments and returns the exit code.

mod agent;
mod backup;
mod bytes;
mod channels;
mod clients;
mod completions;
mod config;
mod confirm;
mod deliveries;
mod demo;
mod doctor;
mod event_line;
mod events;
mod examples;
mod exit;
mod failure;
mod filter_flags;
mod filter_words;
mod global;
mod help;
mod history;
mod install;
mod listen;
mod log;
mod logging;
mod man;
mod mcp;
mod output;
mod pairs;
mod purged;
mod push;
mod readers;
mod receive;
mod reference;
mod restore;
mod run;
mod secret;
mod serve;
mod settings;
mod signals;
mod sources;
mod spool;
mod startup;
mod status;
mod suggestion;
mod table;
mod text;
mod verify;
mod webhooks;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use fanfare_core::Invalid;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::global::Global;
use crate::cli::output::Output;
use crate::cli::settings::Settings;

pub use reference::reference;

/// The event gateway between AI agents and everything else
///
/// Pushing appends an event to a log; listening reads the log from any
/// position. A subscriber that was offline can pick up where it left off.
#[derive(Debug, Parser)]
#[command(
    name = "fanfare",
    version,
    max_term_width = 80,
    styles = help::STYLES,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = help::overview()
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(Box<serve::Args>),
    Push(push::Args),
    Listen(Box<listen::Args>),
    Receive(Box<receive::Args>),
    Run(run::Args),
    Mcp(mcp::Args),
    Webhooks(webhooks::Args),
    Deliveries(deliveries::Args),
    Verify(verify::Args),
    History(history::Args),
    Events(events::Args),
    Channels(channels::Args),
    Clients(clients::Args),
    Readers(readers::Args),
    Sources(sources::Args),
    Status(status::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Log(log::Args),
    Install(install::Args),
    Uninstall(install::UninstallArgs),
    Doctor(doctor::Args),
    Config(config::Args),
    Completions(completions::Args),
    Man(man::Args),
    Help(help::Args),
}

/// The settings and the output, which every command gets.
#[derive(Debug)]
struct Context {
    settings: Settings,
    output: Output,
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    run_with(std::env::args_os().collect()).into()
}

fn run_with(words: Vec<OsString>) -> Exit {
    let agent = agent::is_agent(agent::environment());
    global::choose_color(&words, agent);
    let output = Output { mode: global::mode_asked_for(&words), quiet: false, verbose: 0, agent };
    let cli = match command(agent)
        .try_get_matches_from(words)
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => return refused(&output, &error),
    };
    let (output, result) = started(cli, output);
    result.unwrap_or_else(|failure| {
        output.failure(&failure);
        if failure.is_broken_pipe { Exit::Ok } else { failure.exit }
    })
}

/// Returns the definition of the whole command line.
fn command(agent: bool) -> clap::Command {
    let command = Cli::command();
    if agent { help::for_agents(command) } else { command }
}

/// Loads the settings, then runs the command.
fn started(cli: Cli, mut output: Output) -> (Output, Result<Exit, Failure>) {
    output.quiet = cli.global.quiet;
    output.verbose = cli.global.verbose;
    let named = cli.global.config_file();
    let mut flags = cli.global.flags();
    // These must work even if the configuration is broken.
    match cli.command {
        Command::Completions(args) => return (output, completions::run(&args)),
        Command::Config(args) => return (output, config::run(&args, flags, named.as_deref(), output)),
        Command::Doctor(args) => return (output, doctor::run(&args, flags, named.as_deref(), output)),
        Command::Help(args) => return (output, help::run(&args, output)),
        Command::Man(args) => return (output, man::run(&args, output)),
        Command::Backup(ref args) => flags.extend(args.flags()),
        Command::Log(ref args) => flags.extend(args.flags()),
        Command::Mcp(ref args) => flags.extend(args.flags()),
        Command::Restore(ref args) => flags.extend(args.flags()),
        Command::Serve(ref args) => flags.extend(args.flags()),
        Command::Channels(_)
        | Command::Clients(_)
        | Command::Deliveries(_)
        | Command::Demo(_)
        | Command::Events(_)
        | Command::History(_)
        | Command::Install(_)
        | Command::Listen(_)
        | Command::Push(_)
        | Command::Readers(_)
        | Command::Receive(_)
        | Command::Run(_)
        | Command::Sources(_)
        | Command::Status(_)
        | Command::Uninstall(_)
        | Command::Verify(_)
        | Command::Webhooks(_) => {}
    }
    let settings = match Settings::load(flags, named.as_deref()) {
        Ok(settings) => settings,
        Err(failure) => return (output, Err(failure)),
    };
    output.mode = global::mode(&settings);
    global::apply_color(&settings, output.agent);
    let context = Context { settings, output };
    let result = match cli.command {
        Command::Backup(args) => backup::run(args, &context),
        Command::Channels(args) => channels::run(&args, &context),
        Command::Clients(args) => clients::run(&args, &context),
        Command::Deliveries(args) => deliveries::run(&args, &context),
        Command::Demo(args) => demo::run(&args, &context),
        Command::Events(args) => events::run(&args, &context),
        Command::History(args) => history::run(&args, &context),
        Command::Install(args) => install::run(&args, &context),
        Command::Listen(args) => listen::run(*args, &context),
        Command::Log(args) => log::run(args, &context),
        Command::Mcp(_) => mcp::run(&context),
        Command::Push(args) => push::run(args, &context),
        Command::Readers(args) => readers::run(&args, &context),
        Command::Sources(args) => sources::run(&args, &context),
        Command::Status(args) => status::run(&args, &context),
        Command::Receive(args) => receive::run(&args, &context),
        Command::Restore(args) => restore::run(args, &context),
        Command::Run(args) => run::run(&args, &context),
        Command::Serve(_) => serve::run(&context),
        Command::Uninstall(args) => install::uninstall(&args, &context),
        Command::Verify(args) => verify::run(&args, &context),
        Command::Webhooks(args) => webhooks::run(&args, &context),
        Command::Completions(_)
        | Command::Config(_)
        | Command::Doctor(_)
        | Command::Help(_)
        | Command::Man(_) => {
            unreachable!("handled above")
        }
    };
    (output, result)
}

/// Prints what clap refused. Help and version also arrive here, because clap treats them as errors.
fn refused(output: &Output, error: &clap::Error) -> Exit {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if let Some(failure) = value_refused(error) {
        output.failure(&failure);
        return Exit::Usage;
    }
    if !is_help && output.mode.is_json() {
        let text = error.to_string();
        let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
        let failure = Failure::usage(what).fix(tip.unwrap_or("see `fanfare help`"));
        output.failure(&failure);
        return Exit::Usage;
    }
    // This fails if the terminal is gone, and then there is nowhere left to report it.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
        _ => Exit::Usage,
    }
}

/// Returns the error of our own parser if one refused a value: unlike clap's text, it has a fix.
fn value_refused(error: &clap::Error) -> Option<Failure> {
    let invalid = std::error::Error::source(error)?.downcast_ref::<Invalid>()?.clone();
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let name = argument.split(" <").next().unwrap_or_default();
    Some(Failure::from(invalid).at(name))
}

/// Runs a command that only waits for the network, on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    block_on_runtime(tokio::runtime::Builder::new_current_thread(), work)
}

/// Steps of tasks after which a busy thread looks for bytes that have arrived. With tokio's 61, a caller who asks for
/// little waits for 61 steps of others, of which each can take a millisecond.
const STEPS_BETWEEN_LOOKS: u32 = 8;

/// Runs a gateway, on all cores.
fn block_on_all_cores<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.event_interval(STEPS_BETWEEN_LOOKS);
    block_on_runtime(builder, work)
}

fn block_on_runtime<T>(
    mut builder: tokio::runtime::Builder,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start").why(failure::said(&error)))?;
    let result = runtime.block_on(work);
    // A thread that is still reading from a terminal must not keep the program alive.
    runtime.shutdown_background();
    result
}

/// Calls `each` with every element of the array `member` of a JSON object, as unchanged JSON text.
fn each_of(
    json: &str,
    member: &str,
    mut each: impl FnMut(&str) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let members: std::collections::BTreeMap<&str, &serde_json::value::RawValue> =
        serde_json::from_str(json).unwrap_or_default();
    let list = members.get(member).map_or("[]", |raw| raw.get());
    let elements: Vec<&serde_json::value::RawValue> = serde_json::from_str(list).unwrap_or_default();
    elements.into_iter().try_for_each(|element| Ok(each(element.get())?))
}

/// Adds a member to a JSON object.
fn with_member(object: &str, name: &str, json: &str) -> String {
    let inner = object.trim_end().strip_suffix('}').unwrap_or(object);
    let comma = if inner.trim_end().ends_with('{') { "" } else { "," };
    format!("{inner}{comma}\"{name}\":{json}}}")
}
