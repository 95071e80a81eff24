//! How senders and operators write secrets. Any character can be part of a secret, so a text is only split where its
//! parts are unmistakably secrets of their own.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::plain_secret::PlainSecret;
use crate::verify::Key;
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;

/// Maximum secrets of one sender: each signature is checked with all of them.
pub const SECRETS_MAX: usize = 16;
/// The code of a secret that is not one of Standard Webhooks.
const CODE: Code = Code::InvalidSource;
/// The prefix of secrets of Stripe and of Standard Webhooks.
const PREFIX: &str = "whsec_";
/// The prefix of public keys of Standard Webhooks.
const PUBLIC_PREFIX: &str = "whpk_";
/// The allowed length of a key that is not written as the standard asks, in bytes: what is shorter can be guessed.
const FOREIGN_LEN: std::ops::RangeInclusive<usize> = 16..=128;
/// Maximum length of the prefix of another sender, in bytes: `polar_whs_`.
const FOREIGN_PREFIX_LEN_MAX: usize = 16;

/// Returns the secrets of a text, one per line. Line breaks are what files and shells add; no form that asks for a
/// secret accepts one.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r']).filter(|line| !line.trim().is_empty())
}

/// Reads a secret whose text is the key, as with GitHub.
pub fn plain(line: &str) -> Option<PlainSecret> {
    PlainSecret::new(line)
}

/// Returns the parts of a list of secrets with commas, which was the way to write several. `None` if the text is one
/// secret: unless every part begins like a secret, the comma belongs to it.
pub fn listed(line: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = line.split(',').map(str::trim).filter(|part| !is_version(part)).collect();
    let is_secret = |part: &&str| part.starts_with(PREFIX) || part.starts_with(PUBLIC_PREFIX);
    (parts.len() > 1 && parts.iter().all(is_secret)).then_some(parts)
}

/// Reads Stripe's secrets.
pub fn stripe(line: &str) -> Vec<PlainSecret> {
    let parts = listed(line).unwrap_or_else(|| vec![line]);
    parts.into_iter().filter_map(PlainSecret::new).collect()
}

/// Reads keys of Standard Webhooks: `whsec_…` with or without the version before it (`v1,whsec_…`), `whpk_…`, and what
/// other senders make of that. An error does not repeat the text.
pub fn standard(line: &str) -> Result<Vec<Key>, Invalid> {
    let line = line.trim();
    // `v1,whsec_…|v1,whsec_…` is how a sender writes several.
    let parts: Vec<&str> = line.split('|').map(str::trim).collect();
    let are_versioned = parts.iter().all(|part| part.split_once(',').is_some_and(|(v, _)| is_version(v)));
    let parts = if are_versioned { parts } else { vec![line] };
    let mut keys = Vec::new();
    for part in parts {
        let part = match part.split_once(',') {
            Some((version, rest)) if is_version(version) => rest.trim(),
            _ => part,
        };
        for one in listed(part).unwrap_or_else(|| vec![part]) {
            keys.extend(one_standard(one)?);
        }
    }
    Ok(keys)
}

fn is_version(part: &str) -> bool {
    matches!(part, "v1" | "v1a")
}

fn one_standard(text: &str) -> Result<Vec<Key>, Invalid> {
    if text.starts_with(PUBLIC_PREFIX) {
        return text
            .parse()
            .map(|key| vec![Key::Public(key)])
            .map_err(|error| Invalid { code: CODE, ..error });
    }
    let is_long = |bytes: &&[u8]| FOREIGN_LEN.contains(&bytes.len());
    let key = |bytes: &[u8]| Some(bytes).filter(is_long).and_then(PlainSecret::of_bytes).map(Key::Foreign);
    // Libraries of the standard decode what follows `whsec_`, and a text without a prefix as a whole. Others take the
    // text itself as the key, with its prefix.
    let decoded = behind_prefix(text).and_then(decode);
    if text.starts_with(PREFIX)
        && decoded.is_some()
        && let Ok(secret) = text.parse()
    {
        return Ok(vec![Key::Secret(secret)]);
    }
    let keys: Vec<Key> = match text.strip_prefix(PREFIX) {
        Some(_) => decoded.as_deref().and_then(key).into_iter().collect(),
        None => decoded.as_deref().and_then(key).into_iter().chain(key(text.as_bytes())).collect(),
    };
    if !keys.is_empty() {
        return Ok(keys);
    }
    Err(Invalid::new(
        CODE,
        "the secret is not one of Standard Webhooks",
        format!(
            "copy it from the sender: `whsec_` and the base64 of at least {} bytes, or `whpk_` and the base64 of 32",
            FOREIGN_LEN.start()
        ),
    ))
}

/// Returns what follows a prefix such as `whsec_` or `polar_whs_`; the text itself if there is none.
fn behind_prefix(text: &str) -> Option<&str> {
    let is_prefix = |prefix: &str| {
        prefix.len() <= FOREIGN_PREFIX_LEN_MAX
            && prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let Some((prefix, rest)) = text.rsplit_once('_') else { return Some(text) };
    is_prefix(prefix).then_some(rest)
}

/// Decodes base64, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    const TEXT_LEN_MAX: usize = 256;
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    (text.len() <= TEXT_LEN_MAX).then(|| engine.decode(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{lines, listed, plain, standard, stripe};
    use crate::verify::Key;

    const A: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const B: &str = "whsec_plJ3nmyCDGBKInavdOK15jsl";

    #[test]
    fn a_line_break_ends_a_secret_and_nothing_else_does() {
        assert_eq!(lines("q,W8z%k}3\n").collect::<Vec<_>>(), ["q,W8z%k}3"]);
        assert_eq!(lines(" a \r\n\nb").collect::<Vec<_>>(), [" a ", "b"]);
        assert!(plain("q,W8z%k}3").is_some());
        for (text, parts) in [("q,W8z%k}3", 1), ("top-secret,older", 1), ("whsec_a,b", 1), (A, 1)] {
            assert_eq!((stripe(text).len(), listed(text)), (parts, None), "{text}");
        }
        assert_eq!(stripe("whsec_a, whsec_b").len(), 2);
    }

    #[test]
    fn keys_are_read_as_senders_write_them() {
        for (text, count) in [
            (A.to_owned(), 1),
            (format!(" {A}\t"), 1),
            (format!("v1,{A}"), 1),
            (format!("v1,{A}|v1,{B}"), 2),
            (format!("{A},{B}"), 2),
            (format!("{A}, whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="), 2),
            ("v1a,whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=".to_owned(), 1),
            // 16 bytes, and 25 without padding.
            ("whsec_AAECAwQFBgcICQoLDA0ODw".to_owned(), 1),
            ("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGA".to_owned(), 1),
            // Without a prefix: base64, as libraries take it, or the text itself.
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(), 2),
            ("polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2".to_owned(), 2),
            ("a passphrase, and a comma".to_owned(), 1),
        ] {
            assert_eq!(standard(&text).map(|keys| keys.len()).ok(), Some(count), "{text}");
        }
        for text in
            ["", "whsec_", "whsec_aGFyZGx5", "whsec_not base64 at all, but long", "short", "whpk_AA=="]
        {
            let error = standard(text).expect_err(text);
            assert!(text.len() < 8 || !error.to_string().contains(&text[7..]), "{error}");
        }
        assert!(matches!(standard(A).expect("a key")[0], Key::Secret(_)));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "(v1,|whsec_|polar_|[|,])*.*") {
            let _ = (lines(&text).count(), stripe(&text), standard(&text), listed(&text));
        }

        #[test]
        fn a_piece_of_a_plain_secret_is_not_a_key(text in "[!-~]{1,40}") {
            prop_assume!(listed(&text).is_none());
            prop_assert_eq!(stripe(&text).len(), 1);
        }
    }
}
