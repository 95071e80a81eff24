//! Tests of tricks that are known to defeat address rules, and of receivers that the rules must not break.

use std::net::IpAddr;

use super::{Mode, Policy, Refusal};
use crate::address::{Class, Forbidden};
use crate::url::WebhookUrl;
use fanfare_core::invalid::Invalid;

fn url(text: &str) -> WebhookUrl {
    text.parse().expect(text)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}

fn locked(allow: &[&str]) -> Policy {
    let allow = allow.iter().map(|text| text.parse().expect(text)).collect();
    Policy { mode: Mode::Locked, allow, plain_http: true, interfaces: Some(vec![]), ..Policy::default() }
}

/// The ways to write an address of this machine, of a private network or of a metadata service.
const DISGUISES: &[&str] = &[
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://127.0.0.1/",
    "http://127.255.255.254/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://%31%32%37.0.0.1/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[2606:4700::5efe:7f00:1]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "http://lOcAlHoSt:8080/",
    "http://ⓛocalhost/",
    "http://a.localhost/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://172.16.0.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://168.63.129.16/",
    "http://100.100.100.200/",
    "http://metadata.google.internal/",
    "http://METADATA.google.internal./",
];

#[test]
fn every_disguise_is_seen_through_when_locked() {
    let policy = locked(&[]);
    for text in DISGUISES {
        let refusal = policy.judge_url(&url(text)).expect_err(text);
        let invalid = Invalid::from(refusal);
        assert_eq!(invalid.code.as_str(), "target_refused");
        assert!(!invalid.fix.is_empty(), "{text}");
    }
    assert_eq!(policy.judge_url(&url("https://example.com/hook")), Ok(()));
    assert_eq!(policy.judge(&url("https://example.com/hook"), ip("93.184.215.14")), Ok(()));
}

#[test]
fn a_name_is_judged_by_what_it_resolves_to() {
    let policy = locked(&[]);
    let name = url("https://127.0.0.1.nip.io/");
    assert_eq!(policy.judge_url(&name), Ok(()), "it is only a name yet");
    for answer in [
        &["127.0.0.1"][..],
        &["93.184.215.14", "10.0.0.1"],
        &["2606:4700::1", "::1"],
        &["fd00::1"],
        &["::ffff:192.168.0.1"],
        &["169.254.169.254"],
    ] {
        let ips: Vec<_> = answer.iter().map(|text| ip(text)).collect();
        assert!(policy.judge_resolved(&name, &ips).is_err(), "{answer:?}");
    }
    assert_eq!(policy.judge_resolved(&name, &[ip("93.184.215.14"), ip("2606:4700::1")]), Ok(()));
    assert!(matches!(policy.judge_resolved(&name, &[]), Err(Refusal::Unresolved { .. })));
}

#[test]
fn receivers_on_this_machine_and_around_it_work_in_local_mode() {
    let policy = Policy::default();
    for text in [
        "http://localhost:3000/webhook",
        "http://127.0.0.1:5000/webhook",
        "http://[::1]:3000/",
        "http://[::ffff:127.0.0.1]:3000/",
        "http://192.168.1.20:8080/hook",
        "http://10.0.2.2:3000/",
        "http://172.17.0.1:9000/",
        "http://100.101.102.103:3000/",
        "http://[fd12::7]:3000/",
        "https://example.com/hook",
        "http://93.184.215.14:81/",
    ] {
        assert_eq!(policy.judge_url(&url(text)), Ok(()), "{text}");
    }
    for (name, address) in
        [("http://host.docker.internal:3000/", "192.168.65.254"), ("http://printer.local/", "192.168.1.9")]
    {
        assert_eq!(policy.judge_resolved(&url(name), &[ip(address)]), Ok(()), "{name}");
    }
    for text in [
        "http://169.254.169.254/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://168.63.129.16/",
        "http://100.100.100.200/",
        "http://metadata.google.internal/",
        "http://0.0.0.0:3000/",
        "http://[::]:3000/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[::169.254.169.254]/",
    ] {
        assert!(policy.judge_url(&url(text)).is_err(), "{text}");
    }
    assert!(policy.judge(&url("http://rebound.example/"), ip("169.254.169.254")).is_err());
}

#[test]
fn the_operator_can_allow_networks_names_and_single_forbidden_addresses() {
    let internal = url("http://receiver.internal:6000/");
    assert!(locked(&[]).judge(&internal, ip("10.1.2.3")).is_err());
    for allow in ["10.0.0.0/8", "10.1.2.3", "receiver.internal", "*.internal"] {
        assert_eq!(locked(&[allow]).judge_resolved(&internal, &[ip("10.1.2.3")]), Ok(()), "{allow}");
    }
    let localhost = url("http://localhost:3000/");
    assert!(locked(&["10.0.0.0/8"]).judge_url(&localhost).is_err());
    for allow in ["127.0.0.0/8", "127.0.0.1", "::1", "localhost"] {
        let policy = locked(&[allow]);
        assert_eq!(policy.judge_url(&localhost), Ok(()), "{allow}");
        assert_eq!(policy.judge_resolved(&localhost, &[ip("::1"), ip("127.0.0.1")]), Ok(()), "{allow}");
        assert!(policy.judge_resolved(&localhost, &[ip("169.254.169.254")]).is_err(), "{allow}");
    }
    let rebound = url("http://rebound.example:3000/");
    assert!(locked(&["::1"]).judge_resolved(&rebound, &[ip("127.0.0.1")]).is_err());
    let metadata = url("http://169.254.169.254/");
    for allow in ["169.254.0.0/16", "0.0.0.0/0"] {
        assert!(locked(&[allow]).judge_url(&metadata).is_err(), "{allow}: a network is not exact");
    }
    assert_eq!(locked(&["169.254.169.254"]).judge_url(&metadata), Ok(()));
    let named = url("http://metadata.google.internal/");
    let by_name = locked(&["metadata.google.internal"]);
    assert!(by_name.judge_resolved(&named, &[ip("169.254.169.254")]).is_err(), "the address is not allowed");
    let whole = locked(&["metadata.google.internal", "169.254.169.254"]);
    assert_eq!(whole.judge_resolved(&named, &[ip("169.254.169.254")]), Ok(()));
    for never in ["0.0.0.0", "255.255.255.255", "224.0.0.1"] {
        assert!(locked(&[never]).judge_url(&url(&format!("http://{never}/"))).is_err(), "{never}");
    }
}

#[test]
fn a_proxy_that_the_operator_did_not_allow_looks_up_no_names_when_locked() {
    let through = |allow: &[&str]| Policy {
        proxy: Some("http://proxy.internal:3128".parse().expect("a proxy")),
        plain_http: false,
        ..locked(allow)
    };
    let name = url("https://hooks.example/");
    assert!(matches!(through(&[]).judge_url(&name), Err(Refusal::Proxy { .. })));
    assert!(matches!(through(&["10.0.0.0/8"]).judge_url(&name), Err(Refusal::Proxy { .. })));
    assert_eq!(through(&["hooks.example"]).judge_url(&name), Ok(()), "wherever it leads");
    assert_eq!(through(&[]).judge_url(&url("https://93.184.215.14/")), Ok(()), "the address is known");
    assert!(through(&["proxy.internal"]).judge_url(&url("https://10.1.2.3/")).is_err());
    assert_eq!(Policy { mode: Mode::Local, ..through(&[]) }.judge_url(&name), Ok(()));

    let trusted = through(&["proxy.internal", "10.0.0.0/8"]);
    assert_eq!(trusted.judge_url(&name), Ok(()));
    for (text, is_port) in [("https://hooks.example:22/", true), ("http://hooks.example/", false)] {
        let refusal =
            trusted.judge_url(&url(text)).expect_err("nobody compares its address with the network");
        assert_eq!(matches!(refusal, Refusal::Port { .. }), is_port, "{refusal:?}");
    }
}

#[test]
fn schemes_and_ports_are_checked_when_locked() {
    let policy = Policy { plain_http: false, ..locked(&["93.184.215.14"]) };
    assert!(matches!(policy.judge(&url("http://a.example/"), ip("1.1.1.1")), Err(Refusal::PlainHttp { .. })));
    assert_eq!(policy.judge(&url("http://a.example:22/"), ip("93.184.215.14")), Ok(()));
    assert_eq!(policy.judge_url(&url("http://a.example/")), Ok(()), "it may resolve to what is allowed");
    let nothing = Policy { plain_http: false, ..locked(&[]) };
    assert!(matches!(nothing.judge_url(&url("http://a.example/")), Err(Refusal::PlainHttp { .. })));
    for (port, fine) in [
        (22, false),
        (25, false),
        (80, true),
        (443, true),
        (6379, false),
        (7999, false),
        (8000, true),
        (8443, true),
        (9200, false),
        (11_211, false),
        (65_535, true),
    ] {
        let judged = nothing.judge_url(&url(&format!("https://a.example:{port}/")));
        assert_eq!(judged.is_ok(), fine, "{port}");
    }
}

#[test]
fn the_gateway_never_sends_to_itself() {
    let to_itself = |mode, own: &str, text: &str| {
        let policy = Policy {
            mode,
            own: vec![own.parse().expect(own)],
            interfaces: Some(vec![ip("192.168.1.5"), ip("93.184.215.14")]),
            allow: vec!["127.0.0.0/8".parse().expect("a network")],
            plain_http: true,
            ..Policy::default()
        };
        policy.judge_url(&url(text))
    };
    for (own, text) in [
        ("127.0.0.1:8000", "http://localhost:8000/api/push"),
        ("127.0.0.1:8000", "http://2130706433:8000/"),
        ("127.0.0.1:8000", "http://[::ffff:127.0.0.1]:8000/"),
        ("127.0.0.1:8000", "http://0.0.0.0:8000/"),
        ("0.0.0.0:8000", "http://127.0.0.2:8000/"),
        ("[::]:8000", "http://192.168.1.5:8000/"),
    ] {
        for mode in [Mode::Local, Mode::Locked] {
            assert!(matches!(to_itself(mode, own, text), Err(Refusal::OwnListener { .. })), "{own} {text}");
        }
    }
    assert_eq!(to_itself(Mode::Local, "127.0.0.1:8000", "http://localhost:3000/"), Ok(()));
    assert_eq!(to_itself(Mode::Local, "0.0.0.0:8000", "http://192.168.1.5:3000/"), Ok(()));
    let own_public = to_itself(Mode::Locked, "127.0.0.1:8000", "https://93.184.215.14/");
    assert!(matches!(own_public, Err(Refusal::Interface { .. })));
}

#[test]
fn nat64_is_looked_through_where_it_is_used() {
    let with = |nat64| Policy { nat64, ..locked(&[]) };
    let name = url("https://a.example/");
    assert!(with(false).judge(&name, ip("64:ff9b::101:101")).is_err());
    assert_eq!(with(true).judge(&name, ip("64:ff9b::101:101")), Ok(()));
    let inside = with(true).judge(&name, ip("64:ff9b::a9fe:a9fe"));
    let linklocal = Class::Forbidden(Forbidden::LinkLocal);
    assert!(matches!(inside, Err(Refusal::Address { class, .. }) if class == linklocal));
}

#[test]
fn without_the_addresses_of_this_machine_only_what_is_allowed_is_sent_to_when_locked() {
    let unknown = |allow: &[&str]| Policy { interfaces: None, ..locked(allow) };
    for text in ["https://example.com/", "https://93.184.215.14/", "https://[2606:4700::1]/"] {
        let refusal = unknown(&[]).judge_url(&url(text)).expect_err(text);
        assert!(matches!(refusal, Refusal::InterfacesUnknown { .. }), "{text}: {refusal}");
        let local = Policy { mode: Mode::Local, ..unknown(&[]) };
        assert_eq!(local.judge_url(&url(text)), Ok(()), "{text}");
        assert!(local.under(Mode::Locked).judge_url(&url(text)).is_err(), "{text}");
    }
    let name = url("https://example.com/");
    let public = [ip("93.184.215.14")];
    assert!(unknown(&[]).judge_resolved(&name, &public).is_err());
    assert!(unknown(&["10.0.0.0/8"]).judge_resolved(&name, &public).is_err());
    assert!(unknown(&[]).judge_url(&url("http://localhost/")).is_err());
    for allow in ["example.com", "93.184.215.14"] {
        assert_eq!(unknown(&[allow]).judge_resolved(&name, &public), Ok(()), "{allow}");
    }
}

#[test]
fn an_address_is_public_if_it_is_neither_of_this_machine_nor_private_nor_special() {
    let known = Policy { interfaces: Some(vec![ip("93.184.215.14"), ip("10.0.0.5")]), ..Policy::default() };
    let nat64 = Policy { nat64: true, ..known.clone() };
    let unknown = Policy { interfaces: None, ..known.clone() };
    for (text, is_public, with_nat64) in [
        ("1.1.1.1", true, true),
        ("2606:4700::1", true, true),
        ("::ffff:1.1.1.1", true, true),
        ("93.184.215.14", false, false),
        ("::ffff:93.184.215.14", false, false),
        ("10.0.0.5", false, false),
        ("10.1.2.3", false, false),
        ("192.168.1.1", false, false),
        ("::ffff:192.168.1.1", false, false),
        ("127.0.0.1", false, false),
        ("::1", false, false),
        ("fd00::1", false, false),
        ("169.254.169.254", false, false),
        ("224.0.0.1", false, false),
        ("0.0.0.0", false, false),
        ("64:ff9b::101:101", false, true),
        ("64:ff9b::a01:203", false, false),
        ("64:ff9b::5db8:d70e", false, false),
    ] {
        assert_eq!(known.is_public(ip(text)), is_public, "{text}");
        assert_eq!(nat64.is_public(ip(text)), with_nat64, "{text} through NAT64");
        assert!(!unknown.is_public(ip(text)), "{text} may be this machine");
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let said = |text| locked(&[]).judge_url(&url(text)).expect_err(text).to_string();
    assert_eq!(
        said("http://localhost:3000/"),
        "`localhost` resolves to 127.0.0.1, which is a loopback address (this machine); use a public receiver, or the \
         operator can start the gateway with `--allow-target 127.0.0.1`"
    );
    assert_eq!(
        said("http://169.254.169.254/"),
        "`169.254.169.254` is a link-local address, where clouds keep credentials; if you really need it, the operator \
         can start the gateway with `--allow-target 169.254.169.254`"
    );
}
