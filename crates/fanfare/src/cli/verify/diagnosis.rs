//! Explains why a request does not verify, as precisely as possible.

use fanfare_core::Timestamp;
use fanfare_webhook::secret::SECRET_LEN;
use fanfare_webhook::signature::HUB_SIGNATURE;
use fanfare_webhook::verify::{Mismatch, TOLERANCE};

use crate::cli::Failure;
use crate::cli::text::{count, duration};
use crate::cli::verify::request::Request;
use crate::cli::verify::{Keys, verified};

/// Returns the error for a request that does not verify.
pub(super) fn failure(request: &Request, keys: &Keys, header: &'static str, mismatch: Mismatch) -> Failure {
    let failure = Failure::failed(what(header, &mismatch)).coded("invalid_signature");
    match mismatch {
        Mismatch::Missing(name) | Mismatch::Repeated(name) | Mismatch::Unreadable(name) => {
            failure.fix(shape(name))
        }
        Mismatch::TooOld { .. } | Mismatch::TooNew { .. } => too_far(failure, request, keys),
        Mismatch::NoKnownScheme => no_scheme(failure, request, keys),
        Mismatch::NoMatch => no_match(failure, request, keys, header),
    }
}

/// Describes the mismatch.
pub(crate) fn what(header: &str, mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::Missing(name) => format!("the header `{name}` is missing"),
        Mismatch::TooOld { seconds } => format!("it was signed {} ago", span(*seconds)),
        Mismatch::TooNew { seconds } => format!("it was signed {} in the future", span(*seconds)),
        Mismatch::NoMatch => format!("no signature in `{header}` matches the body and the key"),
        Mismatch::NoKnownScheme => format!("`{header}` has no signature that this key can verify"),
        Mismatch::Repeated(_) | Mismatch::Unreadable(_) => mismatch.to_string(),
    }
}

fn shape(name: &str) -> String {
    let shape = match name {
        "webhook-id" | "svix-id" => "an id without a dot in it, such as `msg_2fQx`",
        "webhook-timestamp" | "svix-timestamp" => "seconds since 1970, such as `1795132800`",
        "webhook-signature" | "svix-signature" => "`v1,` and base64; separate several with spaces",
        HUB_SIGNATURE => "`sha256=` and 64 hexadecimal digits",
        "stripe-signature" => "`t=…,v1=…`",
        _ => "the value as received",
    };
    format!("pass it once: -H '{name}: …' with {shape}")
}

fn too_far(failure: Failure, request: &Request, keys: &Keys) -> Failure {
    let is_valid = request.signed().is_some_and(|signed| verified(request, keys, signed).is_ok());
    let max = TOLERANCE.as_secs() / 60;
    match is_valid {
        true => failure
            .why(format!("the signature is valid, but a request more than {max} min off could be a replay"))
            .fix(
                "use --any-age to skip this check, --at TIME to say when it was received, or correct the clocks",
            ),
        false => failure
            .why(format!("it is more than {max} min off, and the signature is not valid either"))
            .fix("run it again with --any-age to see what is wrong with the signature"),
    }
}

fn no_scheme(failure: Failure, request: &Request, keys: &Keys) -> Failure {
    let given = request.header("webhook-signature").or_else(|| request.header("svix-signature"));
    let schemes: Vec<&str> = given
        .unwrap_or_default()
        .split(' ')
        .filter_map(|one| one.split_once(','))
        .map(|(scheme, _)| scheme)
        .collect();
    let found = match schemes.as_slice() {
        [] => "it has no signature like `v1,…`".to_owned(),
        schemes => format!("it has only {}", schemes.join(", ")),
    };
    if keys.standard.is_empty() {
        return failure
            .why(format!(
                "the secret is not `whsec_…` with the base64 of {} to {} bytes",
                SECRET_LEN.start(),
                SECRET_LEN.end()
            ))
            .fix("use the secret exactly as the sender showed it");
    }
    failure.why(found).fix("verify v1 with --secret (whsec_…) and v1a with --public-key (whpk_…)")
}

/// Tries common accidents with the body, and names the one that explains the mismatch.
fn no_match(failure: Failure, request: &Request, keys: &Keys, header: &str) -> Failure {
    let now = request.signed().unwrap_or(Timestamp::from_micros(0));
    let matches = |body: Vec<u8>| {
        let other = request.with_body(body);
        verified(&other, keys, now).is_ok()
    };
    let body = &request.body;
    let without_end = body.strip_suffix(b"\n").map(|body| body.strip_suffix(b"\r").unwrap_or(body));
    if without_end.is_some_and(|body| matches(body.to_vec())) {
        return failure
            .why("it matches without the newline at the end of the body, which was added when it was saved")
            .fix("keep the body byte for byte: printf %s, curl --data-binary, or `truncate -s -1`");
    }
    let mut with_end = body.clone();
    with_end.push(b'\n');
    if matches(with_end) {
        return failure
            .why("it matches with a newline at the end of the body, which got lost")
            .fix("keep the body byte for byte");
    }
    if compact(body).is_some_and(&matches) {
        return failure
            .why("it matches the same JSON without spaces: something parsed and rewrote the body")
            .fix("verify the bytes as received, before parsing them as JSON");
    }
    let length = request.header("content-length").and_then(|text| text.parse::<usize>().ok());
    if let Some(length) = length.filter(|length| *length != body.len()) {
        return failure
            .why(format!(
                "the body has {}, but content-length says {length}",
                count(body.len() as u64, "byte")
            ))
            .fix("keep the body byte for byte");
    }
    let is_hub = header == HUB_SIGNATURE;
    failure.why("the secret is wrong, or the body was changed on the way").fix(match is_hub {
        true => "the key is the whole text of the secret; after a rotation, only the new one signs",
        false => "check that this is the webhook's own secret; after a rotation, use the new one",
    })
}

/// Returns JSON without the whitespace between its tokens. Members keep their order, numbers their digits.
fn compact(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    serde_json::from_str::<&serde_json::value::RawValue>(text).ok()?;
    let (mut out, mut in_text, mut escaped) = (Vec::with_capacity(body.len()), false, false);
    for byte in text.bytes() {
        if in_text || !byte.is_ascii_whitespace() {
            out.push(byte);
        }
        match byte {
            b'"' if !escaped => in_text = !in_text,
            _ => {}
        }
        escaped = in_text && byte == b'\\' && !escaped;
    }
    (out != body).then_some(out)
}

fn span(seconds: u64) -> String {
    duration(std::time::Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn compact_json_is_the_same_json() {
        let made = |text: &str| compact(text.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("text"));
        assert_eq!(
            made("{\n  \"a\": \"x \\\" y\", \"n\": 1.000\n}\n").as_deref(),
            Some(r#"{"a":"x \" y","n":1.000}"#)
        );
        assert_eq!(made(r#"{"a":"\\"}"#), None);
        assert_eq!(made(r#"{"a": "\\", "b": " "}"#).as_deref(), Some(r#"{"a":"\\","b":" "}"#));
        assert_eq!(made("no json at all"), None);
    }
}
