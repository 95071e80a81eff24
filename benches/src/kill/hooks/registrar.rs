//! Registers and unregisters webhooks all the time: acknowledged changes must be kept.

use std::{collections::BTreeMap, net::SocketAddr, sync::atomic::Ordering, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::load::Load;
use crate::{client::Client, pause::pause, rng::Rng};

/// Different addresses.
const ADDRESSES: u64 = 20;
const PAUSE_MS_MAX: u64 = 20;

/// Whether each URL is registered, according to the acknowledgements.
#[derive(Debug, Default)]
pub(crate) struct Registered {
    known: BTreeMap<String, Option<bool>>,
    pub(crate) changes: u64,
}

/// Changes until the pushers are to stop.
pub(crate) fn run(load: &Load, receivers: SocketAddr, mut rng: Rng) -> Registered {
    let mut registered = Registered::default();
    let mut connection = None;
    while !load.pushers_stop.load(Ordering::Relaxed) {
        pause(Duration::from_millis(rng.below(PAUSE_MS_MAX)));
        let url = format!("http://{receivers}/other/{}", rng.below(ADDRESSES));
        let is_wanted = rng.below(2) == 0;
        let outcome = match is_wanted {
            true => change(
                &mut connection,
                load,
                "/api/register",
                &format!(r#"{{"webhook_url":"{url}","channels":["nothing.comes.here"]}}"#),
            ),
            false => {
                change(&mut connection, load, "/api/unregister", &format!(r#"{{"webhook_url":"{url}"}}"#))
            }
        };
        match outcome {
            Some(200) => registered.acknowledged(url, is_wanted),
            // It is unknown whether it was done.
            None => {
                registered.known.insert(url, None);
            }
            Some(429 | 503) => {}
            Some(status) => load.complain(format!("a registration of {url} was answered {status}")),
        }
    }
    registered
}

fn change(connection: &mut Option<Client>, load: &Load, path: &str, body: &str) -> Option<u16> {
    if connection.is_none() {
        *connection = Client::connect(load.server).ok();
    }
    let response = connection.as_mut()?.post(path, body);
    if response.is_err() {
        *connection = None;
    }
    response.ok().map(|response| response.status)
}

impl Registered {
    fn acknowledged(&mut self, url: String, is_registered: bool) {
        self.known.insert(url, Some(is_registered));
        self.changes += 1;
    }

    /// Creates the record of what is known about each URL.
    pub(crate) fn of(known: BTreeMap<String, Option<bool>>) -> Self {
        Self { known, changes: 0 }
    }

    /// Compares the record with the server's list.
    pub(crate) fn check(&self, listed: &Value) -> Result<()> {
        let listed = listed["webhooks"].as_array().context("/api/webhooks has no webhooks")?;
        for (url, known) in &self.known {
            let is_listed = listed.iter().any(|listed| listed == url);
            ensure!(
                known.is_none_or(|known| known == is_listed),
                "{url} was acknowledged as {}, and is the other way round",
                if is_listed { "unregistered" } else { "registered" }
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Registered;

    #[test]
    fn a_change_that_was_acknowledged_and_is_gone_is_found() {
        let mut registered = Registered::default();
        registered.acknowledged("a".to_owned(), true);
        registered.acknowledged("b".to_owned(), false);
        registered.known.insert("c".to_owned(), None);
        for (listed, is_right) in
            [(json!(["a"]), true), (json!(["a", "c"]), true), (json!([]), false), (json!(["a", "b"]), false)]
        {
            assert_eq!(registered.check(&json!({ "webhooks": listed })).is_ok(), is_right, "{listed}");
        }
    }
}
