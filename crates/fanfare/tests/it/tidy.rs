//! Reads the sources: the direction of imports, the length of files, and their names.

mod handles;
mod sources;
mod walls;

use std::fs;
use std::path::Path;

use sources::Source;

use crate::support::files::{root, texts_below};

/// Crates of values and rules: no I/O, no tasks, no clock, no chance. Each has the same `clippy.toml`, since the nearest
/// one replaces the root's.
const PURE: &[&str] = &["fanfare-core", "fanfare-webhook", "fanfare-mcp", "fanfare-api"];

/// A file holds one idea; past this, look for the second one in it.
const FILE_LINES_MAX: usize = 400;

/// Openings that the standard library does not use: a function "Returns", and a field is a noun phrase.
const OPENINGS: &[&str] = &["Gives", "Says whether", "Whose"];

/// The width of a line that a terminal and a diff show whole.
const MARKDOWN_COLUMNS_MAX: usize = 120;

/// Names of things without a purpose.
const NAMELESS: &[&str] = &["common", "helper", "helpers", "manager", "misc", "util", "utils"];

#[test]
fn a_file_holds_one_idea_and_its_name_says_which() {
    let mut wrong = Vec::new();
    for Source { path, text } in sources::all() {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
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
fn doc_comments_open_as_the_standard_librarys_do() {
    let (mut wrong, mut openings) = (Vec::new(), 0);
    for Source { path, text } in sources::all() {
        if !path.contains("/src/") {
            continue;
        }
        let mut is_open = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
            if let Some(opening) = comment.filter(|_| !is_open) {
                openings += 1;
                let opening = opening.trim_start();
                if OPENINGS.iter().any(|words| starts_with_words(opening, words)) {
                    wrong.push(format!("{path}:{} opens with: {opening}", number + 1));
                }
            }
            is_open = comment.is_some();
        }
    }
    assert!(openings > 1_000, "the doc comments were not found: {openings}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn starts_with_words(text: &str, words: &str) -> bool {
    text.strip_prefix(words).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[test]
fn markdown_is_wrapped() {
    // A hidden folder such as pytest's cache has documents of others.
    let documents = texts_below(&root(), |path| path.ends_with(".md") && !path.contains("/."));
    let mut wrong = Vec::new();
    for (path, text) in &documents {
        for (number, line) in (1..).zip(text.lines()) {
            let columns = line.chars().count();
            if columns > MARKDOWN_COLUMNS_MAX {
                wrong.push(format!("{path}:{number} has {columns} columns"));
            }
        }
    }
    assert!(documents.len() > 10, "the documents were not found: {}", documents.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_the_docs_call_tested_has_a_test() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults.md");
    let docs = fs::read_to_string(docs).expect("a text");
    let (sources, mut wrong, mut named) = (sources::all(), Vec::new(), 0);
    for name in docs.split('`').filter(|name| name.contains("::")) {
        let (file, test) = name.rsplit_once("::").expect("a file and a test");
        named += 1;
        let is_there = |source: &Source| {
            let path = source.path.trim_end_matches(".rs").trim_end_matches("/tests").replace("/src/", "/");
            // Without a crate, a name is that of a test through the gateway's sockets.
            let (place, file) = if file.contains('/') { ("", file) } else { ("fanfare/tests/it/", file) };
            format!("/{path}").ends_with(&format!("/{place}{file}"))
                && source.text.contains(&format!("fn {test}("))
        };
        if file != "file" && !sources.iter().any(is_there) {
            wrong.push(name);
        }
    }
    assert!(named > 50, "the tests were not found: {named}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_crates_refuse_the_clock_alike() {
    let read =
        |name: &&str| fs::read_to_string(sources::crates().join(name).join("clippy.toml")).expect("a text");
    let all: Vec<String> = PURE.iter().map(read).collect();
    assert!(all[0].contains("SystemTime::now") && all[0].contains("std::thread::spawn"), "{}", all[0]);
    for (name, text) in PURE.iter().zip(&all) {
        assert_eq!(*text, all[0], "{name}");
    }
}
