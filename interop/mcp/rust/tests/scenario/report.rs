//! Says how it went in libtest's words, which `./test` counts.
#![expect(clippy::print_stdout, reason = "a test's report is what it prints")]

use std::process::ExitCode;

pub struct Outcome {
    pub name: String,
    pub problem: Option<anyhow::Error>,
}

pub fn print<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> ExitCode {
    let (mut passed, mut failed) = (0, Vec::new());
    for outcome in outcomes {
        let word = if outcome.problem.is_none() { "ok" } else { "FAILED" };
        println!("test {} ... {word}", outcome.name);
        match &outcome.problem {
            None => passed += 1,
            Some(problem) => failed.push((&outcome.name, problem)),
        }
    }
    for (name, problem) in &failed {
        println!("\n---- {name} ----\n{problem:#}");
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {} failed; 0 ignored", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
