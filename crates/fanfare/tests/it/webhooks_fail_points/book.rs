//! The requests to a gateway, and its answers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use fanfare_webhook::secret::Secret;
use serde_json::{Value, json};

use crate::support::gateway::reqwest_client;
use crate::support::process::{Process, post};
use crate::support::receiver::Receiver;

/// The known state of a requested webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It may exist or not: there was no answer.
    Perhaps,
    /// It exists and is paused.
    Paused,
    /// It exists.
    There,
    /// It is deleted.
    Gone,
}

/// The requests to a gateway, and its answers.
pub(super) struct Book {
    /// The message of each event that was acknowledged, by its id.
    pushed: Mutex<HashMap<String, String>>,
    /// The known states of other webhooks, by URL.
    others: Mutex<BTreeMap<String, Known>>,
    /// The secrets of the webhook that changes its own: the first may sign now, or the one after it that was asked for.
    secrets: Mutex<(String, Option<String>)>,
}

impl Book {
    pub(super) fn new(secret: &str) -> Book {
        let secrets = Mutex::new((secret.to_owned(), None));
        Book { pushed: Mutex::default(), others: Mutex::default(), secrets }
    }

    pub(super) fn pushed(&self) -> HashMap<String, String> {
        self.pushed.lock().expect("an unbroken lock").clone()
    }

    fn know(&self, url: &str, known: Known) {
        self.others.lock().expect("an unbroken lock").insert(url.to_owned(), known);
    }

    /// Compares the registry with the acknowledgements.
    pub(super) async fn check(&self, process: &Process, turning: &Receiver, armed: &str) {
        let listed = process.get("/api/webhooks?details=true").await;
        let states: BTreeMap<&str, &str> = listed["items"]
            .as_array()
            .expect("webhooks")
            .iter()
            .filter_map(|webhook| Some((webhook["webhook_url"].as_str()?, webhook["state"].as_str()?)))
            .collect();
        for (url, known) in &*self.others.lock().expect("an unbroken lock") {
            let state = states.get(url.as_str());
            let is_right = match known {
                Known::Perhaps => true,
                Known::Paused => state == Some(&"paused"),
                Known::There => state.is_some(),
                Known::Gone => state.is_none(),
            };
            assert!(is_right, "{armed}: {url} is {known:?}, and {state:?}");
        }
        let event = json!({ "channel": "turning", "message": "signed with what?" });
        process.post("/api/push?wait=0s", &event).await.expect("pushed");
        let got = turning.gets_message("signed with what?").await;
        let (sure, asked) = self.secrets.lock().expect("an unbroken lock").clone();
        let fits = |secret: &String| got.verified(secret, fanfare_runtime::clock::now()).is_ok();
        assert!(fits(&sure) || asked.as_ref().is_some_and(fits), "{armed}: another secret signs");
    }
}

/// Pushes until the process is gone.
pub(super) async fn push_for_ever(url: String, pusher: usize, book: Arc<Book>) {
    let http = reqwest_client(false);
    // Enough data that the file is cleaned up now and then.
    let padding = "x".repeat(2_000);
    for number in 0.. {
        let message = format!("{pusher}-{number} {padding}");
        let event = json!({ "channel": "load", "message": message });
        let answer = post(&http, &format!("{url}/api/push?wait=0s"), &event).await;
        let Some(id) = answer.as_ref().and_then(|answer| answer["id"].as_str()) else { return };
        book.pushed.lock().expect("an unbroken lock").insert(id.to_owned(), message);
    }
}

/// Registers webhooks, pauses and removes them, and changes the secret of one, until the process is gone.
pub(super) async fn change_for_ever(url: String, turning: String, book: Arc<Book>) {
    let http = reqwest_client(false);
    let said = |answer: &Option<Value>| answer.as_ref().is_some_and(|answer| answer.get("code").is_none());
    for number in 0.. {
        let other = format!("http://127.0.0.1:9/{number}");
        let body = json!({ "webhook_url": other, "channels": ["nothing"] });
        book.know(&other, Known::Perhaps);
        let registered = post(&http, &format!("{url}/api/register"), &body).await;
        if !said(&registered) {
            return;
        }
        book.know(&other, Known::There);
        if let Some(id) = registered.as_ref().and_then(|answer| answer["id"].as_str())
            && said(&post(&http, &format!("{url}/api/webhooks/{id}/pause"), &json!({})).await)
        {
            book.know(&other, Known::Paused);
        }

        let secret = Secret::from_random(rand::random()).reveal().to_owned();
        book.secrets.lock().expect("an unbroken lock").1 = Some(secret.clone());
        let rotation = json!({ "secret": secret, "overlap": "0s" });
        if !said(&post(&http, &format!("{url}/api/webhooks/{turning}/secret/rotate"), &rotation).await) {
            return;
        }
        *book.secrets.lock().expect("an unbroken lock") = (secret, None);

        if number % 2 == 0 {
            let body = json!({ "webhook_url": other });
            book.know(&other, Known::Perhaps);
            if !said(&post(&http, &format!("{url}/api/unregister"), &body).await) {
                return;
            }
            book.know(&other, Known::Gone);
        }
    }
}
