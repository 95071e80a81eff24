//! Registering many webhooks: the cost of each, and whether the last costs more than the first.

use std::{ops::Range, time::Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::{
    client::Client,
    generator::{Generator, receivers::Receivers},
    process::{Stretch, resident_bytes},
    report::say,
    target::Target,
};

/// The first and the last tenth are compared.
const PARTS: usize = 10;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) webhooks: usize,
    pub(crate) seconds: f64,
    pub(crate) server_cpu_us_each: f64,
    pub(crate) first_tenth_ms_each: f64,
    pub(crate) last_tenth_ms_each: f64,
    pub(crate) resident_bytes_each: f64,
    pub(crate) foreign_cores: f64,
}

pub(crate) fn run(target: &Target, count: usize) -> Result<Outcome> {
    ensure!(count >= PARTS, "--register must be at least {PARTS}");
    let mut generator = Generator::new(target.address()?)?;
    generator.receive_webhooks()?;
    let mut client = Client::connect(target.address()?)?;
    let before = resident_bytes(target.process()?)?;
    let stretch = Stretch::begin(target.pid)?;
    let mut tenths_ms = Vec::new();
    for part in 0..PARTS {
        let range = part * count / PARTS..(part + 1) * count / PARTS;
        let (began, len) = (Instant::now(), range.len());
        register(&mut client, &generator.receivers, range)?;
        tenths_ms.push(began.elapsed().as_secs_f64() * 1e3 / len as f64);
    }
    let spent = stretch.end()?;
    let grown = resident_bytes(target.process()?)?.saturating_sub(before);
    let outcome = Outcome {
        webhooks: count,
        seconds: spent.seconds,
        server_cpu_us_each: spent.server_cpu_us / count as f64,
        first_tenth_ms_each: tenths_ms[0],
        last_tenth_ms_each: tenths_ms[PARTS - 1],
        resident_bytes_each: grown as f64 / count as f64,
        foreign_cores: spent.foreign_cores,
    };
    say(format_args!(
        "{count} webhooks registered in {:.2} s: {:.0} us of server CPU each, {:.2} ms each in the first tenth and {:.2} ms in \
         the last; {:.0} resident bytes each; others kept {:.2} cores busy",
        outcome.seconds,
        outcome.server_cpu_us_each,
        outcome.first_tenth_ms_each,
        outcome.last_tenth_ms_each,
        outcome.resident_bytes_each,
        outcome.foreign_cores,
    ));
    Ok(outcome)
}

/// Registers receivers, one after the other.
pub(crate) fn register(client: &mut Client, receivers: &Receivers, which: Range<usize>) -> Result<()> {
    for receiver in which {
        let body = format!(r#"{{"webhook_url":"{}"}}"#, receivers.url(receiver)?);
        let response = client.post("/api/register", &body)?;
        let text = String::from_utf8_lossy(&response.body);
        ensure!(response.status == 200, "registering was answered {} {text}", response.status);
        let answer: Value =
            serde_json::from_str(&text).context("the answer to a registration is not JSON")?;
        ensure!(
            answer["total_webhooks"] == receiver + 1,
            "after {} registrations there are {}",
            receiver + 1,
            answer["total_webhooks"]
        );
    }
    Ok(())
}
