//! The sources of the workspace, and the paths that they name: `use` trees read whole, and paths in the code.

use std::path::{Path, PathBuf};

use crate::support::files::texts_below;

/// A file of Rust, below `crates/`.
pub(super) struct Source {
    /// The path below `crates/`, with `/` between its parts.
    pub(super) path: String,
    /// The text as it is in the file.
    pub(super) text: String,
}

impl Source {
    /// Returns the crate's name and the path of the module, for a file in `src/`: `("fanfare-hub", ["feed"])`. The root
    /// of a crate has an empty path, and `mod.rs` has that of its folder.
    pub(super) fn module(&self) -> Option<(&str, Vec<&str>)> {
        let (name, below) = self.path.split_once("/src/")?;
        let mut parts: Vec<&str> = below.trim_end_matches(".rs").split('/').collect();
        if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
            parts.pop();
        }
        Some((name, parts))
    }

    /// Returns the code that is shipped: without comments, the text of strings, and tests.
    pub(super) fn code(&self) -> String {
        let shipped = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = shipped.lines().map(|line| line.split("//").next().unwrap_or_default());
        let mut code = String::new();
        for line in lines {
            for (number, part) in line.split('"').enumerate() {
                code.push_str(if number % 2 == 0 { part } else { "\"\"" });
            }
            code.push('\n');
        }
        code
    }
}

/// Returns every file of Rust below `crates/`.
pub(super) fn all() -> Vec<Source> {
    let texts = texts_below(&crates(), |path| path.ends_with(".rs"));
    assert!(texts.len() > 100, "the sources were not found: {}", texts.len());
    texts.into_iter().map(|(path, text)| Source { path, text }).collect()
}

/// Returns the folder of the crates.
pub(super) fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of crates").to_owned()
}

/// Returns every path in `code`, those in braces spelt out: `use a::{b, c::{self, d}}` is `a::b`, `a::c`, `a::c::d`.
pub(super) fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("::") {
        let head = rest[..at].rfind(|c: char| !is_name(c)).map_or(0, |before| before + 1);
        let (mut tree, after) = tree(&rest[head..]);
        found.append(&mut tree);
        rest = after;
    }
    found
}

/// Parses one path at the start of `text`; returns its meaning, and the text after it.
fn tree(text: &str) -> (Vec<Vec<String>>, &str) {
    let end = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let here = if name == "self" { Vec::new() } else { vec![name.to_owned()] };
    let Some(below) = rest.trim_start().strip_prefix("::") else { return (vec![here], rest) };
    let below = below.trim_start();
    let mut found = Vec::new();
    if let Some(mut list) = below.strip_prefix('{') {
        loop {
            list = list.trim_start();
            if let Some(after) = list.strip_prefix('}') {
                rest = after;
                break;
            }
            let (members, after) = tree(list);
            found.extend(members);
            // The separator of two members: a comma, an `as` with its name, or a sign that is not part of a path.
            let next = after.find([',', '}']).unwrap_or(after.len());
            list = after[next..].trim_start_matches(',');
            if list.is_empty() {
                rest = list;
                break;
            }
        }
    } else if below.starts_with(is_name) {
        (found, rest) = tree(below);
    } else {
        return (vec![here], below);
    }
    let whole = |tail: Vec<String>| here.iter().cloned().chain(tail).collect();
    (found.into_iter().map(whole).collect(), rest)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn paths_are_read_whole() {
    let read = |code: &str| -> Vec<String> { paths(code).iter().map(|path| path.join("::")).collect() };
    assert_eq!(read("use crate::hub::{Hub, item};"), ["crate::hub::Hub", "crate::hub::item"]);
    assert_eq!(read("use crate::store::{\n    Store,\n};"), ["crate::store::Store"]);
    assert_eq!(
        read("use crate::{clock, hub::{self, feed::Feed}};"),
        ["crate::clock", "crate::hub", "crate::hub::feed::Feed"]
    );
    assert_eq!(read("use crate::a::{b as c, d};\nuse e::f;"), ["crate::a::b", "crate::a::d", "e::f"]);
    assert_eq!(
        read("fn f(e: store::Error) -> Vec::<restore::X> { crate::a::b(1) }"),
        ["store::Error", "Vec", "restore::X", "crate::a::b"]
    );
}
