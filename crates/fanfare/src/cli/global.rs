//! The global flags, which every command takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, ColorChoice, ValueEnum};
use fanfare_core::Priority;

use crate::cli::output::Mode;
use crate::cli::settings::{Key, Settings, with_default};

/// Heading of the global flags in help.
pub(crate) const GLOBAL: &str = "Global options";

/// The global flags.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = GLOBAL)]
pub(crate) struct Global {
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = with_default("URL of the gateway [env: FANFARE_URL]", Key::Server)
    )]
    server: Option<String>,
    /// Read the token from this file; the gateway does not check tokens yet, but
    /// a proxy in front of it may [env: FANFARE_TOKEN_FILE, or the token itself in
    /// FANFARE_TOKEN]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    token_file: Option<String>,
    /// Output format: human, json, ndjson, table or raw
    #[arg(short, long, global = true, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    output: Option<Mode>,
    /// When to use color: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        hide_possible_values = true,
        hide_short_help = true
    )]
    color: Option<ColorChoice>,
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        hide_short_help = true,
        help = with_default("How long to wait for a response", Key::Timeout)
    )]
    timeout: Option<String>,
    /// Use only this configuration file [env: FANFARE_CONFIG]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    config: Option<PathBuf>,
    /// Print only results and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print more detail; repeat for even more
    #[arg(short, long, global = true, action = ArgAction::Count, hide_short_help = true)]
    pub(crate) verbose: u8,
}

impl Global {
    /// Returns the settings that were given as flags.
    pub(crate) fn flags(&self) -> Vec<(Key, Vec<String>)> {
        let name_of_mode = |mode: Mode| mode.to_possible_value().map(|value| value.get_name().to_owned());
        let texts = [
            (Key::Server, self.server.clone()),
            (Key::TokenFile, self.token_file.clone()),
            (Key::Output, self.output.and_then(name_of_mode)),
            (Key::Color, self.color.map(|choice| choice.to_string())),
            (Key::Timeout, self.timeout.clone()),
        ];
        texts.into_iter().filter_map(|(key, text)| Some((key, vec![text?]))).collect()
    }

    /// Returns the configuration file that the flag or the environment names.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        let named = || std::env::var_os("FANFARE_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        self.config.clone().or_else(named)
    }
}

/// Finds the output format before the command line is parsed, because an error in it must have that format.
pub(crate) fn mode_asked_for(words: &[OsString]) -> Mode {
    let asked = value_of(words, "--output", Some("-o"));
    let named = asked.or_else(|| std::env::var(Key::Output.variable()).ok());
    named.and_then(|name| Mode::from_str(&name, false).ok()).unwrap_or_default()
}

/// Returns the output format in the settings.
pub(crate) fn mode(settings: &Settings) -> Mode {
    settings.text(Key::Output).and_then(|name| Mode::from_str(&name, false).ok()).unwrap_or_default()
}

/// Turns color on or off before the command line is parsed, for errors and help.
pub(crate) fn choose_color(words: &[OsString], agent: bool) {
    let asked = value_of(words, "--color", None).or_else(|| std::env::var(Key::Color.variable()).ok());
    apply(asked.and_then(|name| ColorChoice::from_str(&name, false).ok()), agent);
}

/// Turns color on or off as the settings say.
pub(crate) fn apply_color(settings: &Settings, agent: bool) {
    apply(settings.text(Key::Color).and_then(|name| ColorChoice::from_str(&name, false).ok()), agent);
}

fn apply(choice: Option<ColorChoice>, agent: bool) {
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    let choice = match choice.unwrap_or(ColorChoice::Auto) {
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
        // An agent reads escape codes as noise.
        ColorChoice::Auto if agent && !forced => anstream::ColorChoice::Never,
        ColorChoice::Auto => anstream::ColorChoice::Auto,
    };
    choice.write_global();
}

/// Finds the value of a flag among words that may not parse. Words after `--` are not flags.
fn value_of(words: &[OsString], long: &str, short: Option<&str>) -> Option<String> {
    let words: Vec<&str> =
        words.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--").collect();
    words.iter().enumerate().find_map(|(index, word)| {
        if *word == long || Some(*word) == short {
            return words.get(index + 1).map(|value| (*value).to_owned());
        }
        let with_equals = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
        let attached = || short.and_then(|short| word.strip_prefix(short)).filter(|rest| !rest.is_empty());
        with_equals.or_else(attached).map(str::to_owned)
    })
}

/// Returns a parser for a priority that also tells shell completions the five names.
pub(crate) fn priority_parser() -> impl TypedValueParser<Value = Priority> {
    PossibleValuesParser::new(Priority::ALL.map(Priority::as_str))
        .map(|name| name.parse().expect("one of the five names"))
}

/// Returns the values that an argument can have, as a list for people.
pub(crate) fn choices<T: ValueEnum>() -> String {
    let values: Vec<_> = T::value_variants().iter().filter_map(T::to_possible_value).collect();
    values.iter().map(|value| value.get_name()).collect::<Vec<_>>().join(", ")
}
