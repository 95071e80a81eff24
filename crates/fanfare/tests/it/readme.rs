//! The README and the examples work as described: every block and every file is run against a real gateway.
//!
//! Python and JavaScript run where their packages are: `./test` has installed them, and sets `FANFARE_README_STRICT=1`,
//! so that nothing is left out there.

mod blocks;
mod gateway;
mod run;

use crate::readme::blocks::{Block, Language};
use crate::readme::gateway::Gateway;
use crate::readme::run::{Outcome, Tools};
use crate::support::files::root;

/// The expected behaviour of a piece of code.
#[derive(Debug, Clone, Copy)]
enum Expect {
    /// It ends with success and has printed all of these.
    Ends(&'static [&'static str]),
    /// It listens: once this is pushed to that channel (`channel`, `message`), it prints the third.
    Hears(&'static str, &'static str, &'static str),
    /// It keeps running, and prints this.
    Says(&'static str),
    /// It is not run, for this reason.
    Left(&'static str),
}

use Expect::{Ends, Hears, Left, Says};

/// Every block of the README, found by a part of it.
const BLOCKS: &[(&str, Expect)] = &[
    ("git clone", Left("it fetches and builds what is being tested")),
    ("./test ", Left("it is what runs this test")),
    (
        "cargo run --release -- demo\n",
        Left("it takes the default port; the demo has a test of its own, below"),
    ),
    ("api/push/chat\n", Ends(&["\"message\":\"hello\"", "\"channel\":\"chat\""])),
    ("curl -d \"deployed\"", Ends(&["\"message\":\"disk at 91 %\"", "\"channel\":\"builds.web\""])),
    ("fanfare push \"deploy", Ends(&["pushed to default", "pushed to builds.web", "pushed to cron"])),
    ("agents.reviewer", Ends(&["-"])),
    ("curl -N 127.0.0.1:8000/stream\n", Hears("builds", "deployed", "] deployed")),
    ("new EventSource(", Hears("builds.web", "deployed", "deployed")),
    ("channel=alerts.%3E", Hears("alerts.disk.full", "disk full", "\"message\":\"disk full\"")),
    ("new WebSocket(", Says("\"message\":\"hello\"")),
    ("fanfare install", Ends(&["\"mcpServers\"", "push_stream"])),
    ("--exec", Hears("alerts.disk", "full", "alerts.disk says: full")),
    ("Last-Event-ID", Says("] two")),
    ("fanfare webhooks add", Ends(&["127.0.0.1:3000/hook", "whsec_"])),
    ("fanfare receive", Hears("builds.web", "it arrived", "it arrived")),
    ("--reader laptop", Hears("builds", "kept", "kept")),
    ("fanfare run", Ends(&["all green", "started: make test", "succeeded after"])),
    ("fanfare serve", Says("listening on http://127.0.0.1:")),
];

/// Every example.
const EXAMPLES: &[(&str, Expect)] = &[
    ("curl/come_back.sh", Ends(&["] missed, the first", "] missed, the second"])),
    ("curl/push.sh", Ends(&["\"count\":2", "\"repeated\":true"])),
    ("curl/webhooks.sh", Ends(&["\"secret\":\"whsec_", "\"outcome\":", "\"total_webhooks\":0"])),
    ("javascript/chat.mjs", Says("chat.lobby: hello, everybody")),
    (
        "javascript/page.html",
        Left("a page for a browser; the README's EventSource block does the same in Node"),
    ),
    ("javascript/receiver.mjs", Hears("builds", "deployed", "+00:00] deployed")),
    ("python/progress.py", Ends(&["subscribers"])),
    ("python/receiver.py", Hears("builds", "deployed", "+00:00] deployed")),
    ("python/worker.py", Hears("jobs.mail", "letter", "working on 'letter' from jobs.mail")),
];

#[test]
fn every_block_of_the_readme_has_one_expectation() {
    for block in readme() {
        let found = BLOCKS.iter().filter(|(part, _)| block.code.contains(part)).count();
        assert_eq!(found, 1, "expectations in BLOCKS for this block of the README: {block}");
    }
    for (part, _) in BLOCKS {
        let found = readme().iter().filter(|block| block.code.contains(part)).count();
        assert_eq!(found, 1, "blocks of the README with `{part}`");
    }
}

#[test]
fn every_example_has_an_expectation() {
    let mut files = Vec::new();
    for directory in ["curl", "javascript", "python"] {
        for entry in std::fs::read_dir(root().join("examples").join(directory)).expect("a directory") {
            let name = entry.expect("an entry").file_name();
            let name = name.to_str().expect("UTF-8");
            if name != "__pycache__" {
                files.push(format!("{directory}/{name}"));
            }
        }
    }
    files.sort();
    let expected: Vec<_> = EXAMPLES.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(files, expected);
}

#[test]
fn the_shell_in_the_readme_does_what_it_says() {
    run_blocks(Language::Shell);
}

#[test]
fn the_python_in_the_readme_does_what_it_says() {
    run_blocks(Language::Python);
}

#[test]
fn the_javascript_in_the_readme_does_what_it_says() {
    run_blocks(Language::JavaScript);
}

#[test]
fn the_examples_do_what_they_say() {
    let gateway = Gateway::start();
    for (file, expect) in EXAMPLES {
        let path = root().join("examples").join(file);
        let code = std::fs::read_to_string(&path).expect("an example");
        let language = match path.extension().and_then(|extension| extension.to_str()) {
            Some("mjs") => Language::JavaScript,
            Some("py") => Language::Python,
            Some("sh") => Language::Shell,
            _ => continue,
        };
        let Some(tools) = tools(language) else { continue };
        check(&gateway, &tools, &Block { line: 1, language, code }, *expect);
    }
}

/// The README shows the demo's own text, with other numbers.
#[test]
fn the_demo_shows_what_the_readme_shows() {
    let text = std::fs::read_to_string(root().join("README.md")).expect("a README");
    let shown =
        text.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of text");
    let tools = Tools::find(Language::Shell).expect("a shell");
    let directory = tempfile::TempDir::new().expect("a directory");
    let mut demo = tools.start(directory.path(), "fanfare demo --listen 127.0.0.1:0", "");
    for line in shown.lines().filter(|line| !line.is_empty()) {
        let wanted = without_numbers(&line.replace("./target/release/fanfare", "fanfare"));
        demo.read_until(|said| without_numbers(said) == wanted)
            .unwrap_or_else(|said| panic!("the README shows `{line}`, the demo said:\n{said}"));
    }
}

/// Makes times, ports, versions and widths of columns alike.
fn without_numbers(line: &str) -> String {
    let spaced = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ':');
    spaced.split(is_number).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("0")
}

fn run_blocks(language: Language) {
    let Some(tools) = tools(language) else { return };
    let gateway = Gateway::start();
    let mut run = 0;
    for block in readme().iter().filter(|block| block.language == language) {
        let expect = BLOCKS.iter().find(|(part, _)| block.code.contains(part)).expect("an expectation").1;
        check(&gateway, &tools, block, expect);
        run += 1;
    }
    assert!(run > 0, "the README has no block of {language:?}");
}

fn tools(language: Language) -> Option<Tools> {
    match Tools::find(language) {
        Ok(tools) => Some(tools),
        Err(missing) if std::env::var_os("FANFARE_README_STRICT").is_some_and(|strict| strict == "1") => {
            panic!("{language:?} cannot be run: {missing}")
        }
        Err(missing) => {
            tell(&format!("skipped: {language:?} cannot be run: {missing}"));
            None
        }
    }
}

fn check(gateway: &Gateway, tools: &Tools, block: &Block, expect: Expect) {
    if let Left(reason) = expect {
        tell(&format!("not run, because {reason}: {block}"));
        return;
    }
    let code = gateway.addressed(&block.code);
    let mut running = tools.start(gateway.directory(), &code, gateway.url());
    let outcome = match expect {
        Ends(said) => running.ended().and_then(|all| match said.iter().find(|part| !all.contains(**part)) {
            None => Ok(()),
            Some(part) => Err(format!("{all}\n(without `{part}`)")),
        }),
        Hears(channel, message, said) => loop {
            gateway.push(channel, message);
            match running.read_for_a_moment(said) {
                Outcome::Said => break Ok(()),
                Outcome::NotYet => {}
                Outcome::Never(all) => break Err(format!("{all}\n(without `{said}`)")),
            }
        },
        Says(said) => running.read_until(|line| line.contains(said)),
        Left(_) => Ok(()),
    };
    if let Err(said) = outcome {
        panic!("not as {expect:?}: {block}\nit said:\n{said}");
    }
}

#[expect(clippy::print_stdout, reason = "whoever runs the tests should see what was left out")]
fn tell(what: &str) {
    println!("{what}");
}

fn readme() -> Vec<Block> {
    let text = std::fs::read_to_string(root().join("README.md")).expect("a README");
    blocks::runnable(&text)
}
