//! What to do about an attempt that was not delivered.

/// Returns what the operator of the receiver, or of the webhook, can do about an attempt with this outcome; `None` if it
/// was delivered, or the outcome is not known.
pub fn advice(outcome: &str, status: Option<u16>) -> Option<&'static str> {
    Some(match (outcome, status) {
        ("http_3xx", _) => "redirects are not followed; register the address that the receiver redirects to",
        ("http_4xx", Some(400 | 422)) => "the receiver does not accept this body; choose another `payload`",
        ("http_4xx", Some(401 | 403)) => {
            "the receiver wants credentials; set `auth` or `headers`, or check that it has the webhook's secret"
        }
        ("http_4xx", Some(404)) => "the receiver has nothing at this path; check the address",
        ("http_4xx", Some(405)) => {
            "the receiver does not accept this method at this path; check the address, or set `method`"
        }
        ("http_4xx", Some(410)) => "the receiver wants no more events; remove the webhook, or resume it",
        ("http_4xx", Some(413)) => {
            "the body is too large for the receiver; raise its limit, or send smaller events"
        }
        ("http_4xx", Some(415)) => "the receiver does not accept this content type; set `content_type`",
        ("http_4xx", Some(429)) => "the receiver limits requests; set `rate_per_second`",
        ("http_4xx", _) => "the receiver refuses the request; its response and its log say why",
        ("http_5xx", Some(502..=504)) => "a proxy answered that the receiver is down; start the receiver",
        ("http_5xx", _) => "the receiver failed; its response and its log say why",
        ("timeout", _) => {
            "no complete response in time; let the receiver respond first and work afterwards, or raise `timeout`"
        }
        ("connection_refused", _) => {
            "nothing listens there; start the receiver, or correct the host and the port"
        }
        ("broken_off", _) => {
            "the connection ended early; look into the receiver's log, and check http or https"
        }
        ("dns_error", _) => "the host name does not resolve; correct it, or make it known to this machine",
        ("tls_error", _) => {
            "the receiver's certificate is not trusted for this host; give the webhook the receiver's CA, or the certificate itself, as `ca`"
        }
        ("protocol_error", _) => "what listens there does not speak HTTP; check the port, and http or https",
        ("template_error", _) => {
            "correct the webhook's template, then replay; `fanfare webhooks preview` shows what it makes of an event"
        }
        ("no_original", _) => {
            "the request that brought the event is not kept; choose another `payload`, then replay the delivery"
        }
        ("target_refused", _) => {
            "webhooks may not be sent there; the operator can allow it with `--allow-target`"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::advice;
    use crate::outcome::{Failure, Outcome};

    #[test]
    fn each_failure_has_advice_and_a_success_has_none() {
        for status in 100..600 {
            let outcome = Outcome::Answered { status, retry_after: None };
            let is_delivered = (200..300).contains(&status);
            let expected = (300..600).contains(&status) || (100..200).contains(&status);
            assert_eq!(
                advice(outcome.as_str(), Some(status)).is_some(),
                expected && !is_delivered,
                "{status}"
            );
        }
        for failure in Failure::ALL {
            assert!(advice(failure.as_str(), None).is_some(), "{failure}");
        }
        assert_eq!(advice("of a later version", None), None);
    }
}
