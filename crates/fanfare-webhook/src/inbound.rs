//! Verifying the deliveries of other senders: GitHub's `X-Hub-Signature-256`, Stripe's `Stripe-Signature`.

use ring::hmac;

use crate::verify::{Headers, Mismatch, SIGNATURES_MAX, signed_at, within_tolerance};
use fanfare_core::timestamp::Timestamp;

pub use crate::plain_secret::PlainSecret;

const HUB: &str = "x-hub-signature-256";
const STRIPE: &str = "stripe-signature";
const SHA256_LEN: usize = 32;

/// Verifies `X-Hub-Signature-256: sha256=<hex>` over the body with any of `secrets`. GitHub signs no time: a caller
/// that wants each delivery only once has to keep its `X-GitHub-Delivery`.
pub fn verify_hub(headers: &Headers<'_>, body: &[u8], secrets: &[PlainSecret]) -> Result<(), Mismatch> {
    let value = headers.once(HUB)?;
    let tag = value.strip_prefix("sha256=").and_then(from_hex).ok_or(Mismatch::Unreadable(HUB))?;
    let fits = secrets.iter().any(|secret| hmac::verify(secret.key(), body, &tag).is_ok());
    if fits { Ok(()) } else { Err(Mismatch::NoMatch) }
}

/// Verifies `Stripe-Signature: t=<seconds>,v1=<hex>,…` over `t.body`, received at `now`; returns when it was signed.
/// Other schemes in the header (`v0` of test mode) are ignored.
pub fn verify_stripe(
    headers: &Headers<'_>,
    body: &[u8],
    secrets: &[PlainSecret],
    now: Timestamp,
) -> Result<Timestamp, Mismatch> {
    let value = headers.once(STRIPE)?;
    let (mut time, mut tags) = (None, Vec::new());
    for part in value.split(',') {
        match part.trim().split_once('=') {
            // With a second time, the one that is checked could differ from the one that is signed.
            Some(("t", _)) if time.is_some() => return Err(Mismatch::Unreadable(STRIPE)),
            Some(("t", text)) => time = Some(text),
            Some(("v1", hex)) if tags.len() < SIGNATURES_MAX => tags.push(hex),
            _ => {}
        }
    }
    let time = time.ok_or(Mismatch::Unreadable(STRIPE))?;
    let signed = signed_at(time).ok_or(Mismatch::Unreadable(STRIPE))?;
    if tags.is_empty() {
        return Err(Mismatch::NoKnownScheme);
    }
    within_tolerance(signed, now)?;
    let content = [time.as_bytes(), body].join(&b'.');
    let fits = |tag: &[u8; SHA256_LEN]| {
        secrets.iter().any(|secret| hmac::verify(secret.key(), &content, tag).is_ok())
    };
    if tags.into_iter().filter_map(from_hex).any(|tag| fits(&tag)) {
        Ok(signed)
    } else {
        Err(Mismatch::NoMatch)
    }
}

/// Parses 64 hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<[u8; SHA256_LEN]> {
    if text.len() != 2 * SHA256_LEN {
        return None;
    }
    let mut bytes = [0; SHA256_LEN];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::hmac;

    use super::{PlainSecret, from_hex, verify_hub, verify_stripe};
    use crate::verify::{Headers, Mismatch};
    use fanfare_core::timestamp::Timestamp;

    const NOW: i64 = 1_795_132_800;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn stripe_tag(secret: &str, content: &str) -> String {
        hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), content.as_bytes()).as_ref())
    }

    fn stripe(header: &str, body: &str) -> Result<Timestamp, Mismatch> {
        let headers = Headers::from_iter([("Stripe-Signature", header.as_bytes())]);
        let secrets = [PlainSecret::new("whsec_test").expect("not empty")];
        verify_stripe(&headers, body.as_bytes(), &secrets, Timestamp::from_micros(NOW * 1_000_000))
    }

    #[test]
    fn stripe_signs_its_time_and_may_sign_with_two_secrets() {
        let good = stripe_tag("whsec_test", &format!("{NOW}.{{}}"));
        let other = stripe_tag("whsec_old", &format!("{NOW}.{{}}"));
        for header in [
            format!("t={NOW},v1={good}"),
            format!("t={NOW},v1={other},v1={good},v0=00"),
            format!("v1={good}, t={NOW}"),
        ] {
            assert!(stripe(&header, "{}").is_ok(), "{header}");
        }
        for (header, body, wrong) in [
            (format!("t={NOW},v1={good}"), "{ }", Mismatch::NoMatch),
            (format!("t={NOW},v1={other}"), "{}", Mismatch::NoMatch),
            (format!("t={NOW},v1={}", &good[..62]), "{}", Mismatch::NoMatch),
            (format!("t={NOW},v1="), "{}", Mismatch::NoMatch),
            (format!("t={NOW},v0={good}"), "{}", Mismatch::NoKnownScheme),
            (format!("v1={good}"), "{}", Mismatch::Unreadable("stripe-signature")),
            (format!("t={NOW},t={NOW},v1={good}"), "{}", Mismatch::Unreadable("stripe-signature")),
            (format!("t=-{NOW},v1={good}"), "{}", Mismatch::Unreadable("stripe-signature")),
            (String::new(), "{}", Mismatch::Missing("stripe-signature")),
        ] {
            assert_eq!(stripe(&header, body), Err(wrong), "{header}");
        }
        let old = NOW - 301;
        let signed_long_ago = format!("t={old},v1={}", stripe_tag("whsec_test", &format!("{old}.{{}}")));
        assert_eq!(stripe(&signed_long_ago, "{}"), Err(Mismatch::TooOld { seconds: 301 }));
    }

    #[test]
    fn other_spellings_of_githubs_header_are_refused() {
        let secrets = [PlainSecret::new("s").expect("not empty")];
        let check = |value: &str| {
            let headers = Headers::from_iter([("X-Hub-Signature-256", value.as_bytes())]);
            verify_hub(&headers, b"", &secrets)
        };
        let tag = stripe_tag("s", "");
        assert_eq!(check(&format!("sha256={tag}")), Ok(()));
        assert_eq!(check(&format!("sha256={}", tag.to_uppercase())), Ok(()), "hexadecimal has two cases");
        for value in [format!("sha1={tag}"), tag.clone(), format!("sha256={tag}00"), "sha256=".to_owned()] {
            assert_eq!(check(&value), Err(Mismatch::Unreadable("x-hub-signature-256")), "{value}");
        }
        assert_eq!(
            verify_hub(&Headers::default(), b"", &secrets),
            Err(Mismatch::Missing("x-hub-signature-256"))
        );
    }

    proptest! {
        #[test]
        fn hexadecimal_is_read_as_it_is_written(bytes: [u8; 32]) {
            prop_assert_eq!(from_hex(&hex(&bytes)), Some(bytes));
        }

        #[test]
        fn no_header_makes_the_parsers_panic(header in "(t=[0-9]{0,12},?|v1=[0-9a-fä]{0,64},?|.*)*", body in ".*") {
            let _ = stripe(&header, &body);
        }
    }
}
