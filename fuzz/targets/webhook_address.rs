//! The targets of webhooks: however an address is written, one that is not public is refused in locked mode, and a
//! forbidden one in any.
//!
//! The input is lines: a URL to register, then addresses that it resolves to, then (after an empty line) the operator's
//! allowances.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use fanfare_core::Invalid;
use fanfare_webhook::address::{Class, classify, translated};
use fanfare_webhook::allow::Allow;
use fanfare_webhook::policy::{Mode, Policy};
use fanfare_webhook::url::{TargetHost, WebhookUrl};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (places, allowed) = input.split_once("\n\n").unwrap_or((input, ""));
    let allow: Vec<Allow> = allowed.lines().filter_map(|line| line.parse().ok()).collect();
    for entry in &allow {
        assert_eq!(entry.to_string().parse::<Allow>().as_ref(), Ok(entry));
    }
    let mut lines = places.lines();
    let text = lines.next().unwrap_or_default();
    let url: WebhookUrl = match text.parse() {
        Ok(url) => url,
        Err(Invalid { what, fix, .. }) => {
            assert!(!fix.is_empty() && what.len() < 2000, "an answer does not repeat the question");
            return;
        }
    };
    assert_eq!(url.reveal(), text);
    assert_eq!(url.normalised().parse::<WebhookUrl>().as_ref(), Ok(&url));
    assert!(url.port() > 0 && !url.normalised().contains(['#', '\\']));
    let ips: Vec<IpAddr> = match url.host() {
        TargetHost::Ip(ip) => vec![*ip],
        TargetHost::Name(_) => lines.filter_map(|line| line.parse().ok()).collect(),
    };

    let strict =
        Policy { mode: Mode::Locked, plain_http: true, interfaces: Some(Vec::new()), ..Policy::default() };
    let local = Policy::default();
    let lenient = Policy { allow, ..strict.clone() };
    let passes = |policy: &Policy| match url.host() {
        TargetHost::Ip(_) => policy.judge_url(&url).is_ok(),
        TargetHost::Name(_) => policy.judge_resolved(&url, &ips).is_ok(),
    };
    if passes(&strict) {
        assert!(!ips.is_empty() && ips.iter().all(|ip| is_global(*ip)), "{text} {ips:?}");
        assert!(passes(&local), "locked mode allows nothing that local mode does not");
        assert!(passes(&lenient), "to allow something forbids nothing");
    }
    if passes(&local) {
        assert!(ips.iter().all(|ip| !matches!(classify(*ip), Class::Forbidden(_))), "{text} {ips:?}");
    }
    for ip in ips {
        if let Err(refusal) = lenient.judge(&url, ip) {
            let invalid = Invalid::from(refusal);
            assert!(!invalid.what.is_empty() && !invalid.fix.is_empty());
        }
    }
});

/// Returns whether `ip` can be on the internet, based on the texts of the registries and not on our code.
fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_global_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(inner) => is_global_v4(inner),
            None => (u128::from(ip) >> 125) == 1 && translated(ip).is_none(),
        },
    }
}

fn is_global_v4(ip: Ipv4Addr) -> bool {
    let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || ip.octets()[0] == 0
        || ip.octets()[0] >= 240
        || shared)
}
