//! A delivery as its receiver sees it, and the verification of its signature: an independent implementation of Standard
//! Webhooks.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;

use crate::wire::head::{Head, Length};

/// Maximum difference of the timestamp from now.
const SECONDS_MAX: u64 = 300;

#[derive(Debug)]
pub(super) struct Request<'a> {
    /// The number in its path.
    pub(super) hook: usize,
    pub(super) id: &'a str,
    pub(super) timestamp: &'a str,
    pub(super) signature: &'a str,
    pub(super) body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Parses a request from the start of `bytes`; also returns its length. `None` if it is incomplete.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Option<(Self, usize)>> {
        let Some(head) = Head::parse(bytes)? else { return Ok(None) };
        let Length::Bytes(body_len) = head.length else { bail!("a delivery without a length") };
        let len = head.len + body_len;
        let Some(body) = bytes.get(head.len..len) else { return Ok(None) };
        let path = head.first_line.strip_prefix("POST /hook/").and_then(|rest| rest.split(' ').next());
        let hook = path.and_then(|hook| hook.parse().ok());
        let text = str::from_utf8(&bytes[..head.len])?;
        let header = |wanted: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            let found = lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim()).with_context(|| format!("a delivery without `{wanted}`"))
        };
        let request = Self {
            hook: hook.with_context(|| format!("a delivery for nobody: {}", head.first_line))?,
            id: header("webhook-id")?,
            timestamp: header("webhook-timestamp")?,
            signature: header("webhook-signature")?,
            body,
        };
        Ok(Some((request, len)))
    }

    /// Fails unless one of the signatures was made with `secret`, a moment ago.
    pub(super) fn verify(&self, secret: &hmac::Key) -> Result<()> {
        let signed_at: u64 = self.timestamp.parse().context("a timestamp that is no number")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        ensure!(signed_at.abs_diff(now) <= SECONDS_MAX, "signed at {signed_at}, and it is {now}");
        let content = [self.id.as_bytes(), self.timestamp.as_bytes(), self.body].join(&b'.');
        let fits = |signature: &str| {
            let tag = signature.strip_prefix("v1,").and_then(|tag| STANDARD.decode(tag).ok());
            tag.is_some_and(|tag| hmac::verify(secret, &content, &tag).is_ok())
        };
        ensure!(self.signature.split(' ').any(fits), "no signature of {} fits", self.id);
        Ok(())
    }
}

/// The key in `whsec_…`.
pub(super) fn key_of(secret: &str) -> Result<hmac::Key> {
    let encoded = secret.strip_prefix("whsec_").context("a secret without `whsec_`")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(encoded)?))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use ring::hmac;

    use super::{Request, key_of};

    fn wire(timestamp: u64, key: &hmac::Key, sent: &str, signed: &str) -> Vec<u8> {
        let tag = hmac::sign(key, format!("abc-1.{timestamp}.{signed}").as_bytes());
        format!(
            "POST /hook/3 HTTP/1.1\r\nWebhook-Id: abc-1\r\nwebhook-timestamp: {timestamp}\r\n\
             webhook-signature: v1,AAAA v1,{}\r\ncontent-length: {}\r\n\r\n{sent}",
            STANDARD.encode(tag),
            sent.len()
        )
        .into_bytes()
    }

    #[test]
    fn only_what_was_signed_just_now_with_the_secret_is_believed() {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        let key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let other = key_of("whsec_AAAQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        for (wire, is_good) in [
            (wire(now, &key, "{}", "{}"), true),
            (wire(now, &key, "{}", "{ }"), false),
            (wire(now, &other, "{}", "{}"), false),
            (wire(now - 400, &key, "{}", "{}"), false),
        ] {
            let (request, len) = Request::parse(&wire).expect("well formed").expect("whole");
            assert_eq!((request.hook, request.id, len), (3, "abc-1", wire.len()));
            assert_eq!(request.verify(&key).is_ok(), is_good);
        }
    }

    #[test]
    fn what_is_not_whole_or_not_signed_is_no_delivery() {
        let key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let wire = wire(1, &key, "{}", "{}");
        assert!(Request::parse(&wire[..wire.len() - 1]).expect("a beginning").is_none());
        assert!(Request::parse(b"POST /hook/3 HTTP/1.1\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
