//! The deliveries to the webhooks, checked at the end.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};

use crate::{
    client::Client,
    kill::{
        book::split,
        hooks::{
            self,
            cast::CAST,
            receivers::{Receivers, Said},
        },
        load::Load,
    },
};

/// Checks that every event each webhook wants was delivered or failed; returns the number of requests.
pub(super) fn check(client: &mut Client, receivers: &Receivers, load: &Load, ids: &[String]) -> Result<u64> {
    let records = receivers.records_after(0)?;
    let pushed = load.acknowledged()?;
    for (number, (hook, id)) in CAST.iter().zip(ids).enumerate() {
        let dead = hooks::dead(client, id)?;
        let taken = records.iter().filter(|record| record.hook == number && record.said == Said::Taken);
        let taken: HashSet<u64> =
            taken.flat_map(|record| record.events.iter().map(|event| event.0)).collect();
        let mut newest = 0;
        for record in records.iter().filter(|record| record.hook == number && hook.ordered) {
            for (seq, _) in &record.events {
                ensure!(*seq > newest, "`{}` got {seq} after {newest}", hook.name);
                newest = *seq;
            }
        }
        // For a webhook that was paused after failures, the next events may be gone, and the gateway says so.
        let webhook = client.get_json(&format!("/api/webhooks/{id}"))?;
        let lost_up_to = webhook["lost_up_to"].as_str().map(split).transpose()?.map_or(0, |(_, seq)| seq);
        ensure!(
            lost_up_to == 0 || hook.fails(),
            "`{}` never fails, and events up to {lost_up_to} were gone before they were sent",
            hook.name
        );
        // The channel of the pusher is recorded instead of the message.
        for event in pushed.iter().filter(|event| hook.wants(&event.message)) {
            let (_, seq) = split(&event.id).context("an id")?;
            ensure!(
                seq <= lost_up_to || taken.contains(&seq) || dead.contains(&seq),
                "`{}` was neither sent {} nor given it up",
                hook.name,
                event.id
            );
        }
    }
    Ok(records.len() as u64)
}
