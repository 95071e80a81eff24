//! The sample events of the demo.

use std::time::Duration;

use fanfare_core::{Door, Json, NewEvent, Principal, Via};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use fanfare_hub::Hub;

/// Time between two samples, long enough to read each one.
const PACE: Duration = Duration::from_secs(3);

/// The samples: channel, type, message and members of the data.
const SAMPLES: [(&str, &str, &str, &str); 8] = [
    ("builds.web", "info", "build 128 started", r#""sha":"ab12f3""#),
    ("builds.web", "success", "build 128 is green", r#""sha":"ab12f3","seconds":42"#),
    ("agents.reviewer", "info", "reading src/hub/publish.rs", r#""step":3,"of":7"#),
    ("alerts.disk", "warning", "disk at 81%", r#""host":"db-1","percent":81"#),
    ("agents.reviewer", "success", "review finished: 2 comments", r#""comments":2"#),
    ("deploys.web", "info", "deploying build 128 to staging", r#""target":"staging""#),
    ("alerts.api", "error", "checkout returns 502", r#""status":502"#),
    ("deploys.web", "success", "build 128 is live on staging", r#""target":"staging""#),
];

/// Pushes the samples one after the other, forever.
#[derive(Debug)]
pub(crate) struct Samples {
    hub: Hub,
    ticks: Interval,
    next: usize,
}

impl Samples {
    pub(crate) fn new(hub: Hub) -> Samples {
        let mut ticks = interval_at(Instant::now() + PACE, PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Samples { hub, ticks, next: 0 }
    }

    /// Pushes the next sample when it is due. Cancel-safe: a sample that was not pushed is pushed by the next call.
    pub(crate) async fn next(&mut self) {
        self.ticks.tick().await;
        let event = sample(self.next);
        self.next += 1;
        // This fails only if the gateway is shutting down.
        let _ = self.hub.publish(&Principal::local(), &via(), vec![event]).await;
    }
}

fn via() -> Via {
    Via { door: Door::Demo, address: None, agent: None }
}

fn sample(number: usize) -> NewEvent {
    let (channel, event_type, message, members) = SAMPLES[number % SAMPLES.len()];
    let mut event = NewEvent::new(message, via().source(&Principal::local())).expect("short enough");
    event.channel = channel.parse().expect("a channel");
    event.event_type = event_type.parse().expect("a type");
    event.data = Some(Json::parse(format!("{{\"sample\":true,{members}}}")).expect("JSON"));
    event
}

#[cfg(test)]
mod tests {
    use super::{SAMPLES, sample};

    #[test]
    fn samples_are_valid_events_and_marked_as_samples() {
        for number in 0..=SAMPLES.len() {
            assert!(sample(number).data.is_some_and(|data| data.as_str().starts_with("{\"sample\":true,")));
        }
    }
}
