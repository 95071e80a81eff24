//! `fanfare demo --once`: a smoke test.

use crate::cli::demo::own::Own;
use crate::cli::demo::round_trip::{Trip, round_trip};
use crate::cli::output::Output;
use crate::cli::output::style::{BOLD, DIM, ERROR, SUCCESS};
use crate::cli::{Exit, Failure};
use fanfare_client::Api;

pub(crate) async fn run(api: &Api, own: &mut Own, output: Output) -> Result<Exit, Failure> {
    let trips = round_trip(api, Some(own)).await;
    let is_fine = is_fine(&trips);
    output.result(|| table(&trips), &json(&trips), || if is_fine { "ok" } else { "failed" }.to_owned())?;
    Ok(if is_fine { Exit::Ok } else { Exit::Failed })
}

fn table(trips: &[Trip]) -> String {
    let mut text = format!("{BOLD}round trip of one event{BOLD:#}");
    for Trip { way, result } in trips {
        text.push_str(&match result {
            Ok(elapsed) => {
                let milliseconds = elapsed.as_secs_f64() * 1e3;
                let what = if *way == "push" { "accepted" } else { "received" };
                format!("\n  {SUCCESS}✓{SUCCESS:#} {way:<10} {what:<10} {DIM}{milliseconds:>7.1} ms{DIM:#}")
            }
            Err(problem) => format!("\n  {ERROR}✗{ERROR:#} {way:<10} {problem}"),
        });
    }
    text
}

/// Returns whether the event came back from every outlet.
fn is_fine(trips: &[Trip]) -> bool {
    trips.len() > 1 && trips.iter().all(|trip| trip.result.is_ok())
}

/// Returns the result as JSON.
pub(crate) fn json(trips: &[Trip]) -> String {
    let checks: Vec<_> = trips
        .iter()
        .map(|Trip { way, result }| match result {
            Ok(elapsed) => {
                serde_json::json!({ "check": way, "ok": true, "milliseconds": elapsed.as_secs_f64() * 1e3 })
            }
            Err(problem) => serde_json::json!({ "check": way, "ok": false, "problem": problem }),
        })
        .collect();
    serde_json::json!({ "ok": is_fine(trips), "checks": checks }).to_string()
}
