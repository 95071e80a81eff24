//! `fanfare config`: shows and checks the configuration.

use std::path::Path;

use clap::Subcommand;

use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::output::{Mode, Output};
use crate::cli::settings::file::{File, TOOL};
use crate::cli::settings::{self, Key, Settings, Value};
use crate::cli::{Exit, Failure, examples, global, serve};

/// Show and check the configuration
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Show every value and where it comes from", "fanfare config show --origin"),
    ("Check the configuration", "fanfare config check"),
    ("Let the project's file name a server", "fanfare config trust"),
], "For the keys and an example, see `fanfare help settings`."))]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show every setting and its value
    Show {
        /// Also show where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Check the configuration for errors
    Check,
    /// Show which configuration files are used
    Path,
    /// Trust what ./fanfare.toml sets, as it is now
    ///
    /// The file comes with a folder, which may be somebody else's, so without
    /// your trust it can only set `output`, `color` and `timeout`. After a change,
    /// trust it again.
    Trust,
}

pub(crate) fn run(
    args: &Args,
    flags: Vec<(Key, Vec<String>)>,
    named: Option<&Path>,
    output: Output,
) -> Result<Exit, Failure> {
    match args.command {
        Command::Show { origin } => {
            let settings = Settings::load(flags, named)?;
            show(&settings, origin, Output { mode: global::mode(&settings), ..output })
        }
        Command::Check => {
            let settings = Settings::load(flags, named)?;
            check(&settings, named, Output { mode: global::mode(&settings), ..output })
        }
        Command::Path => path(named, output),
        Command::Trust => trust(output),
    }
}

/// Also builds the configuration of a gateway: what `fanfare serve` refuses is not valid.
fn check(settings: &Settings, named: Option<&Path>, output: Output) -> Result<Exit, Failure> {
    serve::config(settings)?;
    let paths = settings::paths(named);
    let found = paths.iter().filter(|path| path.exists()).count();
    output.result(
        || {
            format!(
                "{SUCCESS}✓{SUCCESS:#} the configuration is valid {DIM}({found} of {} files found){DIM:#}",
                paths.len()
            )
        },
        r#"{"ok":true}"#,
        || "ok".to_owned(),
    )?;
    Ok(Exit::Ok)
}

fn show(settings: &Settings, with_origin: bool, output: Output) -> Result<Exit, Failure> {
    let values = Key::ALL.map(|key| (key, settings.value(key)));
    if output.mode.is_json() {
        let mut object = serde_json::Map::new();
        for (key, value) in &values {
            object.insert(key.shown_name().to_owned(), json(*key, value.as_ref(), with_origin));
        }
        output.line(serde_json::Value::from(object).to_string())?;
        return Ok(Exit::Ok);
    }
    let width = Key::ALL.iter().map(|key| key.shown_name().len()).max().unwrap_or_default();
    let texts: Vec<String> = values.iter().map(|(key, value)| text(*key, value.as_ref())).collect();
    let text_width = texts.iter().map(|text| text.chars().count()).max().unwrap_or_default();
    for ((key, value), text) in values.iter().zip(&texts) {
        let name = key.shown_name();
        let origin = value.as_ref().map(|value| value.origin.to_string()).unwrap_or_default();
        let line = match (output.mode, with_origin) {
            (Mode::Raw, _) => format!("{name}={text}"),
            (_, true) => format!("{BOLD}{name:<width$}{BOLD:#}  {text:<text_width$}  {DIM}{origin}{DIM:#}"),
            (_, false) => format!("{BOLD}{name:<width$}{BOLD:#}  {text}"),
        };
        output.line(line.trim_end())?;
    }
    Ok(Exit::Ok)
}

fn text(key: Key, value: Option<&Value>) -> String {
    match value {
        None => "–".to_owned(),
        Some(_) if key.is_secret() => "(hidden)".to_owned(),
        Some(value) => value.texts.iter().map(|text| key.shown(text)).collect::<Vec<_>>().join(", "),
    }
}

fn json(key: Key, value: Option<&Value>, with_origin: bool) -> serde_json::Value {
    let shown = match value {
        None => serde_json::Value::Null,
        Some(_) if key.is_secret() => "(hidden)".into(),
        Some(value) if key.is_list() => value.texts.clone().into(),
        Some(value) => value.texts.first().map(|text| key.shown(text)).unwrap_or_default().into(),
    };
    match value.filter(|_| with_origin) {
        Some(value) => serde_json::json!({ "value": shown, "origin": value.origin.to_string() }),
        None if with_origin => serde_json::json!({ "value": shown }),
        None => shown,
    }
}

fn path(named: Option<&Path>, output: Output) -> Result<Exit, Failure> {
    let paths = settings::paths(named);
    if output.mode.is_json() {
        let rows: Vec<_> = paths
            .iter()
            .map(|path| serde_json::json!({ "path": path.display().to_string(), "exists": path.exists() }))
            .collect();
        output.line(serde_json::json!({ "files": rows }).to_string())?;
        return Ok(Exit::Ok);
    }
    for path in paths {
        let line = match (output.mode, path.exists()) {
            (Mode::Raw, _) => path.display().to_string(),
            (_, true) => format!("{SUCCESS}✓{SUCCESS:#} {}", path.display()),
            (_, false) => format!("{DIM}–{DIM:#} {} {DIM}(not found){DIM:#}", path.display()),
        };
        output.line(line)?;
    }
    Ok(Exit::Ok)
}

/// Shows what is trusted, because the file may have changed since it was read.
fn trust(output: Output) -> Result<Exit, Failure> {
    let path = settings::project_file();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::file("read", &path, &error).fix("run this in the folder of the file that you want to trust")
    })?;
    let file = File::parse(&path, &text)?;
    settings::trust::trust(&text)?;
    let settings = settings::trust::that_need_trust(&file).map(|(key, texts)| (key.name(), texts.clone()));
    let tools: Vec<String> = file.tools.iter().map(|tool| tool.name.clone()).collect();
    let tools = (!tools.is_empty()).then_some((TOOL, tools));
    let settings: Vec<(&str, Vec<String>)> = settings.chain(tools).collect();
    if output.mode.is_json() {
        let settings: serde_json::Map<_, _> =
            settings.iter().map(|(name, texts)| ((*name).to_owned(), texts.clone().into())).collect();
        let line = serde_json::json!({ "path": path.display().to_string(), "trusted": settings });
        output.line(line.to_string())?;
        return Ok(Exit::Ok);
    }
    for (name, texts) in settings {
        // Escaped: the text is somebody else's.
        let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
        output.line(format!("{BOLD}{}{BOLD:#} = {}", name, texts.join(", ")))?;
    }
    output.note(format!("{SUCCESS}✓{SUCCESS:#} trusted {} as it is now", path.display()));
    Ok(Exit::Ok)
}
