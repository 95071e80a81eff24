//! Reads the scripts that `./test` runs: every package they install is in a list, with its hash.
//!
//! A version that is chosen while the script runs, such as the newest that fits, turns a run red by a release
//! elsewhere, or brings other code into it.

use serde_json::Value;

use crate::support::files::{root, texts_below};

/// A command that can install something, and the options with which it installs only what a list or a lock file names:
/// all of those in one row. A command without a row is always wrong.
const RULES: &[(&str, &[&[&str]])] = &[
    // pip builds a source package with tools that it resolves itself, unless the script forbids that.
    (
        "pip install",
        &[
            &["--no-deps", "--require-hashes", "--only-binary=:all:"],
            &["--no-deps", "--require-hashes", "--no-build-isolation", "--no-binary=:all:"],
            &["--no-index", "--dry-run"],
        ],
    ),
    ("pip download", &[]),
    ("pip wheel", &[]),
    // A package's own script can fetch anything beyond the lock file.
    ("npm ci", &[&["--ignore-scripts"]]),
    ("npm add", &[]),
    ("npm exec", &[]),
    ("npm i", &[]),
    ("npm install", &[]),
    ("npm update", &[]),
    ("npx", &[]),
    ("cargo bench", &[&["--locked"]]),
    ("cargo build", &[&["--locked"]]),
    ("cargo check", &[&["--locked"]]),
    ("cargo clippy", &[&["--locked"]]),
    ("cargo fetch", &[&["--locked"]]),
    ("cargo install", &[&["--locked"]]),
    ("cargo metadata", &[&["--locked"]]),
    ("cargo run", &[&["--locked"]]),
    ("cargo test", &[&["--locked"]]),
    ("go get", &[]),
    ("go test", &[&["-mod=readonly"]]),
];

/// Folders without scripts that `./test` runs.
const ELSEWHERE: &[&str] = &["crates/", "docs/", "examples/"];

/// Returns the files that `chosen` picks by path and text, as paths below the root with their texts.
fn files(chosen: impl Fn(&str, &str) -> bool) -> Vec<(String, String)> {
    let mut texts = texts_below(&root(), |path| !ELSEWHERE.iter().any(|folder| path.starts_with(folder)));
    texts.retain(|(path, text)| chosen(path, text));
    texts
}

/// Returns the commands of a script, without comments. A list of arguments in Python or JavaScript reads like a
/// command.
fn commands(script: &str) -> Vec<String> {
    let lines: Vec<&str> = script
        .lines()
        .filter(|line| !["#", "//"].iter().any(|comment| line.trim_start().starts_with(comment)))
        .collect();
    let joined = lines.join("\n").replace("\\\n", " ").replace("&&", "\n").replace("||", "\n");
    let words = |command: &str| {
        let words = command.split(|c: char| c.is_whitespace() || "\"'`,()[]{}".contains(c));
        words.filter(|word| !word.is_empty() && !word.starts_with('+')).collect::<Vec<_>>().join(" ")
    };
    joined.split(['\n', ';', '|']).map(words).collect()
}

/// Returns the problem of each command that would choose what it installs.
fn complaints(script: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for command in commands(script) {
        let padded = format!(" {command} ");
        for (installs, rows) in RULES {
            let is_run = padded.contains(&format!(" {installs} "));
            let has = |option: &&str| padded.contains(&format!(" {option} "));
            if is_run && !rows.iter().any(|row| row.iter().all(has)) {
                wrong.push(format!("`{command}`: `{installs}` needs one of {rows:?}"));
            }
        }
        if padded.contains("@latest ") {
            wrong.push(format!("`{command}`: the latest is another one tomorrow"));
        }
    }
    wrong
}

#[test]
fn nothing_that_the_tests_install_is_chosen_while_they_run() {
    let scripts = files(|path, text| {
        let is_code = [".sh", ".py", ".js", ".mjs"].iter().any(|ending| path.ends_with(ending));
        is_code || text.starts_with("#!") || path.ends_with("package.json")
    });
    for known in [
        "test",
        ".ci/run",
        "fuzz/run",
        "interop/autobahn/run",
        "e2e/package.json",
        "interop/mcp/conformance.mjs",
    ] {
        assert!(scripts.iter().any(|(path, _)| path == known), "`{known}` was not found");
    }
    let wrong: Vec<_> = scripts
        .iter()
        .flat_map(|(path, text)| {
            complaints(text).into_iter().map(move |complaint| format!("{path}: {complaint}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_npm_package_is_known_by_its_hash() {
    let locks = files(|path, _| path.ends_with("package-lock.json"));
    assert!(locks.len() >= 3, "the lock files were not found: {}", locks.len());
    let mut wrong = Vec::new();
    for (path, text) in &locks {
        let lock: Value = serde_json::from_str(text).expect("JSON");
        let packages = lock["packages"].as_object().expect("packages");
        let unknown =
            packages.iter().filter(|(name, package)| !name.is_empty() && !package["integrity"].is_string());
        wrong.extend(unknown.map(|(name, _)| format!("{path}: {name}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reading_of_scripts_is_right() {
    for chosen in [
        "python -m pip install --quiet --require-hashes -r list.txt",
        "\"$1/bin/python\" -m pip install --no-deps --require-hashes \\\n  -r list.txt && echo --only-binary=:all:",
        "subprocess.run([sys.executable, \"-m\", \"pip\", \"install\", \"requests\"])",
        "npm ci --no-audit",
        "(cd e2e && npm install --silent)",
        "spawn(\"npx\", [\"playwright\", \"install\"])",
        "  \"scripts\": { \"test\": \"npx playwright test\" },",
        "kill=(cargo run --package fanfare-bench -- kill)",
        "cargo +nightly build --release",
        "go install example.org/tool@latest",
    ] {
        assert_eq!(complaints(chosen).len(), 1, "{chosen}");
    }
    for pinned in [
        "python -m pip install --no-deps --require-hashes --only-binary=:all: -r list.txt",
        "python -m pip install --quiet --dry-run --no-index -r list.in",
        "npm ci --ignore-scripts && npm test --silent",
        "cargo +nightly build \\\n  --locked --release",
        "cargo fmt --all --check",
        "# cargo build is what this does",
    ] {
        assert_eq!(complaints(pinned), [""; 0], "{pinned}");
    }
}
