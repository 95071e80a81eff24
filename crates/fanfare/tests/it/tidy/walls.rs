//! The direction of imports: between crates as their manifests allow, between the modules of a crate as their paths
//! show.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use fanfare_mcp::Method;
use serde_json::Value;

use super::sources::{self, Source};

/// The crates of ours that a crate can depend on: the whole rule. A crate without a row fails the test.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("fanfare-core", &[]),
    ("fanfare-webhook", &["core"]),
    ("fanfare-mcp", &[]),
    ("fanfare-api", &["core"]),
    ("fanfare-runtime", &["core"]),
    ("fanfare-tls", &[]),
    ("fanfare-store", &["core", "runtime"]),
    ("fanfare-store-embedded", &["core", "runtime", "store"]),
    ("fanfare-store-suite", &["core", "store"]),
    ("fanfare-hub", &["core", "runtime", "store"]),
    ("fanfare-delivery", &["core", "webhook", "runtime", "tls", "store", "hub"]),
    // Without the store: a door gets verbs of the hub and the webhooks.
    ("fanfare-server", &["core", "webhook", "mcp", "api", "runtime", "hub", "delivery"]),
    ("fanfare-client", &["core", "api", "tls"]),
    (
        "fanfare",
        &[
            "core",
            "webhook",
            "mcp",
            "api",
            "runtime",
            "store",
            "store-embedded",
            "hub",
            "delivery",
            "server",
            "client",
        ],
    ),
    // They serve other tools with the same server, and put load on the program.
    ("conformance", &["", "mcp", "server", "store"]),
    ("fanfare-bench", &[]),
];

/// The allowed imports between the modules of the server: doors do not see doors.
const IN_THE_SERVER: &[(&str, &[&str])] = &[
    ("dashboard", &["net", "problem"]),
    ("http", &["dashboard", "net", "problem"]),
    ("mcp", &["net", "problem"]),
    ("net", &["problem"]),
    ("problem", &[]),
];

/// The allowed imports between the units of the MCP door. The engine has every method and knows no transport,
/// transports know neither methods nor tools, and the gateway's tools know neither of the two.
const IN_MCP: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("answer", &[]),
    ("outbox", &["answer"]),
    ("pace", &[]),
    ("toolset", &[]),
    ("client", &["toolset"]),
    ("session", &["client", "outbox", "pace"]),
    ("caller", &["client", "session"]),
    ("call", &["caller", "outbox"]),
    ("service", &["call", "caller", "pace", "toolset"]),
    ("engine", &["answer", "call", "caller", "outbox", "pace", "service", "session", "toolset"]),
    ("gateway", &["call", "caller", "client", "pace", "service", "toolset"]),
    ("transports", &["call", "caller", "client", "engine", "limits", "outbox", "pace", "session", "toolset"]),
];

#[test]
fn crates_depend_on_each_other_one_way() {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(sources::crates())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&cargo.stdout).expect("metadata is JSON");
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(row, _)| *row == name) else {
            wrong.push(format!("`{name}` has no row in MAY_DEPEND_ON"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let is_for_tests = dependency["kind"] == "dev";
            let on = dependency["name"].as_str().expect("a name");
            let Some(ours) = on.strip_prefix("fanfare") else { continue };
            if !is_for_tests && !allowed.contains(&ours.trim_start_matches('-')) {
                wrong.push(format!("`{name}` may not depend on `{on}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn doors_do_not_see_each_other() {
    let (arrows, wrong) = broken(&[], IN_THE_SERVER);
    assert!(arrows > 100, "the imports were not found: {arrows}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn parts_of_the_mcp_door_use_only_those_below_them() {
    let (arrows, wrong) = broken(&["mcp"], IN_MCP);
    assert!(arrows > 100, "the imports were not found: {arrows}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Checks the modules of a folder of the server against `rows`. Returns the number of paths from one of them to another
/// or to itself, and the violations.
fn broken(folder: &[&str], rows: &[(&str, &[&str])]) -> (usize, BTreeSet<String>) {
    let (mut wrong, mut arrows) = (BTreeSet::new(), 0);
    for source in sources::all() {
        let Some(("fanfare-server", module)) = source.module() else { continue };
        let Some(from) = module.strip_prefix(folder).and_then(<[&str]>::first) else { continue };
        let row = rows.iter().find(|(name, _)| name == from);
        let (_, allowed) = row.unwrap_or_else(|| panic!("`{from}` has no row in the table of {folder:?}"));
        for target in targets(&source) {
            let Some(to) = below(&target, folder) else { continue };
            arrows += 1;
            if to != *from && !allowed.contains(&to) {
                wrong.insert(format!("{}: `{from}` may not use `{to}`", source.path));
            }
        }
    }
    (arrows, wrong)
}

/// Returns the part after `folder` of a path that starts with it.
fn below<'a>(path: &'a [String], folder: &[&str]) -> Option<&'a str> {
    let is_below = path.len() > folder.len() && path.iter().zip(folder).all(|(part, name)| part == name);
    is_below.then(|| path[folder.len()].as_str())
}

#[test]
fn the_root_of_the_mcp_door_only_declares_modules() {
    let sources = sources::all();
    let root =
        sources.iter().find(|source| source.path == "fanfare-server/src/mcp/mod.rs").expect("the root");
    let other: Vec<&str> = root
        .text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("//!"))
        .filter(|line| !line.strip_prefix("pub mod ").is_some_and(|name| name.ends_with(';')))
        .collect();
    assert!(other.is_empty(), "{other:#?}");
}

#[test]
fn a_transport_names_neither_a_method_nor_a_tool() {
    let sources = sources::all();
    let within = |source: &&Source, folder: &str| {
        source.path.starts_with(&format!("fanfare-server/src/mcp/{folder}/"))
    };
    let methods = Method::ALL.iter().map(|method| method.as_str().to_owned());
    let tools: Vec<String> = sources
        .iter()
        .filter(|source| within(source, "gateway"))
        .flat_map(|source| source.text.lines())
        .filter_map(|line| {
            line.strip_prefix("pub(super) const ")?.split_once(": &str = \"")?.1.strip_suffix("\";")
        })
        .map(str::to_owned)
        .collect();
    assert!(tools.iter().any(|tool| tool == "wait_for"), "the tools were not found: {tools:?}");
    let names: Vec<String> = methods.chain(tools).collect();
    let (mut files, mut wrong) = (0, Vec::new());
    for source in sources.iter().filter(|source| within(source, "transports")) {
        files += 1;
        let shipped = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        let said = names.iter().filter(|name| shipped.contains(&format!("\"{name}\"")));
        wrong.extend(said.map(|name| format!("{}: `{name}`", source.path)));
        let imports = sources::paths(&source.code());
        let named = |path: &[String]| {
            path.first().is_some_and(|first| first == "fanfare_mcp")
                && path.iter().any(|part| part == "Method")
        };
        if imports.iter().any(|path| named(path)) || shipped.contains("\"notifications/") {
            wrong.push(format!("{}: a method", source.path));
        }
    }
    assert!(files > 10, "the transports were not found: {files}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn modules_do_not_import_each_other_in_a_circle() {
    let sources = sources::all();
    let modules: BTreeSet<(String, Vec<String>)> = sources
        .iter()
        .filter_map(Source::module)
        .map(|(name, path)| (name.to_owned(), path.iter().map(|part| (*part).to_owned()).collect()))
        .collect();
    // For each folder, the imports between the files and folders in it.
    let mut arrows: BTreeMap<(String, Vec<String>), BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for source in &sources {
        let Some((name, module)) = source.module() else { continue };
        for target in targets(source) {
            let shared = module.iter().zip(&target).take_while(|(from, to)| from == to).count();
            let (Some(from), Some(to)) = (module.get(shared), target.get(shared)) else { continue };
            let folder = (name.to_owned(), target[..shared].to_vec());
            let child = (name.to_owned(), target[..=shared].to_vec());
            // An item of the parent is not a module of its own: a parent and its files are one.
            if modules.contains(&child) {
                arrows.entry(folder).or_default().entry((*from).to_owned()).or_default().insert(to.clone());
            }
        }
    }
    assert!(arrows.len() > 10, "the imports were not found: {}", arrows.len());
    let circles: Vec<String> = arrows
        .iter()
        .flat_map(|((name, folder), arrows)| {
            circles(arrows)
                .into_iter()
                .map(move |circle| format!("{name} {}: {}", folder.join("/"), circle.join(" ")))
        })
        .collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

/// Returns the modules of the same crate that a source names, as paths from the crate's root.
fn targets(source: &Source) -> Vec<Vec<String>> {
    let Some((_, module)) = source.module() else { return Vec::new() };
    let own = |len: usize| module[..len].iter().map(|part| (*part).to_owned());
    let mut targets = Vec::new();
    for path in sources::paths(&source.code()) {
        let ups = path.iter().take_while(|part| *part == "super").count();
        match path.first().map(String::as_str) {
            Some("crate") => targets.push(path[1..].to_vec()),
            Some("super") if ups <= module.len() => {
                targets.push(own(module.len() - ups).chain(path[ups..].iter().cloned()).collect());
            }
            _ => {}
        }
    }
    targets
}

/// Returns the groups of names that can all be reached from each other.
fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let reached = |from: &String| -> BTreeSet<String> {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(name) = next.pop() {
            for to in arrows.get(&name).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        seen
    };
    let all: BTreeMap<&String, BTreeSet<String>> = arrows.keys().map(|name| (name, reached(name))).collect();
    let circle = |name: &String| -> Vec<String> {
        all[name].iter().filter(|to| all.get(to).is_some_and(|back| back.contains(name))).cloned().collect()
    };
    arrows.keys().filter(|name| all[name].contains(*name)).map(circle).collect()
}

#[test]
fn a_circle_is_found() {
    let arrows = |list: &[(&str, &[&str])]| -> BTreeMap<String, BTreeSet<String>> {
        list.iter()
            .map(|(from, to)| ((*from).to_owned(), to.iter().map(|to| (*to).to_owned()).collect()))
            .collect()
    };
    assert!(circles(&arrows(&[("a", &["b", "c"]), ("b", &["c"])])).is_empty());
    let found = circles(&arrows(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &["a"])]));
    assert_eq!(found, BTreeSet::from([vec!["b".to_owned(), "c".to_owned()]]));
}
