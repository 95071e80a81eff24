//! The promises that a gateway has made by a moment of its record: everything that it had begun to tell others
//! by then.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::conversation::Exchange;
use crate::kill::{book::split, hooks::cast::CAST, load::Acknowledged};

/// A durable reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The last position whose acknowledgement was answered, and the last one that was sent.
    pub(super) answered: u64,
    pub(super) asked: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Promises {
    pub(super) acknowledged: Vec<Acknowledged>,
    /// The body of the last push with a key that was answered, and the id in the answer.
    pub(super) last_keyed: Option<(String, String)>,
    /// The messages of events that were sent to a webhook, by seq.
    pub(super) sent: HashMap<u64, String>,
    /// By name; only readers with at least one answered acknowledgement.
    pub(super) readers: BTreeMap<String, Bounds>,
    /// Whether each URL is registered; `None` if that cannot be known.
    pub(super) registered: BTreeMap<String, Option<bool>>,
    /// The ids of the webhooks of the cast.
    pub(super) hooks: HashMap<usize, String>,
    /// The seqs that each webhook of the cast has accepted, to the gateway's knowledge.
    pub(super) taken: HashMap<usize, HashSet<u64>>,
}

impl Promises {
    /// Adds what was promised in `exchanges` before the moment `at`.
    pub(super) fn add(&mut self, exchanges: &[Exchange], at: usize) -> Result<()> {
        for exchange in exchanges.iter().filter(|exchange| exchange.asked < at) {
            let answer = exchange.answer.as_ref().filter(|answer| answer.at < at);
            let status = answer.map(|answer| answer.status);
            let answer = answer.map_or(&[][..], |answer| &answer.body);
            self.exchange(exchange, status, answer).with_context(|| exchange.target.clone())?;
        }
        Ok(())
    }

    fn exchange(&mut self, exchange: &Exchange, status: Option<u16>, answer: &[u8]) -> Result<()> {
        let is_done = status == Some(200);
        let path = exchange.target.trim_start_matches("POST ");
        let path = path.split('?').next().unwrap_or_default();
        if let Some(hook) = path.strip_prefix("/hook/") {
            let hook: usize = hook.parse()?;
            let events = CAST[hook].events(&exchange.body).context("a delivery that cannot be read")?;
            for (seq, message) in events {
                if is_done {
                    self.taken.entry(hook).or_default().insert(seq);
                }
                self.sent.insert(seq, message);
            }
            return Ok(());
        }
        match path {
            "/api/push" if is_done => self.push(&exchange.body, &serde_json::from_slice(answer)?),
            "/api/register" | "/api/unregister" => {
                let body: Value = serde_json::from_slice(&exchange.body)?;
                let url = body["webhook_url"].as_str().context("a registration without a URL")?;
                if let Some((_, hook)) = url.split_once("/hook/") {
                    if is_done {
                        let answer: Value = serde_json::from_slice(answer)?;
                        let id = answer["id"].as_str().context("a registration without an id")?;
                        self.hooks.insert(hook.parse()?, id.to_owned());
                    }
                    return Ok(());
                }
                if status.is_none_or(|status| status == 200) {
                    let known = is_done.then_some(path == "/api/register");
                    self.registered.insert(url.to_owned(), known);
                }
                Ok(())
            }
            _ => match path.strip_prefix("/api/readers/").and_then(|rest| rest.strip_suffix("/ack")) {
                Some(name) => self.reader(name, &exchange.body, is_done),
                None => Ok(()),
            },
        }
    }

    fn push(&mut self, body: &[u8], answer: &Value) -> Result<()> {
        let pushed: Value = serde_json::from_slice(body)?;
        if let (Some(_), Some(id)) = (pushed["idempotency_key"].as_str(), answer["id"].as_str()) {
            self.last_keyed = Some((String::from_utf8_lossy(body).into_owned(), id.to_owned()));
        }
        let (events, ids) = match pushed {
            Value::Array(events) => {
                (events, answer["ids"].as_array().cloned().context("a batch without ids")?)
            }
            event => (vec![event], vec![answer["id"].clone()]),
        };
        ensure!(events.len() == ids.len(), "{} events have {} ids", events.len(), ids.len());
        for (event, id) in events.iter().zip(ids) {
            let (Some(id), Some(message)) = (id.as_str(), event["message"].as_str()) else {
                anyhow::bail!("an answer without ids: {answer}");
            };
            self.acknowledged.push(Acknowledged { id: id.to_owned(), message: message.to_owned() });
        }
        Ok(())
    }

    fn reader(&mut self, name: &str, body: &[u8], is_done: bool) -> Result<()> {
        let body: Value = serde_json::from_slice(body)?;
        let (_, seq) = split(body["position"].as_str().context("an acknowledgement without a position")?)?;
        if is_done {
            self.readers.entry(name.to_owned()).or_default().answered = seq;
        }
        if let Some(bounds) = self.readers.get_mut(name) {
            bounds.asked = bounds.asked.max(seq);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::conversation::{Answer, Exchange},
        Bounds, Promises,
    };

    fn exchange(target: &str, body: &str, asked: usize, answer: (usize, &str)) -> Exchange {
        let answer = Answer { at: answer.0, status: 200, body: answer.1.as_bytes().to_vec() };
        Exchange {
            target: format!("POST {target}"),
            body: body.as_bytes().to_vec(),
            asked,
            answer: Some(answer),
            ..Exchange::default()
        }
    }

    #[test]
    fn only_what_was_answered_before_the_cut_is_promised() {
        let exchanges = [
            exchange(
                "/api/push?wait=0s",
                r#"{"message":"a","idempotency_key":"a"}"#,
                1,
                (4, r#"{"id":"abcdefgh-1"}"#),
            ),
            exchange(
                "/api/push",
                r#"[{"message":"b"},{"message":"c"}]"#,
                5,
                (9, r#"{"ids":["abcdefgh-2","abcdefgh-3"]}"#),
            ),
            exchange("/api/readers/r/ack", r#"{"position":"abcdefgh-1"}"#, 10, (12, "{}")),
            exchange("/api/readers/r/ack", r#"{"position":"abcdefgh-3"}"#, 13, (15, "{}")),
            exchange("/api/register", r#"{"webhook_url":"http://x/other/1"}"#, 16, (18, "{}")),
            exchange("/hook/0", r#"{"id":"abcdefgh-1","message":"a"}"#, 19, (21, "ok")),
        ];
        let by = |at| {
            let mut promises = Promises::default();
            promises.add(&exchanges, at).expect("well formed");
            promises
        };
        let counts = [4, 5, 9, 10].map(|at| by(at).acknowledged.len());
        assert_eq!(counts, [0, 1, 1, 3]);
        assert_eq!(by(5).last_keyed.map(|(_, id)| id), Some("abcdefgh-1".to_owned()));
        assert!(by(12).readers.is_empty());
        assert_eq!(by(14).readers.get("r"), Some(&Bounds { answered: 1, asked: 3 }));
        let url = "http://x/other/1";
        assert_eq!([17, 19].map(|at| by(at).registered[url]), [None, Some(true)]);
        assert_eq!([20, 22].map(|at| by(at).taken.len()), [0, 1]);
        assert_eq!(by(20).sent.get(&1).map(String::as_str), Some("a"));
    }
}
