//! The webhooks that take part: the settings of each, and the behaviour of its receiver.

use serde_json::{Value, json};

/// The shortest delay of [`RETRY`].
pub(crate) const RETRY_FIRST_MS: u64 = 50;
const RETRY: [&str; 10] = ["50ms", "100ms", "200ms", "400ms", "800ms", "1s", "1s", "1s", "1s", "1s"];

/// The behaviour of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// Answers 500 to one request out of this many.
    Flaky(u64),
    /// Answers 413 to each event whose seq is a multiple of this, every time: the delivery is given up at once.
    Refusing(u64),
    /// Closes the connection without an answer for one request out of this many.
    HangingUp(u64),
    /// Answers after a delay of at most this many milliseconds.
    Slow(u64),
    Steady,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload {
    CloudEvents,
    Event,
    Seed,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Hook {
    pub(crate) name: &'static str,
    pub(crate) temper: Temper,
    pub(crate) payload: Payload,
    /// The channel it subscribes to; `None` for all.
    pub(crate) channel: Option<&'static str>,
    pub(crate) ordered: bool,
    pub(crate) batched: bool,
}

const PLAIN: Hook = Hook {
    name: "steady",
    temper: Temper::Steady,
    payload: Payload::Seed,
    channel: None,
    ordered: false,
    batched: false,
};

pub(crate) const CAST: [Hook; 8] = [
    PLAIN,
    Hook { name: "slow", temper: Temper::Slow(20), payload: Payload::Event, ..PLAIN },
    // Five failures in a row would open its breaker, and nothing would be tried for a while.
    Hook { name: "flaky", temper: Temper::Flaky(10), ..PLAIN },
    Hook { name: "hanging up", temper: Temper::HangingUp(10), payload: Payload::CloudEvents, ..PLAIN },
    Hook { name: "refusing", temper: Temper::Refusing(7), ..PLAIN },
    Hook { name: "ordered", ordered: true, channel: Some("kill.1"), ..PLAIN },
    Hook { name: "batched", batched: true, temper: Temper::Flaky(20), ..PLAIN },
    Hook { name: "one channel of batches", channel: Some("kill.batch.0"), ..PLAIN },
];

impl Hook {
    /// The body of its registration.
    pub(crate) fn registration(&self, url: &str) -> String {
        let payload = match self.payload {
            Payload::CloudEvents => "cloudevents",
            Payload::Event => "event",
            Payload::Seed => "seed",
        };
        let mut body =
            json!({ "webhook_url": url, "payload": payload, "retry": RETRY, "ordered": self.ordered });
        if let Some(channel) = self.channel {
            body["channels"] = json!([channel]);
        }
        if self.batched {
            body["batch"] = json!({ "max_events": 20, "max_wait": "20ms" });
        }
        body.to_string()
    }

    pub(crate) fn wants(&self, channel: &str) -> bool {
        self.channel.is_none_or(|wanted| wanted == channel)
    }

    /// Returns whether its receiver may fail so often that it is paused.
    pub(crate) fn fails(&self) -> bool {
        matches!(self.temper, Temper::Flaky(_) | Temper::HangingUp(_))
    }

    /// Returns whether it always refuses the event at `seq`.
    pub(crate) fn refuses(&self, seq: u64) -> bool {
        matches!(self.temper, Temper::Refusing(multiple) if seq.is_multiple_of(multiple))
    }

    /// Reads seq and message of every event in a body.
    pub(crate) fn events(&self, body: &[u8]) -> Option<Vec<(u64, String)>> {
        let value: Value = serde_json::from_slice(body).ok()?;
        match (self.batched, value) {
            (true, Value::Array(events)) => events.iter().map(|event| self.event(event)).collect(),
            (false, event) => Some(vec![self.event(&event)?]),
            (true, _) => None,
        }
    }

    fn event(&self, event: &Value) -> Option<(u64, String)> {
        let (_, seq) = event["id"].as_str()?.split_once('-')?;
        let message = match self.payload {
            Payload::CloudEvents => &event["data"]["message"],
            Payload::Event | Payload::Seed => &event["message"],
        };
        Some((seq.parse().ok()?, message.as_str()?.to_owned()))
    }
}
