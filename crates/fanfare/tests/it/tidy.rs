//! Reads the sources: which way imports point, how long files are, what they are called.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may use whom, besides itself: `cli → app → {http, dashboard} → hub → store`, and beside them what knows
/// nobody. A module that is not named here is a decision that nobody has taken yet.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "app",
        &[
            "doorway",
            "http",
            "hub",
            "listeners",
            "mcp",
            "shutdown",
            "store",
            "tasks",
            "telemetry",
            "webhooks",
        ],
    ),
    ("cli", &["app", "client", "http", "hub", "mcp", "store", "webhooks"]),
    ("client", &[]),
    ("clock", &[]),
    ("dashboard", &[]),
    ("doorway", &["hub", "shutdown"]),
    ("fail_point", &[]),
    ("http", &["clock", "dashboard", "doorway", "hub", "shutdown", "store", "telemetry", "webhooks"]),
    ("hub", &["clock", "shutdown", "store", "telemetry"]),
    ("lib", &[]),
    ("listeners", &["shutdown"]),
    ("main", &[]),
    ("mcp", &["clock", "doorway", "hub", "listeners", "shutdown", "store", "telemetry", "webhooks"]),
    ("shutdown", &[]),
    ("store", &["clock", "fail_point"]),
    ("tasks", &["hub", "shutdown", "store"]),
    ("telemetry", &[]),
    ("webhooks", &["clock", "fail_point", "hub", "shutdown", "store", "telemetry"]),
];

/// Doors never see the store. These are values that the hub hands through, and errors to translate.
const DOORS: &[&str] = &["http", "dashboard", "doorway", "mcp"];
const STORE_VALUES: &[&str] =
    &["ChannelRow", "DeliveryCounts", "DeliveryRow", "DeliveryStatus", "Error", "Order", "Read", "ReaderRow"];

/// A file holds one idea; past this, look for the second one in it.
const FILE_LINES_MAX: usize = 400;
/// One suite for one contract, which is read from top to bottom.
const LONGER: &[&str] = &["fanfare/tests/it/store_contract.rs"];

/// Names of things without a purpose.
const NAMELESS: &[&str] = &["common", "helper", "helpers", "manager", "misc", "util", "utils"];

struct Source {
    /// Below `crates/`.
    path: String,
    text: String,
}

impl Source {
    /// Gives what counts: not comments, and not the text of strings that speak of code.
    fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(|line| line.split("//").next().unwrap_or_default())
    }

    /// Gives the module of the `fanfare` library that it belongs to.
    fn module(&self) -> Option<&str> {
        let below = self.path.strip_prefix("fanfare/src/")?;
        Some(below.split('/').next().unwrap_or_default().trim_end_matches(".rs"))
    }
}

fn sources() -> Vec<Source> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of crates");
    let (mut folders, mut files): (Vec<PathBuf>, Vec<Source>) = (vec![crates.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a text");
                let path = path.strip_prefix(crates).expect("below").to_string_lossy().replace('\\', "/");
                files.push(Source { path, text });
            }
        }
    }
    assert!(files.len() > 100, "the sources were not found: {}", files.len());
    files
}

/// Gives the names that follow `prefix` in a line: one, or those in braces.
fn names_after<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        if line[..at].ends_with(is_name) {
            continue;
        }
        let rest = &line[at + prefix.len()..];
        let listed = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => rest.split(|c| !is_name(c)).next().unwrap_or_default(),
        };
        let first = |part: &'a str| part.trim().split(|c| !is_name(c)).next().unwrap_or_default();
        names.extend(listed.split(',').map(first).filter(|name| !name.is_empty()));
    }
    names
}

#[test]
fn imports_point_one_way() {
    let mut wrong = BTreeSet::new();
    let mut arrows = 0;
    for source in sources() {
        let Some(module) = source.module() else { continue };
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            wrong.insert(format!("`{module}` is in no row of MAY_USE"));
            continue;
        };
        for line in source.code() {
            for used in names_after(line, "crate::") {
                arrows += 1;
                if used != module && !allowed.contains(&used) {
                    wrong.insert(format!("{}: `{module}` may not use `{used}`", source.path));
                }
            }
        }
    }
    assert!(arrows > 300, "the imports were not found: {arrows}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn doors_never_see_the_store() {
    let mut wrong = BTreeSet::new();
    let mut seen = 0;
    for source in sources() {
        if !source.module().is_some_and(|module| DOORS.contains(&module)) {
            continue;
        }
        for line in source.code() {
            for name in names_after(line, "store::") {
                seen += 1;
                if !STORE_VALUES.contains(&name) {
                    wrong.insert(format!("{}: `store::{name}`", source.path));
                }
            }
        }
    }
    assert!(seen > 0, "nothing was looked at");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_file_holds_one_idea_and_its_name_says_which() {
    let mut wrong = Vec::new();
    for Source { path, text } in sources() {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX && !LONGER.contains(&path.as_str()) {
            wrong.push(format!("{path} has {lines} lines, over {FILE_LINES_MAX}"));
        }
        if path.trim_end_matches(".rs").split('/').any(|part| NAMELESS.contains(&part)) {
            wrong.push(format!("{path} is named for nothing"));
        }
        let is_generated = text.starts_with("// @generated");
        if !is_generated && !text.trim_start().starts_with("//!") {
            wrong.push(format!("{path} does not begin with what it is for"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_application_spawns_and_core_has_no_clock() {
    let mut wrong = Vec::new();
    for source in sources() {
        let is_core = source.path.starts_with("fanfare-core/src/");
        let is_ours = is_core || source.module().is_some();
        for line in source.code() {
            // The commands of the terminal run apart from the gateway; `clippy.toml` bans the rest of them.
            let spawns = line.contains("tokio::spawn(") && source.module() != Some("app");
            let looks_at_a_clock = is_core
                && ["SystemTime::now", "Instant::now", "Timestamp::now", "rand::"]
                    .iter()
                    .any(|call| line.contains(call));
            if is_ours && (spawns || looks_at_a_clock) {
                wrong.push(format!("{}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_the_docs_call_tested_has_a_test() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults.md");
    let docs = fs::read_to_string(docs).expect("a text");
    let (sources, mut wrong, mut named) = (sources(), Vec::new(), 0);
    for name in docs.split('`').filter(|name| name.contains("::")) {
        let (file, test) = name.rsplit_once("::").expect("a file and a test");
        named += 1;
        let is_there = |source: &Source| {
            let path = source.path.trim_end_matches(".rs").trim_end_matches("/tests");
            path.ends_with(&format!("/{file}")) && source.text.contains(&format!("fn {test}("))
        };
        if file != "file" && !sources.iter().any(is_there) {
            wrong.push(name);
        }
    }
    assert!(named > 50, "the tests were not found: {named}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reading_of_imports_is_right() {
    assert_eq!(names_after("use crate::hub::{Hub, item};", "crate::"), ["hub"]);
    assert_eq!(names_after("use crate::{clock, hub::Hub};", "crate::"), ["clock", "hub"]);
    assert_eq!(names_after("use crate::store::{Order, Read};", "store::"), ["Order", "Read"]);
    assert_eq!(names_after("fn f(e: store::Error) -> restore::X {", "store::"), ["Error"]);
}
