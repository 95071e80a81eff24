//! What is wrong with a request that does not verify, as precisely as can be said.

use fanfare_core::Timestamp;
use fanfare_webhook::signature::HUB_SIGNATURE;
use fanfare_webhook::verify::Mismatch;

use crate::cli::Failure;
use crate::cli::text::{count, duration};
use crate::cli::verify::request::Request;
use crate::cli::verify::{Keys, believed};

/// Tells why a request is not believed.
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

/// Says what is wrong.
pub(crate) fn what(header: &str, mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::Missing(name) => format!("the header `{name}` is missing"),
        Mismatch::TooOld { seconds } => format!("it was signed {} ago", span(*seconds)),
        Mismatch::TooNew { seconds } => format!("it was signed {} in the future", span(*seconds)),
        Mismatch::NoMatch => format!("no signature in `{header}` fits the body and the key"),
        Mismatch::NoKnownScheme => format!("`{header}` has no signature that this key could have made"),
        Mismatch::Repeated(_) | Mismatch::Unreadable(_) => mismatch.to_string(),
    }
}

fn shape(name: &str) -> String {
    let shape = match name {
        "webhook-id" | "svix-id" => "an id without a dot in it, such as `msg_2fQx`",
        "webhook-timestamp" | "svix-timestamp" => "seconds since 1970, such as `1795132800`",
        "webhook-signature" | "svix-signature" => "`v1,` and base64; several are separated by spaces",
        HUB_SIGNATURE => "`sha256=` and 64 hexadecimal digits",
        "stripe-signature" => "`t=…,v1=…`",
        _ => "the value as it came",
    };
    format!("give it once: -H '{name}: …' with {shape}")
}

fn too_far(failure: Failure, request: &Request, keys: &Keys) -> Failure {
    let then = request.signed().map(|signed| believed(request, keys, signed).is_ok());
    match then {
        Some(true) => failure
            .why("the signature itself is right; what is over 5 min off could be a repetition by anybody")
            .fix("--any-age to leave that out, --at TIME for when it came; or set the clocks"),
        _ => failure
            .why("at most 5 min off is believed; and the signature is not right either")
            .fix("see what is wrong with that: the same with --any-age"),
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
    let there = match schemes.as_slice() {
        [] => "there is none of the form `v1,…`".to_owned(),
        schemes => format!("there is {}", schemes.join(", ")),
    };
    if keys.standard.is_empty() {
        return failure
            .why("the secret is no `whsec_…` with the base64 of 24 to 64 bytes")
            .fix("give the secret as the sender showed it");
    }
    failure.why(there).fix("v1 is verified with --secret (whsec_…), v1a with --public-key (whpk_…)")
}

/// Tries the usual accidents, and names the one that it was.
fn no_match(failure: Failure, request: &Request, keys: &Keys, header: &str) -> Failure {
    let now = request.signed().unwrap_or(Timestamp::from_micros(0));
    let fits = |body: Vec<u8>| {
        let other = request.with_body(body);
        believed(&other, keys, now).is_ok()
    };
    let body = &request.body;
    let without_end = body.strip_suffix(b"\n").map(|body| body.strip_suffix(b"\r").unwrap_or(body));
    if without_end.is_some_and(|body| fits(body.to_vec())) {
        return failure
            .why("it fits without the line break at the end of the body, which was added when it was saved")
            .fix("keep the body byte for byte: printf %s, curl --data-binary, or `truncate -s -1`");
    }
    let mut with_end = body.clone();
    with_end.push(b'\n');
    if fits(with_end) {
        return failure
            .why("it fits with a line break at the end of the body, which got lost")
            .fix("keep the body byte for byte");
    }
    if compact(body).is_some_and(&fits) {
        return failure
            .why("it fits the same JSON without spaces: something parsed the body and wrote it anew")
            .fix("verify the bytes as they came, before any JSON parser sees them");
    }
    let length = request.header("content-length").and_then(|text| text.parse::<usize>().ok());
    if let Some(length) = length.filter(|length| *length != body.len()) {
        return failure
            .why(format!(
                "the body has {}, and content-length says {length}",
                count(body.len() as u64, "byte")
            ))
            .fix("keep the body byte for byte");
    }
    let is_hub = header == HUB_SIGNATURE;
    failure.why("it is another secret, or the body was changed on the way").fix(match is_hub {
        true => "the key is the whole text of the secret; rotating leaves one signature, of the new one",
        false => "compare with the secret of this very webhook; after a rotation, with the new one",
    })
}

/// Writes JSON without what stands between its tokens; members keep their order, numbers their digits.
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
    fn json_is_made_compact_without_being_changed() {
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
